package playback

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// pair is a rig of two cameras.
func pair() *perception.Rig {
	r := &perception.Rig{Name: "pair", EgoFromLidar: geom.IdentityTransform()}
	for _, name := range []string{"CAM_FRONT", "CAM_BACK"} {
		r.Cameras = append(r.Cameras, perception.Camera{
			Name: name, Width: 16, Height: 12,
			Intrinsics: geom.Mat3{12, 0, 8, 0, 12, 6, 0, 0, 1}, EgoFromCamera: geom.IdentityTransform(),
		})
	}
	return r
}

// reel is a source of n instants of a rig of two cameras that ends with err.
type reel struct {
	events  []perception.Event
	err     error
	settled int
}

func newReel(n int, err error) *reel {
	r := &reel{events: []perception.Event{pair()}, err: err}
	for i := range n {
		at := epoch.Add(time.Duration(i) * 500 * time.Millisecond)
		r.events = append(r.events, perception.EgoPose{Time: at, GlobalFromEgo: geom.IdentityTransform()})
		for _, c := range pair().Cameras {
			r.events = append(r.events, &perception.Frame{Camera: c.Name, Captured: at, Image: []byte{1}})
		}
	}
	return r
}

func (r *reel) Next(context.Context) (perception.Delivery, error) {
	if len(r.events) == 0 {
		return perception.Delivery{}, r.err
	}
	next := r.events[0]
	r.events = r.events[1:]
	return perception.Delivery{Event: next, Done: func(error) { r.settled++ }}, nil
}

func (r *reel) Drops(func(string, uint64) bool) {}

// steps is a detector that answers with the set's time, or fails.
type steps struct{ err error }

func (s *steps) Step(set *perception.FrameSet) (*perception.Result, error) {
	return &perception.Result{Time: set.Time, GlobalFromEgo: set.GlobalFromEgo, EgoFromLidar: set.Rig.EgoFromLidar.Pose()}, s.err
}

// heard is a sink.
type heard struct{ times []time.Time }

func (h *heard) Publish(_ context.Context, m *perception.Moment) error {
	if !m.Set.Time.Equal(m.Result.Time) {
		return errors.New("the set is another's")
	}
	h.times = append(h.times, m.Result.Time)
	return nil
}

func (h *heard) Status(context.Context, *perception.Status) error { return nil }
func (h *heard) Flush(context.Context) error                      { return nil }

// A recording ends with its own end or with the source's fault, and each way
// says so; either way every event is settled.
func TestRunEnds(t *testing.T) {
	for name, test := range map[string]struct {
		source  error
		stepper error
		want    string // in the error; "" for none
	}{
		"at the end":            {io.EOF, nil, ""},
		"source":                {errors.New("disk full of holes"), nil, "disk full of holes"},
		"a set that is refused": {io.EOF, errors.New("bad set"), ""},
	} {
		for _, via := range []Way{Direct, NATS} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			h := &heard{}
			source := newReel(40, test.source)
			status, err := Run(ctx, via, source, &steps{test.stepper}, h)
			cancel()
			if want := 1 + 40*3; source.settled != want {
				t.Errorf("%s, %s: %d events were settled, want %d", name, via, source.settled, want)
			}
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s, %s: error %v, want %q", name, via, err, test.want)
			}
			if test.want != "" {
				continue
			}
			answers, lost := 40, uint64(0)
			if test.stepper != nil {
				answers, lost = 0, 40
			}
			if len(h.times) != answers || status.Counts["lost.failed"] != lost {
				t.Errorf("%s, %s: %d results, %d sets lost", name, via, len(h.times), status.Counts["lost.failed"])
			}
		}
	}
}

// What one way refuses is one loss by that way, and the recording goes on.
func TestRunGoesOnAfterARefusal(t *testing.T) {
	for _, test := range []struct {
		name           string
		frame          perception.Frame
		direct, byNATS string // counts
	}{
		{"empty image", perception.Frame{Camera: "CAM_BACK"}, "", "drop.malformed"},
		{"name of two tokens", perception.Frame{Camera: "a.b", Image: []byte{1}}, "drop.unknown_camera", "drop.unsent"},
		{"too large", perception.Frame{Camera: "CAM_BACK", Image: make([]byte, replayPayload+1)}, "", "drop.unsent"},
	} {
		for via, count := range map[Way]string{Direct: test.direct, NATS: test.byNATS} {
			source := newReel(20, io.EOF)
			frame := test.frame
			frame.Captured = epoch.Add(20 * 500 * time.Millisecond)
			source.events = slices.Insert(source.events, len(source.events)-2, perception.Event(&frame))
			source.events = append(source.events, &perception.Frame{Camera: "CAM_FRONT", Captured: frame.Captured, Image: []byte{1}},
				perception.EgoPose{Time: frame.Captured, GlobalFromEgo: geom.IdentityTransform()})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			h := &heard{}
			status, err := Run(ctx, via, source, &steps{}, h)
			cancel()
			if err != nil || len(h.times) != 21 {
				t.Errorf("%s, %s: %d results, error %v; want 21", test.name, via, len(h.times), err)
			}
			for name, n := range status.Counts {
				if want := uint64(0); strings.HasPrefix(name, "drop.") {
					if name == count {
						want = 1
					}
					if n != want {
						t.Errorf("%s, %s: %s is %d, want %d", test.name, via, name, n, want)
					}
				}
			}
		}
	}
}
