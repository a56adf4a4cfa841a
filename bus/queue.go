package bus

import (
	"slices"
	"sync"

	"github.com/solofusion/solofusion/perception"
)

// item is a message that waits for the service.
type item struct {
	event  perception.Event
	end    bool // of the stream, instead of an event
	answer func(refusal string)
}

// queue is bounded. One goroutine fills it, one empties it.
type queue struct {
	limit  int
	filled chan struct{} // capacity 1: something may be there
	freed  chan struct{} // capacity 1: there may be room
	done   chan struct{}
	close  func()

	mu    sync.Mutex
	items []item
}

func newQueue(limit int) *queue {
	q := &queue{
		limit:  limit,
		filled: make(chan struct{}, 1),
		freed:  make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	q.close = sync.OnceFunc(func() { close(q.done) })
	return q
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// push adds next. When the queue is full it drops what is least missed, and
// returns it.
func (q *queue) push(next item) (dropped *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= q.limit {
		i := q.dispensable()
		old := q.items[i]
		dropped = &old
		q.items = slices.Delete(q.items, i, i+1)
	}
	q.items = append(q.items, next)
	signal(q.filled)
	return dropped
}

// dispensable is the index of the oldest frame, or else of the oldest pose, or
// else of the oldest of what there is.
func (q *queue) dispensable() int {
	isFrame := func(it item) bool { _, ok := it.event.(*perception.Frame); return ok }
	isPose := func(it item) bool { _, ok := it.event.(perception.EgoPose); return ok }
	if i := slices.IndexFunc(q.items, isFrame); i >= 0 {
		return i
	}
	return max(0, slices.IndexFunc(q.items, isPose))
}

// wait adds next when there is room. It gives up when the queue is closed.
func (q *queue) wait(next item) {
	for {
		q.mu.Lock()
		if len(q.items) < q.limit {
			q.items = append(q.items, next)
			q.mu.Unlock()
			signal(q.filled)
			return
		}
		q.mu.Unlock()
		select {
		case <-q.freed:
		case <-q.done:
			next.answer("the service is closing")
			return
		}
	}
}

// prepend adds next before all others, whatever the limit.
func (q *queue) prepend(next item) {
	if next.answer == nil {
		next.answer = func(string) {}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = slices.Insert(q.items, 0, next)
	signal(q.filled)
}

func (q *queue) pop() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return item{}, false
	}
	next := q.items[0]
	q.items = slices.Delete(q.items, 0, 1)
	signal(q.freed)
	return next, true
}
