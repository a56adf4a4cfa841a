package service

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// loss is why a set led to no result.
type loss int

const (
	behind      loss = iota // the detector was busy with earlier sets
	failed                  // Step returned an error
	unpublished             // the sink returned an error
	unfinished              // the time for draining was over

	losses
)

var lossNames = [losses]string{"behind", "failed", "unpublished", "unfinished"}

// account gathers the facts from the service's goroutines.
type account struct {
	mu       sync.Mutex
	facts    facts // without those of the source
	counters framesync.Counters
	made     identity
	fault    fault
	outside  []string // of the last result
}

// identity is what the results are made with.
type identity struct{ model, quantisation string }

// fault is the last error.
type fault struct {
	words string
	at    time.Time
}

// enter changes the phase. Draining is the last one.
func (a *account) enter(p phase) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.phase = max(a.facts.phase, p)
}

// arrived counts a frame.
func (a *account) arrived(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &a.facts.frames
	if f.count == 0 {
		f.first = now
	}
	f.count++
	f.last = now
}

// input takes what the assembler knows.
func (a *account) input(c framesync.Counters, h framesync.Health, calibrated bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counters, a.facts.health, a.facts.calibrated = c, h, calibrated
}

// refused keeps the words of a drop.
func (a *account) refused(err error) {
	var d *framesync.Drop
	if !errors.As(err, &d) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.refusals[d.Reason.String()] = told(d)
}

// told returns the words of a drop with its camera.
func told(d *framesync.Drop) string {
	if d.Camera == "" || d.Words == "" {
		return d.Camera + d.Words
	}
	return d.Camera + ": " + d.Words
}

func (a *account) loseSet(why loss, cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.lost[why]++
	a.facts.causes[why] = cause.Error()
	if why == failed || why == unpublished {
		a.fault = fault{cause.Error(), time.Now()}
	}
}

// unsent counts a status message.
func (a *account) unsent(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.unsent++
	a.facts.unsentWhy = err.Error()
}

func (a *account) begin(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.stepping = now
}

func (a *account) end() { a.begin(time.Time{}) }

// publish counts a result. It reports whether what training never saw of the
// cameras is other than in the last one.
func (a *account) publish(r *perception.Result, now time.Time) (otherwise bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &a.facts
	f.result.take(r, now)
	for _, name := range r.Missing {
		f.see(name, func(c *seen) { c.missing++ })
	}
	for name := range r.Rejected {
		f.see(name, func(c *seen) { c.rejected++ })
	}
	f.before = tally{maps.Collect(a.counters.Drops), f.lost}
	a.made = identity{r.Model, r.Quantisation}
	otherwise = !slices.Equal(a.outside, r.Outside)
	a.outside = r.Outside
	return otherwise
}

// take notes a result that is published at now.
func (l *outcome) take(r *perception.Result, now time.Time) {
	l.count++
	l.last, l.captured = now, r.Time
	l.depth, l.age = r.HistoryDepth, r.HistoryAge
	l.missing, l.rejected = r.Missing, r.Rejected
	if r.Reset != "" {
		l.resets++
		l.reset = r.Reset
	}
}

func (f *facts) see(camera string, count func(*seen)) {
	c := f.cameras[camera]
	count(&c)
	f.cameras[camera] = c
}

// now returns the facts of this time, in maps of their own.
func (a *account) now(now time.Time) facts {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.facts
	f.now = now
	f.drops = maps.Collect(a.counters.Drops)
	f.refusals = maps.Clone(f.refusals)
	f.cameras = maps.Clone(f.cameras)
	return f
}

// stalled returns how long the running step has taken so far, 0 if there is none.
func (a *account) stalled(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.facts.stepping.IsZero() {
		return 0
	}
	return now.Sub(a.facts.stepping)
}
