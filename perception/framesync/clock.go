package framesync

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

type verdict int

const (
	steady  verdict = iota
	suspect         // far from the frames before it, and nothing confirms it yet
	jumped          // far from them, but another camera says the same
)

// clock tells a frame with a wrong time from a stream whose time has jumped:
// a jump is believed when another camera confirms it.
type clock struct {
	jump      time.Duration
	stream    bool      // arrivals say nothing
	stamp     time.Time // of the latest frame believed
	arrived   time.Time // when it came
	latest    time.Time // of all stamps believed
	candidate *perception.Frame
}

func stamp(f *perception.Frame) time.Time {
	if !f.KeyTime.IsZero() {
		return f.KeyTime
	}
	return f.Captured
}

// judge compares the time that passed between frames with the time that passed
// between their arrivals: up to jump of difference is steady, so that a recording
// may play slower or faster than it was made.
func (c *clock) judge(f *perception.Frame, cameras int, now time.Time) verdict {
	var arrivals time.Duration
	if !c.stream {
		arrivals = now.Sub(c.arrived)
	}
	if c.stamp.IsZero() || c.near(stamp(f).Sub(c.stamp), arrivals) {
		c.accept(f, now)
		return steady
	}
	old := c.candidate
	c.candidate = f
	if old == nil || old.Camera == f.Camera && cameras > 1 || !c.near(stamp(f).Sub(stamp(old)), 0) {
		return suspect
	}
	return jumped
}

// near reports whether the stamps' difference is between none and that of the
// arrivals, give or take jump.
func (c *clock) near(stamps, arrivals time.Duration) bool {
	return stamps >= min(0, arrivals)-c.jump && stamps <= max(0, arrivals)+c.jump
}

func (c *clock) accept(f *perception.Frame, now time.Time) {
	c.stamp, c.arrived, c.candidate = stamp(f), now, nil
	if c.stamp.After(c.latest) {
		c.latest = c.stamp
	}
}
