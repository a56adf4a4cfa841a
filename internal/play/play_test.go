package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/perception"
)

var recorded = time.Date(2018, 8, 1, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return recorded.Add(time.Duration(ms) * time.Millisecond) }

func frame(camera string, ms int) *perception.Frame {
	return &perception.Frame{Camera: camera, Captured: at(ms)}
}

func pose(ms int) perception.EgoPose { return perception.EgoPose{Time: at(ms)} }

// list is a source of events.
type list struct {
	events  []perception.Event
	settled int
}

func (l *list) Next(context.Context) (perception.Delivery, error) {
	if len(l.events) == 0 {
		return perception.Delivery{}, io.EOF
	}
	next := l.events[0]
	l.events = l.events[1:]
	return perception.Delivery{Event: next, Done: func(error) { l.settled++ }}, nil
}

func (l *list) Drops(func(string, uint64) bool) {}

// stamp returns the time of a pose or a frame.
func stamp(ev perception.Event) time.Time {
	switch e := ev.(type) {
	case perception.EgoPose:
		return e.Time
	case *perception.Frame:
		return e.Captured
	}
	return time.Time{}
}

// sending is an event, and when it was sent after the start.
type sending struct {
	event perception.Event
	after time.Duration
}

// run plays events in a bubble of synctest and returns what was sent.
func run(t *testing.T, s *Schedule, events ...perception.Event) []sending {
	t.Helper()
	var sent []sending
	start := time.Now()
	source := &list{events: events}
	p := Player{Source: source, Schedule: s, Send: func(_ context.Context, ev perception.Event) error {
		sent = append(sent, sending{ev, time.Since(start)})
		return nil
	}}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if source.settled != len(events) {
		t.Errorf("%d of %d events are settled", source.settled, len(events))
	}
	return sent
}

// drive is two scenes: the second begins a minute later in the recording.
func drive() []perception.Event {
	return []perception.Event{
		&perception.Rig{}, pose(0), frame("A", 10), frame("B", 20), pose(500), frame("A", 510), frame("B", 520),
		perception.Reset{}, pose(60_000), frame("A", 60_010), frame("B", 60_110),
	}
}

func TestEventsComeWhenTheyAreDue(t *testing.T) {
	for rate, want := range map[float64][]int{ // ms
		1:           {0, 0, 10, 20, 500, 510, 520, 520, 520, 530, 630},
		2:           {0, 0, 5, 10, 250, 255, 260, 260, 260, 265, 315},
		math.Inf(1): {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var got []int
			for i, s := range run(t, NewSchedule(rate, false), drive()...) {
				got = append(got, int(s.after.Milliseconds()))
				if !stamp(s.event).Equal(stamp(drive()[i])) {
					t.Errorf("rate %g: event %d has the time %v, want that of the recording", rate, i, stamp(s.event))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("rate %g: sent after %v ms, want %v", rate, got, want)
			}
		})
	}
}

// With now and in real time each event has the time at which it is sent. A scene that
// begins where the last one ended begins a microsecond later.
func TestNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		key := &perception.KeyFrame{ID: "k", Time: at(60_100)}
		last := frame("B", 60_110)
		last.Key = key
		events := append(drive()[:10], last)
		for i, s := range run(t, NewSchedule(1, true), events...) {
			if got := stamp(s.event); !got.IsZero() && got.Sub(start.Add(s.after)).Abs() > time.Microsecond {
				t.Errorf("event %d has the time %v, want that of the clock, %v", i, got, start.Add(s.after))
			}
			if f, is := s.event.(*perception.Frame); is && f.Key != nil && (f.Captured.Sub(f.Key.Time) != 10*time.Millisecond || f.Key.ID != "k") {
				t.Errorf("the key frame is %+v beside the capture %v, want 10 ms before it", f.Key, f.Captured)
			}
		}
		if !key.Time.Equal(at(60_100)) || !last.Captured.Equal(at(60_110)) {
			t.Error("the recording's own events were changed")
		}
	})
}

