package service

import (
	"context"
	"time"

	"github.com/solofusion/solofusion/internal/queue"
	"github.com/solofusion/solofusion/perception/framesync"
)

// waiting is a set that waits for the detector, and its sequence.
type waiting struct {
	framesync.Set
	sequence
	left time.Time // the sync
}

// sequence is one sequence of the input. A new number marks the start of a
// sequence for the stepper, even if the set that started it was lost.
type sequence struct {
	number int    // from 1
	reason string // why it began
}

// newBacklog returns the queue of the sets that wait. If it is full, Put either
// waits or drops what is least missed.
func newBacklog(limit int, waits bool) *queue.Queue[waiting] {
	if waits {
		return queue.New[waiting](limit, nil)
	}
	return queue.New(limit, emptiest)
}

// emptiest returns the index of the set with the fewest frames, the oldest of several:
// the newest complete set stays, whatever comes after it.
func emptiest(sets []waiting) int {
	least := 0
	for i := range sets {
		if sets[i].used() < sets[least].used() {
			least = i
		}
	}
	return least
}

// used returns the number of frames.
func (w *waiting) used() (n int) {
	for _, f := range w.Frames {
		if f != nil {
			n++
		}
	}
	return n
}

// put adds sets to the backlog. The backlog is open while the assembler runs.
func (s *Service) put(sets []framesync.Set) {
	for _, set := range sets {
		if set.NewSequence != "" {
			s.latest = sequence{s.latest.number + 1, set.NewSequence}
		}
		next := waiting{set, s.latest, time.Now()}
		if !s.beats.take(set.Time, set.NewSequence != "") {
			s.lose(&next, surplus, errSurplus)
			continue
		}
		if lost, err := s.backlog.Put(context.Background(), next); err != nil {
			s.lose(&lost, behind, err)
			s.trace(&Way{Set: lost.FrameSet, Left: lost.left, Lost: err})
		}
	}
	s.tell()
}
