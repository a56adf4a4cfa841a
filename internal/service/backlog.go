package service

import (
	"context"

	"github.com/solofusion/solofusion/internal/queue"
	"github.com/solofusion/solofusion/perception/framesync"
)

// waiting is a set that waits for the detector, and its sequence.
type waiting struct {
	framesync.Set
	sequence
}

// sequence is one sequence of the input. A new number marks the start of a
// sequence for the stepper, even if the set that started it was lost.
type sequence struct {
	number int    // from 1
	reason string // why it began
}

// newBacklog returns the queue of the sets that wait. If it is full, Put either
// waits or drops the oldest.
func newBacklog(limit int, waits bool) *queue.Queue[waiting] {
	if waits {
		return queue.New[waiting](limit, nil)
	}
	return queue.New(limit, func([]waiting) int { return 0 })
}

// put adds sets to the backlog. The backlog is open while the assembler runs.
func (s *Service) put(sets []framesync.Set) {
	for _, set := range sets {
		if set.NewSequence != "" {
			s.latest = sequence{s.latest.number + 1, set.NewSequence}
		}
		if w := (waiting{set, s.latest}); !s.beats.take(set.Time, set.NewSequence != "") {
			s.lose(&w, surplus, errSurplus)
			continue
		}
		if lost, err := s.backlog.Put(context.Background(), waiting{set, s.latest}); err != nil {
			s.lose(&lost, behind, err)
		}
	}
	s.account.input(s.sync.Counters())
}
