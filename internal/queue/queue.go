// Package queue is a bounded queue between goroutines. If it is full, Put either
// waits until there is room or drops the value that a policy selects and returns
// it.
//
//	q := queue.New[int](8, nil)                    // waits
//	q := queue.New(8, func([]int) int { return 0 }) // drops the oldest
//
//	lost, err := q.Put(ctx, 1)
//	v, err := q.Take(ctx)
//	q.Close() // the values that wait can still be taken
//
// Any number of goroutines may use it.
package queue

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrFull is returned when a value was dropped to make room.
var ErrFull = errors.New("queue: full")

// ErrClosed is returned after Close, by Put at once and by Take when the queue is
// empty.
var ErrClosed = errors.New("queue: closed")

// Queue holds values first in, first out.
type Queue[T any] struct {
	limit int
	least func(values []T) int

	mu     sync.Mutex
	change sync.Cond
	values []T
	closed bool
}

// New returns a queue of at most limit values; limit is at least 1. If least is
// nil, Put waits when the queue is full. Otherwise Put drops the value whose index
// least returns. values are those that wait, the oldest first, and after them the new
// one; least must neither keep nor change them.
func New[T any](limit int, least func(values []T) int) *Queue[T] {
	q := &Queue[T]{limit: limit, least: least}
	q.change.L = &q.mu
	return q
}

// Put adds v. With an error, lost is the value that was dropped: with [ErrFull] the
// one that the policy selected, with [ErrClosed] or the error of ctx it is v.
func (q *Queue[T]) Put(ctx context.Context, v T) (lost T, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.least == nil {
		if err := q.wait(ctx, func() bool { return len(q.values) < q.limit }); err != nil {
			return v, err
		}
	}
	if q.closed {
		return v, ErrClosed
	}
	q.insert(len(q.values), v)
	if len(q.values) > q.limit {
		lost, err = q.remove(q.least(q.values)), ErrFull
	}
	return lost, err
}

// PutFirst adds v before all others, even above the limit. It returns ErrClosed
// after Close.
func (q *Queue[T]) PutFirst(v T) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.insert(0, v)
	return nil
}

// Take removes and returns the first value. If there is none it waits, until Close
// or until ctx is done, and returns ErrClosed or the error of ctx.
func (q *Queue[T]) Take(ctx context.Context) (v T, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.wait(ctx, func() bool { return len(q.values) > 0 }); err != nil {
		return v, err
	}
	if len(q.values) == 0 {
		return v, ErrClosed
	}
	return q.remove(0), nil
}

// Len returns the number of values that wait.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.values)
}

// Close ends the queue: Put fails, the values that wait can still be taken. It ends
// the waiting of Put and Take. It may be called again.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.change.Broadcast()
}

// wait returns nil when ready returns true or the queue is closed, and the error of
// ctx when ctx is done before. The caller holds the lock.
func (q *Queue[T]) wait(ctx context.Context, ready func() bool) error {
	if ready() || q.closed {
		return nil
	}
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.change.Broadcast()
	})
	defer stop()
	for !ready() && !q.closed {
		if err := ctx.Err(); err != nil {
			return err
		}
		q.change.Wait()
	}
	return nil
}

func (q *Queue[T]) insert(i int, v T) {
	q.values = slices.Insert(q.values, i, v)
	q.change.Broadcast()
}

func (q *Queue[T]) remove(i int) T {
	v := q.values[i]
	q.values = slices.Delete(q.values, i, i+1)
	q.change.Broadcast()
	return v
}
