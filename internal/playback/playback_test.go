package playback

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// pair is a rig of two cameras.
func pair() *perception.Rig {
	r := &perception.Rig{Name: "pair", EgoFromLidar: new(geom.IdentityTransform())}
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
	settled atomic.Int64
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
	return perception.Delivery{Event: next, Done: func(error) { r.settled.Add(1) }}, nil
}

func (r *reel) Drops(func(string, uint64) bool) {}

// steps is a detector that returns the set's time and poses, and err.
type steps struct{ err error }

func (s *steps) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) { return s.step(set) }
}

func (s *steps) step(set *perception.FrameSet) (*perception.Result, error) {
	return &perception.Result{Time: set.Time, GlobalFromEgo: set.GlobalFromEgo, EgoFromModel: set.Rig.EgoFromLidar.Pose()}, s.err
}

// collector is a sink that keeps the times of the results.
type collector struct{ times []time.Time }

func (c *collector) Publish(_ context.Context, m *perception.Moment) error {
	if !m.Set.Time.Equal(m.Result.Time) {
		return errors.New("the set and the result differ in time")
	}
	c.times = append(c.times, m.Result.Time)
	return nil
}

func (c *collector) Status(context.Context, *perception.Status) error { return nil }
func (c *collector) Flush(context.Context) error                      { return nil }

// A run ends at the end of the recording, or with the source's error, which both
// ways return. Every event is settled.
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
		for _, via := range []Options{{Via: Direct}, {Via: NATS}, {Via: Direct, Overlap: true}} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			c := &collector{}
			source := newReel(40, test.source)
			status, err := Run(ctx, via, source, &steps{test.stepper}, c)
			cancel()
			if got, want := source.settled.Load(), int64(1+40*3); got != want {
				t.Errorf("%s, %+v: %d events were settled, want %d", name, via, got, want)
			}
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s, %+v: error %v, want %q", name, via, err, test.want)
			}
			if test.want != "" {
				continue
			}
			results, lost := 40, uint64(0)
			if test.stepper != nil {
				results, lost = 0, 40
			}
			if len(c.times) != results || status.Counts["lost.failed"] != lost {
				t.Errorf("%s, %+v: %d results, %d sets lost", name, via, len(c.times), status.Counts["lost.failed"])
			}
		}
	}
}

// An event that one way refuses is counted as one drop, and the recording goes on.
func TestRunGoesOnAfterARefusal(t *testing.T) {
	for _, test := range []struct {
		name           string
		frame          perception.Frame
		direct, byNATS string // counts
	}{
		{"name of no camera", perception.Frame{Camera: "a.b", Image: []byte{1}}, "drop.unknown_camera", "drop.unknown_camera"},
		{"name that none can have", perception.Frame{Camera: "\xff", Image: []byte{1}}, "drop.unknown_camera", "drop.unsent"},
		{"too large", perception.Frame{Camera: "CAM_BACK", Image: make([]byte, replayPayload+1)}, "", "drop.unsent"},
	} {
		for via, count := range map[Way]string{Direct: test.direct, NATS: test.byNATS} {
			source := newReel(20, io.EOF)
			frame := test.frame
			frame.Captured = epoch.Add(20 * 500 * time.Millisecond)
			source.events = append(source.events, &frame, &perception.Frame{Camera: "CAM_FRONT", Captured: frame.Captured, Image: []byte{1}},
				perception.EgoPose{Time: frame.Captured, GlobalFromEgo: geom.IdentityTransform()})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			c := &collector{}
			status, err := Run(ctx, Options{Via: via}, source, &steps{}, c)
			cancel()
			if err != nil || len(c.times) != 21 {
				t.Errorf("%s, %+v: %d results, error %v; want 21", test.name, via, len(c.times), err)
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
