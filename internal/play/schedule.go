package play

import (
	"math"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Schedule says when the events of a recording are due. Within a scene, which a reset
// ends, intervals are those of the recording divided by the rate. Scenes follow each
// other without a pause. A schedule has no clock: it is told the time.
type Schedule struct {
	rate float64
	now  bool

	begun bool          // the scene has sent a pose or a frame
	began time.Time     // when, by the clock
	first time.Time     // and with which time in the recording
	shift time.Duration // from times of the recording to those that are sent
	last  time.Time     // latest time that was sent
}

// NewSchedule returns a schedule at rate times real time, math.Inf(1) for events that
// are all due at once. With now the times of a scene are moved so that it begins at
// the time of the clock, or just after the scene before it if that ended later.
func NewSchedule(rate float64, now bool) *Schedule { return &Schedule{rate: rate, now: now} }

// Immediate reports whether all events are due at once.
func (s *Schedule) Immediate() bool { return math.IsInf(s.rate, 1) }

// At returns when the event ev is due by the clock, and the event as it is to be sent
// then: ev itself, or a copy with another time. clock is the time at which the event
// before it was sent.
func (s *Schedule) At(ev perception.Event, clock time.Time) (perception.Event, time.Time) {
	switch e := ev.(type) {
	case perception.Reset:
		s.begun = false
	case perception.EgoPose:
		due := s.due(e.Time, clock)
		e.Time = s.stamp(e.Time)
		return e, due
	case *perception.Frame:
		due := s.due(e.Captured, clock)
		return s.moved(e), due
	}
	return ev, clock
}

// due returns when an event of that time in the recording is due.
func (s *Schedule) due(at, clock time.Time) time.Time {
	if !s.begun {
		s.begun, s.began, s.first, s.shift = true, clock, at, s.shiftOf(at, clock)
	}
	return s.began.Add(time.Duration(float64(at.Sub(s.first)) / s.rate))
}

// shiftOf returns the shift of a scene that begins at a time of the recording. It is
// whole microseconds, the wire's unit.
func (s *Schedule) shiftOf(at, clock time.Time) time.Duration {
	if !s.now {
		return 0
	}
	begin := clock
	if !begin.After(s.last) {
		begin = s.last.Add(time.Microsecond)
	}
	return begin.Sub(at).Truncate(time.Microsecond)
}

func (s *Schedule) stamp(at time.Time) time.Time {
	at = at.Add(s.shift)
	if at.After(s.last) {
		s.last = at
	}
	return at
}

// moved returns the frame at its shifted time, its key frame with it.
func (s *Schedule) moved(f *perception.Frame) *perception.Frame {
	stamp := s.stamp(f.Captured)
	if s.shift == 0 {
		return f
	}
	moved := *f
	moved.Captured = stamp
	if f.Key != nil {
		key := *f.Key
		key.Time = s.stamp(key.Time)
		moved.Key = &key
	}
	return &moved
}
