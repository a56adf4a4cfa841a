package framesync

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

// group collects the frames of a set.
type group struct {
	key      time.Time // common key time; zero if frames are grouped by capture time
	first    time.Time // earliest capture
	last     time.Time // latest capture
	deadline time.Time
	frames   []*perception.Frame   // by the rig's cameras, nil if missing
	from     []perception.Delivery // of the frames, zero if missing
	cursor   string                // of the delivery that came last
}

// newGroup returns an empty group for f.
func newGroup(f *perception.Frame, cameras int, deadline time.Time) *group {
	return &group{
		key:      f.KeyTime,
		first:    f.Captured,
		last:     f.Captured,
		deadline: deadline,
		frames:   make([]*perception.Frame, cameras),
		from:     make([]perception.Delivery, cameras),
	}
}

// order returns the time by which groups are ordered.
func (g *group) order() time.Time {
	if !g.key.IsZero() {
		return g.key
	}
	return g.first
}

// takes reports whether f belongs to g by its time.
func (g *group) takes(f *perception.Frame, spread time.Duration) bool {
	if !g.key.IsZero() || !f.KeyTime.IsZero() {
		return g.key.Equal(f.KeyTime)
	}
	return f.Captured.Sub(g.first) <= spread && g.last.Sub(f.Captured) <= spread
}

func (g *group) add(camera int, f *perception.Frame, d perception.Delivery) {
	g.frames[camera], g.from[camera], g.cursor = f, d, d.Cursor
	if f.Captured.Before(g.first) {
		g.first = f.Captured
	}
	if f.Captured.After(g.last) {
		g.last = f.Captured
	}
}

// same reports whether f is a duplicate of old, which may be nil.
func same(old, f *perception.Frame) bool {
	return old != nil && (old.Captured.Equal(f.Captured) || f.Sequence != 0 && old.Sequence == f.Sequence)
}
