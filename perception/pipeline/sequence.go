package pipeline

import (
	"fmt"
	"time"
)

// sequence tells which sets history may connect.
type sequence struct {
	ended string    // why the next set is a first one, "" where it is not
	last  time.Time // of the last set; meaningless where ended
}

func newSequence() sequence { return sequence{ended: "first set"} }

// end makes the next set a first one; of several reasons the first stays.
func (s *sequence) end(reason string) {
	if s.ended == "" {
		s.ended = reason
	}
}

// next takes in a set and returns why it is the first of a sequence, "" where
// it is not. What the set itself says comes before other reasons.
func (s *sequence) next(at time.Time, newSequence string, maxGap time.Duration) (reset string) {
	gap := at.Sub(s.last)
	switch {
	case newSequence != "":
		reset = newSequence
	case s.ended != "":
		reset = s.ended
	case gap <= 0:
		reset = fmt.Sprintf("time went back by %v", -gap)
	case gap > maxGap:
		reset = fmt.Sprintf("a gap of %v exceeds %v", gap, maxGap)
	}
	s.ended, s.last = "", at
	return reset
}
