package bus

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

func bytesOf(t interface{ Fatal(...any) }, m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func anyVec(t *rapid.T) geom.Vec3 {
	f := rapid.Float64()
	return geom.Vec3{f.Draw(t, "x"), f.Draw(t, "y"), f.Draw(t, "z")}
}

func anyTransform(t *rapid.T) geom.Transform {
	v := anyVec(t)
	return geom.Transform{Rotation: geom.Quat{W: rapid.Float64().Draw(t, "w"), X: v[0], Y: v[1], Z: v[2]}, Translation: anyVec(t)}
}

func anyTime(t *rapid.T) time.Time {
	return time.UnixMicro(rapid.Int64Range(1, 1<<52).Draw(t, "µs")).UTC()
}

// anyKeyFrame is one of a recording, whose times may be zero or negative.
func anyKeyFrame(t *rapid.T) *perception.KeyFrame {
	return &perception.KeyFrame{
		ID:            rapid.StringN(1, 40, -1).Draw(t, "key frame"),
		Time:          time.UnixMicro(rapid.Int64Range(-1<<52, 1<<52).Draw(t, "key µs")).UTC(),
		GlobalFromEgo: anyOwnPose(t),
	}
}

func anyLayout(t *rapid.T) perception.Layout {
	number := rapid.IntRange(0, math.MaxUint32)
	return perception.Layout{
		Format: perception.Format(rapid.String().Draw(t, "format")),
		Width:  number.Draw(t, "columns"), Height: number.Draw(t, "rows"), Stride: number.Draw(t, "stride"),
	}
}

// anyOwnPose may be nil.
func anyOwnPose(t *rapid.T) *geom.Transform {
	if rapid.Bool().Draw(t, "no pose") {
		return nil
	}
	own := anyTransform(t)
	return &own
}

// TestEventsKeepTheirBits: what is decoded is what was encoded.
func TestEventsKeepTheirBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		camera := perception.Camera{
			Name: "c", Width: rapid.IntRange(0, math.MaxUint32).Draw(t, "width"), Height: 2,
			Intrinsics: anyTransform(t).Pose().R, EgoFromCamera: anyTransform(t),
		}
		for _, ev := range []perception.Event{
			perception.EgoPose{Time: anyTime(t), GlobalFromEgo: anyTransform(t)},
			&perception.Rig{Name: "r", Cameras: []perception.Camera{camera}, EgoFromLidar: new(anyTransform(t)), EgoFromBase: new(anyTransform(t))},
			&perception.Frame{Camera: "c", Captured: anyTime(t), Sequence: rapid.Uint64().Draw(t, "sequence"), Image: []byte{1}, Layout: anyLayout(t)},
			&perception.Frame{Camera: "c", Captured: anyTime(t), Key: &perception.KeyFrame{Time: anyTime(t)}, Image: []byte{2, 3}},
			&perception.Frame{Camera: "c", Captured: time.UnixMicro(0).UTC(), Key: anyKeyFrame(t), OwnPose: anyOwnPose(t), Image: []byte{2, 3}},
			perception.Reset{Reason: rapid.String().Draw(t, "reason")},
		} {
			kind, m := encodeEvent(ev)
			got, err := decodeEvent(kind, bytesOf(t, m))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ev, got, cmpopts.EquateNaNs()); diff != "" {
				t.Fatalf("(-sent +received):\n%s", diff)
			}
		}
	})
}

func TestResultsKeepTheirBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := testResult()
		r.GlobalFromEgo = geom.Pose{R: geom.Mat3{0: rapid.Float64().Draw(t, "r")}, T: anyVec(t)}
		r.HistoryAge = time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "age")) * time.Microsecond
		r.StageDurations["x"] = time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "ns"))
		r.Detections = append(r.Detections, perception.Detection{
			Class:    perception.Class(rapid.IntRange(0, 9).Draw(t, "class")),
			Score:    rapid.Float32().Draw(t, "score"),
			Center:   anyVec(t),
			Size:     anyVec(t),
			Yaw:      rapid.Float64().Draw(t, "yaw"),
			Velocity: [2]float64{rapid.Float64().Draw(t, "vx"), rapid.Float64().Draw(t, "vy")},
		})
		got, err := decodeResult(bytesOf(t, encodeResult(r, SinkOptions{})))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatalf("(-sent +received):\n%s", diff)
		}
	})
}

