package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/perception"
)

// Player sends the events of a source.
type Player struct {
	Source   perception.Source
	Schedule *Schedule
	Send     func(ctx context.Context, ev perception.Event) error // [bus.Publisher.Publish]

	// Await, if not nil, is called after the frames of each instant, one of each
	// camera, with the span of their times. It returns whether their result came.
	Await func(ctx context.Context, instant Span) (bool, error)

	// Progress, if not nil, is called after each frame.
	Progress func()

	Sent Sent

	instant map[string]bool // cameras that have sent their frame of the current instant
	span    Span            // of the instant
}

// Span is an interval of time with its ends.
type Span struct{ From, To time.Time }

// has reports whether t is in the span.
func (s Span) has(t time.Time) bool { return !t.Before(s.From) && !t.After(s.To) }

// with returns the span that has t also.
func (s Span) with(t time.Time) Span {
	if s == (Span{}) {
		return Span{t, t}
	}
	if t.Before(s.From) {
		s.From = t
	}
	if t.After(s.To) {
		s.To = t
	}
	return s
}

// Sent counts what a player sent.
type Sent struct {
	Frames, Poses, Rigs, Resets int
	Unanswered                  int   // instants that Await found without a result
	Refused                     int   // events that were not sent or not taken
	Why                         error // of the first of these
}

// Run sends all events of the source, and returns after the last. It goes on after an
// event that cannot be sent, or that the service refuses, and counts it.
func (p *Player) Run(ctx context.Context) error {
	p.instant = map[string]bool{}
	for {
		d, err := p.Source.Next(ctx)
		if errors.Is(err, io.EOF) {
			return p.finish(ctx)
		}
		if err != nil {
			return err
		}
		err = p.event(ctx, d.Event)
		d.Settle(err)
		if err != nil {
			return err
		}
	}
}

// event waits until ev is due and sends it.
func (p *Player) event(ctx context.Context, ev perception.Event) error {
	if p.ends(ev) {
		if err := p.finish(ctx); err != nil {
			return err
		}
	}
	ev, due := p.Schedule.At(ev, time.Now())
	if err := wait(ctx, due); err != nil {
		return err
	}
	switch err := p.Send(ctx, ev); {
	case err == nil:
		p.count(ev)
	case passable(err):
		p.refuse(ev, err)
	default:
		return err
	}
	return nil
}

// ends reports whether the event ends the current instant.
func (p *Player) ends(ev perception.Event) bool {
	switch e := ev.(type) {
	case *perception.Frame:
		return p.instant[e.Camera]
	case perception.Reset:
		return true
	}
	return false
}

// finish ends the current instant.
func (p *Player) finish(ctx context.Context) error {
	if p.Await == nil || len(p.instant) == 0 {
		clear(p.instant)
		return ctx.Err()
	}
	answered, err := p.Await(ctx, p.span)
	clear(p.instant)
	p.span = Span{}
	if err == nil && !answered {
		p.Sent.Unanswered++
	}
	return err
}

func (p *Player) count(ev perception.Event) {
	switch e := ev.(type) {
	case *perception.Frame:
		p.Sent.Frames++
		p.instant[e.Camera], p.span = true, p.span.with(e.Captured)
		if e.Key != nil {
			p.span = p.span.with(e.Key.Time)
		}
		if p.Progress != nil {
			p.Progress()
		}
	case perception.EgoPose:
		p.Sent.Poses++
	case *perception.Rig:
		p.Sent.Rigs++
	case perception.Reset:
		p.Sent.Resets++
	}
}

// refuse counts an event that did not arrive.
func (p *Player) refuse(ev perception.Event, err error) {
	if errors.Is(err, bus.ErrNotKept) { // it was sent
		p.count(ev)
	} else {
		p.Sent.Refused++
	}
	if p.Sent.Why == nil {
		p.Sent.Why = err
	}
}

// passable reports whether the recording goes on after the error.
func passable(err error) bool {
	var (
		refused *bus.RefusedError
		large   *bus.PayloadError
		invalid *bus.InvalidError
	)
	return errors.As(err, &refused) || errors.As(err, &large) || errors.As(err, &invalid) || errors.Is(err, bus.ErrNotKept)
}

// wait returns at the time due, or when ctx is done.
func wait(ctx context.Context, due time.Time) error {
	left := time.Until(due)
	if left <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// String describes what was sent in one line.
func (s Sent) String() string {
	words := fmt.Sprintf("sent %d images and %d poses", s.Frames, s.Poses)
	if s.Refused > 0 {
		words += fmt.Sprintf("; %d messages were not taken, the first: %v", s.Refused, s.Why)
	}
	return words
}
