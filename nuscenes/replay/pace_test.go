package replay

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// list is a source of events.
type list []perception.Event

func (l *list) Next(context.Context) (perception.Event, error) {
	if len(*l) == 0 {
		return nil, io.EOF
	}
	next := (*l)[0]
	*l = (*l)[1:]
	return next, nil
}

func TestPace(t *testing.T) {
	recorded := time.Date(2018, 8, 1, 0, 0, 0, 0, time.UTC)
	frame := func(ms int) *perception.Frame {
		return &perception.Frame{Captured: recorded.Add(time.Duration(ms) * time.Millisecond)}
	}
	synctest.Test(t, func(t *testing.T) {
		source := Pace(&list{
			&perception.Rig{}, perception.EgoPose{}, frame(7000), frame(7500), frame(7400), perception.Reset{}, frame(60000), frame(61000),
		}, 2)
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

func TestPaceHeedsTheContext(t *testing.T) {
	source := Pace(&list{&perception.Frame{Captured: time.Unix(0, 0)}, &perception.Frame{Captured: time.Unix(1e6, 0)}}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := source.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := source.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait: %v", err)
	}
}
