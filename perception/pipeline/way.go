package pipeline

import (
	"fmt"
	"math"
	"time"

	"github.com/solofusion/solofusion/geom"
)

// way is how a vehicle came to its last set's place. Localisations correct themselves,
// change the map and lose their way: from one set to the next the pose then does what no
// vehicle can, and all that is in the history would be moved by that.
type way struct {
	Begun, Moves bool // there is a last set; there are two, so that the speed is known
	Last         geom.Pose
	Speed        geom.Vec3 // between the last two sets, metres a second
}

// What a vehicle can do, with room for the noise of its localisation.
const (
	topSpeed  = 100.0 // metres a second
	topChange = 20.0  // of the speed, metres a second in a second
	topTurn   = 2.0   // radians a second
	placeFog  = 3.0   // metres
	turnFog   = 0.3   // radians
)

// jump returns what is wrong with a pose that follows the last one after dt, "" if a
// vehicle can have got there.
func (w *way) jump(to geom.Pose, dt time.Duration) string {
	if !w.Begun {
		return ""
	}
	s := dt.Seconds()
	moved := to.T.Sub(w.Last.T)
	off, room := moved.Norm(), topSpeed*s+placeFog
	if w.Moves && off <= room {
		off, room = moved.Sub(w.Speed.Scale(s)).Norm(), topChange*s*s+placeFog
	}
	if off > room {
		return fmt.Sprintf("the vehicle's pose jumped by %.1f m in %.2f s", off, s)
	}
	if turned := angle(w.Last.R, to.R); turned > topTurn*s+turnFog {
		return fmt.Sprintf("the vehicle's pose jumped by %.0f degrees in %.2f s", turned*180/math.Pi, s)
	}
	return ""
}

// add takes the pose of the next set, after dt.
func (w *way) add(to geom.Pose, dt time.Duration) {
	if w.Moves = w.Begun; w.Moves {
		w.Speed = to.T.Sub(w.Last.T).Scale(1 / dt.Seconds())
	}
	w.Begun, w.Last = true, to
}

// angle returns that of the rotation between two.
func angle(a, b geom.Mat3) float64 {
	r := a.Transpose().Mul(b)
	return math.Acos(max(-1, min(1, (r[0]+r[4]+r[8]-1)/2)))
}
