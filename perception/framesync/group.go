package framesync

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

// group collects the frames of a set.
type group struct {
	key      *perception.KeyFrame // common to the frames; nil if they are grouped by capture time
	deadline time.Time
	frames   []*perception.Frame   // by the rig's cameras, nil if missing
	from     []perception.Delivery // of the frames, zero if missing
	arrived  []time.Time           // of the frames, zero if missing
	cursor   string                // of the delivery that came last
}

// newGroup returns an empty group.
func newGroup(key *perception.KeyFrame, cameras int, deadline time.Time) *group {
	return &group{
		key:      key,
		deadline: deadline,
		frames:   make([]*perception.Frame, cameras),
		from:     make([]perception.Delivery, cameras),
		arrived:  make([]time.Time, cameras),
	}
}

// order returns the time by which groups of key frames are ordered.
func (g *group) order() time.Time { return g.key.Time }

// holds reports whether g has the camera's frame of that key frame.
func (g *group) holds(camera int, key *perception.KeyFrame) bool {
	return g.frames[camera] != nil && g.key.Same(key)
}

// add takes the frame of a camera. Frames are added in the order of their arrival
// if the cursor is to be that of the latest.
func (g *group) add(camera int, a *arrival) {
	g.frames[camera], g.from[camera], g.arrived[camera], g.cursor = a.frame, a.from, a.at, a.from.Cursor
}
