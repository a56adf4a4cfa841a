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

// trace hands a way on, if somebody asked for it.
func (s *Service) trace(w *Way) {
	if s.options.Trace != nil {
		s.options.Trace(w)
	}
}
