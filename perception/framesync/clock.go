package framesync

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

type verdict int

const (
	steady  verdict = iota
	suspect         // far from the earlier frames, not confirmed
	jumped          // far from the earlier frames, confirmed by another camera
)

// clock distinguishes a frame with a wrong time from a stream whose time has
// jumped: a jump is accepted when another camera confirms it. The key
// frames of a recording are not judged: their times are right.
type clock struct {
	jump      time.Duration
	stream    bool              // of a recording: arrival times are ignored
	stamp     time.Time         // of the last frame accepted
	arrived   time.Time         // arrival of that frame
	latest    time.Time         // of all stamps accepted
	candidate *perception.Frame // last suspect frame, nil if another was accepted since
}

// stamp returns the time by which frames are compared.
func stamp(f *perception.Frame) time.Time {
	if f.Key != nil {
		return f.Key.Time
	}
	return f.Captured
}

// judge compares the difference of the frames' times with that of their arrivals.
// A difference between zero and that of the arrivals, within jump, is steady: a
// recording may play slower or faster than it was made.
func (c *clock) judge(f *perception.Frame, cameras int, now time.Time) verdict {
	var arrivals time.Duration
	if !c.stream {
		arrivals = now.Sub(c.arrived)
	}
	recorded := c.stream && f.Key != nil
	if recorded || c.stamp.IsZero() || c.near(stamp(f).Sub(c.stamp), arrivals) {
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

// near reports whether the difference of the stamps is between zero and that of
// the arrivals, within jump.
func (c *clock) near(stamps, arrivals time.Duration) bool {
	return stamps >= min(0, arrivals)-c.jump && stamps <= max(0, arrivals)+c.jump
}

func (c *clock) accept(f *perception.Frame, now time.Time) {
	c.stamp, c.arrived, c.candidate = stamp(f), now, nil
	if c.stamp.After(c.latest) {
		c.latest = c.stamp
	}
}
