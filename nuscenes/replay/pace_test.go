package replay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// list is a source of events that ends with err, io.EOF if that is nil. It
// records what the events were settled with.
type list struct {
	events  []perception.Event
	err     error
	settled []error
}

func (l *list) Next(context.Context) (perception.Delivery, error) {
	if len(l.events) == 0 {
		return perception.Delivery{}, cmp.Or(l.err, io.EOF)
	}
	next := l.events[0]
	l.events = l.events[1:]
	return perception.Delivery{Event: next, Done: func(err error) { l.settled = append(l.settled, err) }}, nil
}

func (l *list) Drops(yield func(string, uint64) bool) { yield("list", 7) }

func TestPace(t *testing.T) {
	recorded := time.Date(2018, 8, 1, 0, 0, 0, 0, time.UTC)
	frame := func(ms int) *perception.Frame {
		return &perception.Frame{Captured: recorded.Add(time.Duration(ms) * time.Millisecond)}
	}
	synctest.Test(t, func(t *testing.T) {
		source := Pace(&list{events: []perception.Event{
			&perception.Rig{}, perception.EgoPose{}, frame(7000), frame(7500), frame(7400), perception.Reset{}, frame(60000), frame(61000),
		}}, 2)
		began := time.Now()
		for i, want := range []int{0, 0, 0, 250, 250, 250, 250, 750} { // milliseconds
			if _, err := source.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began); got != time.Duration(want)*time.Millisecond {
				t.Errorf("event %d came after %v, want %d ms", i, got, want)
			}
		}
		if _, err := source.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	})
}

func TestPaceStopsWithTheContext(t *testing.T) {
	l := &list{events: []perception.Event{&perception.Frame{Captured: time.Unix(0, 0)}, &perception.Frame{Captured: time.Unix(1e6, 0)}}}
	source := Pace(l, 1)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := source.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := source.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait: %v", err)
	}
	if len(l.settled) != 1 || !errors.Is(l.settled[0], context.Canceled) {
		t.Errorf("the frame that was not delivered is settled with %v", l.settled)
	}
}
