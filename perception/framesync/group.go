package framesync

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

// group collects the frames of a set.
type group struct {
	key      *perception.KeyFrame // common to the frames; nil if they are grouped by capture time
	first    time.Time            // earliest capture
	last     time.Time            // latest capture
	deadline time.Time
	frames   []*perception.Frame   // by the rig's cameras, nil if missing
	from     []perception.Delivery // of the frames, zero if missing
	cursor   string                // of the delivery that came last
}

// newGroup returns an empty group for f.
func newGroup(f *perception.Frame, cameras int, deadline time.Time) *group {
	return &group{
		key:      f.Key,
		first:    f.Captured,
		last:     f.Captured,
		deadline: deadline,
		frames:   make([]*perception.Frame, cameras),
		from:     make([]perception.Delivery, cameras),
	}
}

// order returns the time by which groups are ordered.
func (g *group) order() time.Time {
	if g.key != nil {
		return g.key.Time
	}
	return g.first
}

// takes reports whether f belongs to g by its key frame or its time.
func (g *group) takes(f *perception.Frame, spread time.Duration) bool {
	if g.key != nil || f.Key != nil {
		return g.key.Same(f.Key)
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

// same reports whether f is a duplicate of old, which may be nil. Images of two
// key frames may have the same capture time.
func same(old, f *perception.Frame) bool {
	switch {
	case old == nil:
		return false
	case f.Sequence != 0 && old.Sequence == f.Sequence:
		return true
	case old.Key != nil && f.Key != nil:
		return old.Key.Same(f.Key)
	}
	return old.Captured.Equal(f.Captured)
}
