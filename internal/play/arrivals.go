package play

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/perception"
)

// Patience is how long [Arrivals.Await] waits for a result.
const Patience = 10 * time.Second

// Arrivals are the results that came back. Its methods may be called from several
// goroutines.
type Arrivals struct {
	mu    sync.Mutex
	times []time.Time   // of all results, as they came
	more  chan struct{} // closed, and made anew, with each
}

// Feed delivers results: a [bus.Feed].
type Feed interface {
	Next(ctx context.Context) (*perception.Result, error)
}

// Collect counts the results of a feed, in a goroutine that ends when the feed is closed.
func Collect(feed Feed) *Arrivals {
	a := &Arrivals{more: make(chan struct{})}
	go a.run(feed)
	return a
}

func (a *Arrivals) run(feed Feed) {
	for {
		r, err := feed.Next(context.Background())
		var malformed *bus.MalformedError
		switch {
		case errors.As(err, &malformed):
		case err != nil:
			return
		default:
			a.add(r.Time)
		}
	}
}

func (a *Arrivals) add(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.times = append(a.times, at)
	close(a.more)
	a.more = make(chan struct{})
}

// Count returns how many results came.
func (a *Arrivals) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.times)
}

// within reports whether a result of that span has come, and returns a channel that the
// next result closes.
func (a *Arrivals) within(s Span) (came bool, more <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.times, s.has), a.more
}

// Await waits until there is a result of that span, no longer than Patience, and
// reports whether there is one.
func (a *Arrivals) Await(ctx context.Context, s Span) (bool, error) {
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	for {
		came, more := a.within(s)
		if came {
			return true, nil
		}
		select {
		case <-more:
		case <-limit.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// Last returns when no result came for the time quiet.
func (a *Arrivals) Last(ctx context.Context, quiet time.Duration) error {
	for {
		_, more := a.within(Span{})
		select {
		case <-more:
		case <-time.After(quiet):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
