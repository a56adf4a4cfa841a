package service

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Way is when a set went through the service. It is for reading only.
type Way struct {
	Set                       *perception.FrameSet
	Result                    *perception.Result // nil if there is none
	Left                      time.Time          // the sync
	Began, Stepped, Published time.Time          // zero if it did not come that far
	Lost                      error              // nil if the result was published
}

// latency returns the time from the set's capture to its published result. If that can be
// none by the service's clock, as the cameras may have another, it is the time from the
// latest of the set's arrivals.
func (w *Way) latency() time.Duration {
	const ahead, most = time.Second, time.Hour // a clock that is a little off, and an old picture
	if d := w.Published.Sub(w.Result.Time); d >= -ahead && d <= most {
		return d
	}
	var last time.Time
	for _, f := range w.Set.Frames {
		if f != nil && f.Arrived.After(last) {
			last = f.Arrived
		}
	}
	return w.Published.Sub(last)
}

// trace hands a way on, if somebody asked for it.
func (s *Service) trace(w *Way) {
	if s.options.Trace != nil {
		s.options.Trace(w)
	}
}