// A schedule keeps the recording's intervals, divided by the rate, and time goes on
// from scene to scene if it is moved to now.
func TestSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.1, 100).Draw(t, "rate")
		s := NewSchedule(rate, true)
		clock, latest := time.Unix(1e9, 0), time.Time{}
		for range rapid.IntRange(1, 4).Draw(t, "scenes") {
			s.At(perception.Reset{}, clock)
			began, first := clock, rapid.IntRange(-1e9, 1e9).Draw(t, "first")
			begin := time.Time{}
			for ms := range rapid.IntRange(1, 20).Draw(t, "events") {
				ev, due := s.At(pose(first+ms*7), clock)
				if want := began.Add(time.Duration(float64(ms*7) / rate * 1e6)); due.Sub(want).Abs() > time.Microsecond {
					t.Fatalf("event %d is due at %v, want %v", ms, due, want)
				}
				if ms == 0 {
					begin = stamp(ev)
				}
				if stamp(ev).Sub(begin) != time.Duration(ms*7)*time.Millisecond {
					t.Fatalf("event %d is %v after the first, want %d ms", ms, stamp(ev).Sub(begin), ms*7)
				}
				if !stamp(ev).After(latest) {
					t.Fatalf("time went from %v to %v", latest, stamp(ev))
				}
				latest, clock = stamp(ev), due
			}
		}
	})
}

// An instant ends when a camera repeats, at a reset and at the end.
func TestAwaitAfterEachInstant(t *testing.T) {
	var spans []string
	p := Player{
		Source: &list{events: drive()}, Schedule: NewSchedule(math.Inf(1), false),
		Send: func(context.Context, perception.Event) error { return nil },
		Await: func(_ context.Context, s Span) (bool, error) {
			spans = append(spans, fmt.Sprint(s.From.Sub(recorded), "-", s.To.Sub(recorded)))
			return len(spans) != 2, nil
		},
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"10ms-20ms", "510ms-520ms", "1m0.01s-1m0.11s"}; !slices.Equal(spans, want) {
		t.Errorf("waited for instants %v, want %v", spans, want)
	}
	if p.Sent != (Sent{Frames: 6, Poses: 3, Rigs: 1, Resets: 1, Unanswered: 1}) {
		t.Errorf("counts are %+v", p.Sent)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	p := Player{Source: &list{events: drive()}, Schedule: NewSchedule(math.Inf(1), false)}
	p.Send = func(_ context.Context, ev perception.Event) error {
		switch e := ev.(type) {
		case *perception.Rig:
			return bus.ErrNotKept
		case *perception.Frame:
			if e.Camera == "B" {
				return &bus.RefusedError{Subject: "sf.car.frame.B", Reason: "no such camera"}
			}
		}
		return nil
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.Sent.Refused != 3 || p.Sent.Frames != 3 || p.Sent.Rigs != 1 || !errors.Is(p.Sent.Why, bus.ErrNotKept) {
		t.Errorf("counts are %+v", p.Sent)
	}
	if got := p.Sent.String(); !strings.HasPrefix(got, "sent 3 images and 3 poses; 3 messages were not taken") {
		t.Error(got)
	}
	lost := errors.New("connection lost")
	p = Player{Source: &list{events: drive()}, Schedule: NewSchedule(1, false), Send: func(context.Context, perception.Event) error { return lost }}
	if err := p.Run(t.Context()); !errors.Is(err, lost) {
		t.Errorf("got %v, want the error of Send", err)
	}
}

func TestRunStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := Player{Source: &list{events: []perception.Event{pose(0), pose(1e9)}}, Schedule: NewSchedule(1, false)}
	p.Send = func(context.Context, perception.Event) error { cancel(); return nil }
	if err := p.Run(ctx); !errors.Is(err, context.Canceled) || p.Sent.Poses != 1 {
		t.Errorf("got %v after %d poses, want the context's error after one", err, p.Sent.Poses)
	}
}

// results is a feed of results that ends when it is closed.
type results chan *perception.Result

func (r results) Next(context.Context) (*perception.Result, error) {
	if next, open := <-r; open {
		return next, nil
	}
	return nil, io.EOF
}

func TestArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := make(results)
		defer close(feed)
		a := Collect(feed)
		go func() {
			time.Sleep(time.Second)
			feed <- &perception.Result{Time: at(0)}
			time.Sleep(time.Second)
			feed <- &perception.Result{Time: at(500)}
		}()
		start := time.Now()
		if came, err := a.Await(t.Context(), Span{at(480), at(500)}); !came || err != nil || time.Since(start) != 2*time.Second {
			t.Errorf("the result of 500 ms: %v, %v after %v, want it after 2 s", came, err, time.Since(start))
		}
		if came, err := a.Await(t.Context(), Span{at(1000), at(1000)}); came || err != nil || time.Since(start) != 2*time.Second+Patience {
			t.Errorf("the result of 1000 ms: %v, %v after %v, want none", came, err, time.Since(start))
		}
		if err := a.Last(t.Context(), time.Second); err != nil || a.Count() != 2 {
			t.Errorf("%d results, %v; want 2", a.Count(), err)
		}
	})
}
