package play

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/perception"
)

// Patience is how long [Arrivals.Await] waits for a result.
const Patience = 5 * time.Second

// Arrivals are the results that came back. Its methods may be called from several
// goroutines.
type Arrivals struct {
	mu      sync.Mutex
	results int
	latest  time.Time     // of the last one
	more    chan struct{} // closed, and made anew, with each
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
	a.results++
	a.latest = at
	close(a.more)
	a.more = make(chan struct{})
}

// Count returns how many results came.
func (a *Arrivals) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.results
}

// state returns the time of the last result, and a channel that the next one closes.
func (a *Arrivals) state() (latest time.Time, more <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.latest, a.more
}

// Await waits until the last result is of the time since or later, and reports whether
// it is. It waits no longer than Patience.
func (a *Arrivals) Await(ctx context.Context, since time.Time) (bool, error) {
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	for {
		latest, more := a.state()
		if !latest.Before(since) {
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
		_, more := a.state()
		select {
		case <-more:
		case <-time.After(quiet):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