func TestSameResultSameBytes(t *testing.T) {
	want := string(bytesOf(t, encodeResult(testResult(), SinkOptions{})))
	for range 50 {
		if string(bytesOf(t, encodeResult(testResult(), SinkOptions{}))) != want {
			t.Fatal("the bytes differ")
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := func(change func(*pb.Detections)) []byte {
		m := encodeResult(testResult(), SinkOptions{})
		change(m)
		return bytesOf(t, m)
	}
	for name, data := range map[string][]byte{
		"class":    whole(func(m *pb.Detections) { m.Detections[0].ClassName = "ship" }),
		"place":    whole(func(m *pb.Detections) { m.Detections[0].Model = nil }),
		"size":     whole(func(m *pb.Detections) { m.Detections[0].Size = nil }),
		"rotation": whole(func(m *pb.Detections) { m.GlobalFromEgo.Rotation = m.GlobalFromEgo.Rotation[:8] }),
		"model":    whole(func(m *pb.Detections) { m.EgoFromModel = nil }),
		"lidar":    whole(func(m *pb.Detections) { m.EgoFromLidar.Translation = nil }),
		"bytes":    {0xff},
	} {
		if _, err := decodeResult(data); err == nil {
			t.Errorf("a result without a good %s was taken", name)
		}
	}
	for name, data := range map[string][]byte{"state": nil, "bytes": {0xff}} {
		if _, err := decodeStatus(data); err == nil {
			t.Errorf("a status without a good %s was taken", name)
		}
	}
	rig := encodeRig(testRig())
	rig.Cameras[1].Intrinsics = rig.Cameras[1].Intrinsics[:4]
	if _, err := decodeRig(bytesOf(t, rig)); err == nil || err.Error() != `camera "CAM_BACK": intrinsics have 4 numbers, want 9` {
		t.Errorf("a short matrix: %v", err)
	}
	const broken = "not a solofusion.v1.EgoPose: cannot parse invalid wire-format data"
	if _, err := decodeEgoPose([]byte{0xff}); err == nil || err.Error() != broken {
		t.Errorf("no message: %v, want %q", err, broken)
	}
	if _, err := decodeEgoPose(bytesOf(t, &pb.EgoPose{GlobalFromEgo: encodeTransform(geom.IdentityTransform())})); err == nil {
		t.Error("a pose without a time was taken")
	}
	for want, m := range map[string]*pb.Frame{
		"captured_us is missing": {KeyTimeUs: 1},
		"global_from_ego: ":      {CapturedUs: 1, GlobalFromEgo: &pb.Transform{}},
		"key_global_from_ego: ":  {CapturedUs: 1, KeyGlobalFromEgo: &pb.Transform{Rotation: &pb.Quaternion{W: 1}}},
	} {
		m.Camera, m.Image = "c", []byte{1}
		if _, err := decodeFrame("c", bytesOf(t, m)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("a frame: %v, want %q", err, want)
		}
	}
}

// A key frame without its time is refused, unless that can be 0: results would be of 1970.
func TestKeyFramesHaveATime(t *testing.T) {
	at := encodeTransform(geom.IdentityTransform())
	live := epoch.UnixMicro()
	const boot, start = int64(time.Hour / time.Microsecond), int64(time.Second / time.Microsecond)
	for name, test := range map[string]struct {
		m  *pb.Frame
		ok bool
	}{
		"none":                         {&pb.Frame{CapturedUs: live}, true},
		"a time":                       {&pb.Frame{CapturedUs: live, KeyTimeUs: live}, true},
		"a name and a time":            {&pb.Frame{CapturedUs: live, KeyFrame: "k", KeyTimeUs: live}, true},
		"a name":                       {&pb.Frame{CapturedUs: live, KeyFrame: "k"}, false},
		"a name, time since boot":      {&pb.Frame{CapturedUs: boot, KeyFrame: "k"}, false},
		"a pose":                       {&pb.Frame{CapturedUs: live, KeyGlobalFromEgo: at}, false},
		"the start of a simulation":    {&pb.Frame{CapturedUs: start, KeyFrame: "k", KeyGlobalFromEgo: at}, true},
		"an image at the time 0":       {&pb.Frame{KeyFrame: "k"}, true},
		"a recording from before 1970": {&pb.Frame{CapturedUs: -live, KeyFrame: "k", KeyTimeUs: -live}, true},
	} {
		test.m.Camera, test.m.Image = "c", []byte{1}
		_, err := decodeFrame("c", bytesOf(t, test.m))
		if test.ok != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "key_time_us is missing: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecode: no message crashes the decoder, and what it accepts encodes to a
// message that decodes to the same.
func FuzzDecode(f *testing.F) {
	own := testFrame("CAM_FRONT", 2)
	own.OwnPose = testRig().EgoFromLidar
	own.Captured = time.UnixMicro(1000).UTC()
	own.Key = &perception.KeyFrame{ID: "sample-7", GlobalFromEgo: own.OwnPose, Time: time.UnixMicro(0).UTC()}
	for _, ev := range []perception.Event{testRig(), testPose(1), testFrame("CAM_FRONT", 1), own, perception.Reset{Reason: "r"}} {
		kind, m := encodeEvent(ev)
		f.Add(kind, bytesOf(f, m))
	}
	f.Add(control, bytesOf(f, &pb.Control{Command: &pb.Control_EndOfStream{}}))
	f.Add(detections, bytesOf(f, encodeResult(testResult(), SinkOptions{})))
	f.Add(status, bytesOf(f, encodeStatus("car", &perception.Status{State: perception.Running})))
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		_, _ = decodeResult(data)
		_, _ = decodeStatus(data)
		ev, err := decodeEvent(kind, data)
		if err != nil {
			return
		}
		again, m := encodeEvent(ev)
		back, err := decodeEvent(again, bytesOf(t, m))
		if err != nil || again != kind {
			t.Fatalf("%v is sent as %s: %v", ev, again, err)
		}
		if diff := cmp.Diff(ev, back, cmpopts.EquateNaNs()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Words of other encodings, as tables may have them, do not stop a message.
func TestWordsThatAreNotUTF8(t *testing.T) {
	rig, result := testRig(), testResult()
	rig.Name, result.Rig, result.Reset, result.Rejected["CAM_LEFT"] = "K\xfchl", "K\xfchl", "stra\xdfe", "\xff"
	result.Suspect["CAM_BACK"] = "\xff"
	for _, m := range []proto.Message{
		encodeRig(rig), encodeResult(result, SinkOptions{}), encodeStatus("car", &perception.Status{LastError: "\xff"}),
	} {
		bytesOf(t, m)
	}
	kind, m := encodeEvent(perception.Reset{Reason: "stra\xdfe"})
	if got, err := decodeEvent(kind, bytesOf(t, m)); err != nil || got != (perception.Reset{Reason: "stra\uFFFDe"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
