// Package queue is the bounded queue between goroutines, with a stated policy
// for the case that it is full: wait until there is room, or drop what is least
// missed and say what that was.
//
//	q := queue.New[int](8, nil)                    // waits
//	q := queue.New(8, func([]int) int { return 0 }) // drops the oldest
//
//	lost, err := q.Put(ctx, 1)
//	v, err := q.Take(ctx)
//	q.Close() // what waits can still be taken
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

// ErrClosed is returned after Close: at once by Put, by Take when the queue is
// empty.
var ErrClosed = errors.New("queue: closed")

// Queue holds values first in, first out.
type Queue[T any] struct {
	limit int
	least func(waiting []T) int

	mu     sync.Mutex
	change sync.Cond
	values []T
	closed bool
}

// New returns a queue of at most limit values, at least 1. If it is full and
// least is nil, Put waits. Otherwise least returns the index of the value that
// is least missed, of those that wait, the oldest first. It must not keep the
// slice.
func New[T any](limit int, least func(waiting []T) int) *Queue[T] {
	q := &Queue[T]{limit: limit, least: least}
	q.change.L = &q.mu
	return q
}

// Put adds v. Its error says why a value was lost, and which: with [ErrFull] the
// one that was least missed, with [ErrClosed] or the error of ctx v itself.
// Without an error, nothing was.
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
	if len(q.values) >= q.limit {
		lost, err = q.remove(q.least(q.values)), ErrFull
	}
	q.insert(len(q.values), v)
	return lost, err
}

// PutFirst adds v before all others, whatever the limit. It returns ErrClosed
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

// Take removes the first value. If there is none it waits, until Close or until
// ctx is done.
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

// Len returns how many values wait.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.values)
}

// Close ends the queue: nothing more goes in, what waits can still be taken.
// Whoever waits is woken. It may be called again.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.change.Broadcast()
}

// wait returns nil when ready says so or the queue is closed, and otherwise
// when ctx is done, with its error. The lock is held before and after.
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
