package service

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// timed is a source that delivers each event at its time since the start, then waits for
// the context.
type timed struct {
	script
	began time.Time
	at    []time.Duration // of the events
}

func (s *timed) Next(ctx context.Context) (perception.Delivery, error) {
	if len(s.at) > 0 {
		select {
		case <-time.After(time.Until(s.began.Add(s.at[0]))):
		case <-ctx.Done():
			return perception.Delivery{}, ctx.Err()
		}
		s.at = s.at[1:]
	}
	return s.script.Next(ctx)
}

func (s *timed) add(at time.Duration, events ...perception.Event) {
	for _, ev := range events {
		s.at, s.events = append(s.at, at), append(s.events, ev)
	}
}

// tenHertz returns a source of n instants of a rig, 100 ms apart. Stamp returns a camera's
// time of an instant, in the tests' milliseconds; that of "" is the ego pose's.
func tenHertz(rig *perception.Rig, n int, stamp func(i int, camera string) int) *timed {
	s := &timed{began: time.Now()}
	s.add(0, rig)
	for i := range n {
		at := time.Duration(i) * 100 * time.Millisecond
		s.add(at, perception.EgoPose{Time: ms(stamp(i, "")), GlobalFromEgo: geom.IdentityTransform()})
		for c := range rig.Cameras {
			name := rig.Cameras[c].Name
			s.add(at, testFrame(name, stamp(i, name)))
		}
	}
	return s
}

// even are the times of clocks that agree.
func even(i int, _ string) int { return 100 * i }

// started runs a service until the test ends, which is to call stop.
func started(t *testing.T, src perception.Source, d Stepper) (s *Service, stop func()) {
	t.Helper()
	s = New(src, d, &notebook{}, quiet(Options{Rig: "car"}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestTroublesEndWithTheStream: when nothing comes any more, a service waits for frames, and
// no trouble of the time or of an image is told of as present.
func TestTroublesEndWithTheStream(t *testing.T) {
	for _, test := range []struct {
		name, trouble string
		stamp         func(i int, camera string) int
		suspect       map[string]string
	}{
		{"a loop a second before the end", "sync time back", func(i int, _ string) int { return 100 * (i - i/30*20) }, nil},
		{"an image that is suspect to the end", "a grey", even, map[string]string{"a": "grey: it has no colour"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, stop := started(t, tenHertz(testRig(), 40, test.stamp), &doubting{suspect: test.suspect})
				defer stop()
				time.Sleep(5 * time.Second)
				wantAnswer(t, s, "/readyz", 200, "degraded: "+test.trouble+"\n")
				time.Sleep(20 * time.Second)
				if _, body := get(s, "/readyz"); !strings.HasPrefix(body, "waiting for frames") || strings.Count(body, "\n") != 1 {
					t.Errorf("20 s after the last frame /readyz says\n%s", body)
				}
			})
		})
	}
}

// doubting is a detector that suspects images.
type doubting struct {
	detector
	suspect map[string]string
}

func (d *doubting) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) {
		r, err := d.step(set)
		if err == nil {
			r.Suspect = d.suspect
		}
		return r, err
	}
}

// TestACameraNamedAsAPart: a camera whose name is that of a part, and whose trouble has the
// part's cause, is told of apart from it, in each place.
func TestACameraNamedAsAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := testRig()
		rig.Cameras = append(rig.Cameras, rig.Cameras[1])
		rig.Cameras[2].Name = ofSync
		src := &timed{began: time.Now()}
		src.add(0, rig)
		for i := range 40 {
			at := time.Duration(i) * 200 * time.Millisecond
			src.add(at, perception.EgoPose{Time: ms(200 * i), GlobalFromEgo: geom.IdentityTransform()}, testFrame("a", 200*i), testFrame("b", 200*i))
			src.add(at+80*time.Millisecond, perception.EgoPose{Time: ms(200*i + 80), GlobalFromEgo: geom.IdentityTransform()}, testFrame(ofSync, 200*i+80))
		}
		s, stop := started(t, src, &detector{})
		defer stop()
		time.Sleep(8 * time.Second)
		wantAnswer(t, s, "/readyz", 200, "degraded: sync spread, camera sync spread\n")
		code, body := get(s, "/metrics")
		for _, line := range []string{
			`solofusion_trouble{cause="spread",kind="camera",rig="car",subject="sync"} 1`,
			`solofusion_trouble{cause="spread",kind="part",rig="car",subject="sync"} 1`,
		} {
			if code != 200 || !strings.Contains(body, line) {
				t.Errorf("/metrics answers %d, and lacks %s", code, line)
			}
		}
	})
}
