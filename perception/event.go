package perception

import (
	"context"
	"time"

	"github.com/solofusion/solofusion/geom"
)

// Event is one thing that a [Source] delivers: a [*Rig] (calibration, before
// the frames it is for), an [EgoPose], a [*Frame] or a [Reset].
type Event interface{ event() }

// EgoPose says where the vehicle was.
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

// Source delivers events in the order in which they were sent. Next waits for
// one; it returns io.EOF at the end and ctx's error when that is done first.
type Source interface {
	Next(ctx context.Context) (Event, error)
}

// Sink takes results in order.
type Sink interface {
	Publish(ctx context.Context, r *Result) error
}
