package bus

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

// fuzzEvents fuzzes the way of a message to an event: decoding, and what a source and
// the service ask of it. What is taken must be valid, and encode to a message of the
// same event.
func fuzzEvents(f *testing.F, kind string, seeds ...proto.Message) {
	for _, m := range seeds {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte{})
	g, rivals, now := newGate(DefaultLimits()), newRivals(), time.Unix(0, 0)
	f.Fuzz(func(t *testing.T, data []byte) {
		ev, err := decodeEvent(kind, data)
		if err != nil {
			return
		}
		now = now.Add(time.Millisecond)
		refused := refusal(ev) != ""
		if g.admit(ev, now) == nil && !refused {
			rivals.see(ev, now)
		}
		again, m := encodeEvent(ev)
		if again != kind {
			t.Fatalf("kind %q became %q", kind, again)
		}
		sent, err := proto.Marshal(m)
		if err != nil {
			t.Fatalf("what was decoded cannot be sent: %v", err)
		}
		ev, err = decodeEvent(kind, sent)
		if err != nil || (refusal(ev) != "") != refused {
			t.Fatalf("decoded again: %v", err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	_, m := encodeEvent(testFrame("CAM_FRONT", 1))
	own := testFrame("CAM_FRONT", 2)
	own.OwnPose = new(testPose(1).GlobalFromEgo)
	_, posed := encodeEvent(own)
	fuzzEvents(f, frame+"CAM_FRONT", m, posed, &pb.Frame{Camera: "CAM_FRONT", CapturedUs: -1, Image: []byte{1}})
}

func FuzzPose(f *testing.F) {
	_, m := encodeEvent(testPose(1))
	fuzzEvents(f, pose, m)
}

func FuzzCalibration(f *testing.F) {
	_, m := encodeEvent(testRig())
	large := testRig()
	for range 7 {
		large.Cameras = append(large.Cameras, large.Cameras...)
	}
	_, many := encodeEvent(large)
	fuzzEvents(f, calibration, m, many)
}

func FuzzControl(f *testing.F) {
	_, m := encodeEvent(perception.Reset{Reason: "scene"})
	fuzzEvents(f, control, m, &pb.Control{Command: &pb.Control_EndOfStream{EndOfStream: &pb.EndOfStream{}}})
}

// FuzzSubject: any token of a subject is refused or is the token of its name.
func FuzzSubject(f *testing.F) {
	for _, token := range []string{"CAM_FRONT", "vorn=20links", "=", "=2", "=GG", "=41", "ü", "a.b", ""} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if name, err := Name(token); err == nil && Token(name) != token {
			t.Fatalf("token %q of %q became %q", token, name, Token(name))
		}
		if _, err := decodeEvent(token, nil); err == nil {
			t.Fatalf("an empty message of kind %q is an event", token)
		}
	})
}

// FuzzResult: a client decodes any message to a result or an error.
func FuzzResult(f *testing.F) {
	data, err := proto.Marshal(encodeResult(testResult(), SinkOptions{}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeResult(data)
		if err != nil {
			return
		}
		if _, err := proto.Marshal(encodeResult(r, SinkOptions{MinScore: 0.3, Range: 50})); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzStatus: a client decodes any message to a status or an error.
func FuzzStatus(f *testing.F) {
	data, err := proto.Marshal(encodeStatus("car", &perception.Status{State: perception.Running, Counts: map[string]uint64{"sets": 1}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeStatus(data)
		if err != nil {
			return
		}
		if _, err := proto.Marshal(encodeStatus("car", s)); err != nil {
			t.Fatal(err)
		}
	})
}
