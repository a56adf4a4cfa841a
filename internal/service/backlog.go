package service

import (
	"slices"
	"sync"

	"github.com/solofusion/solofusion/perception"
)

// backlog holds the sets that wait for the detector. When it is full, put
// either waits or drops the oldest.
type backlog struct {
	limit int
	waits bool

	mu     sync.Mutex
	change sync.Cond
	sets   []*perception.FrameSet
	closed bool
	carry  string // why the next set starts a sequence, of sets that were lost
}

func newBacklog(limit int, waits bool) *backlog {
	b := &backlog{limit: limit, waits: waits}
	b.change.L = &b.mu
	return b
}

// put adds a set, and reports whether one was lost for it: the oldest, or after
// close the set itself.
func (b *backlog) put(set *perception.FrameSet) (why loss, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.waits && len(b.sets) >= b.limit && !b.closed {
		b.change.Wait()
	}
	if b.closed {
		return unfinished, true
	}
	if len(b.sets) >= b.limit {
		b.lose(b.sets[0])
		b.sets = slices.Delete(b.sets, 0, 1)
		why, lost = behind, true
	}
	b.sets = append(b.sets, set)
	b.change.Broadcast()
	return why, lost
}

// lost remembers that a set which was taken came to nothing.
func (b *backlog) lost(set *perception.FrameSet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lose(set)
}

// lose keeps the start of a sequence for the next set.
func (b *backlog) lose(set *perception.FrameSet) {
	if set.NewSequence != "" {
		b.carry = set.NewSequence
	}
}

// take waits for a set. It returns nil when the backlog is closed and empty.
func (b *backlog) take() *perception.FrameSet {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.sets) == 0 && !b.closed {
		b.change.Wait()
	}
	if len(b.sets) == 0 {
		return nil
	}
	set := b.sets[0]
	b.sets = slices.Delete(b.sets, 0, 1)
	if set.NewSequence == "" {
		set.NewSequence = b.carry
	}
	b.carry = ""
	b.change.Broadcast()
	return set
}

// close lets take return nil once all sets are taken.
func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.change.Broadcast()
}
