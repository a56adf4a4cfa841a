package perception

import (
	"time"

	"github.com/solofusion/solofusion/geom"
)

// Event is one thing that happened on the vehicle: a [*Rig] (calibration, before
// the frames it is for), an [EgoPose], a [*Frame] or a [Reset].
type Event interface{ event() }

// EgoPose is where the vehicle was at a time.
type EgoPose struct {
	Time          time.Time
	GlobalFromEgo geom.Transform
}

// Reset ends a sequence: what follows has nothing to do with what came before.
type Reset struct{ Reason string }

func (*Rig) event()    {}
func (EgoPose) event() {}
func (*Frame) event()  {}
func (Reset) event()   {}
