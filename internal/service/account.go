package service

import (
	"errors"
	"maps"
	"slices"
	"strings"
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
	surplus                 // between the beats of the rate that is asked for

	losses
)

var lossNames = [losses]string{"behind", "failed", "unpublished", "unfinished", "rate"}

// account gathers the facts from the service's goroutines.
type account struct {
	mu       sync.Mutex
	facts    facts // without those of the source
	counters framesync.Counters
	made     identity
	fault    fault    // of the last set that led to no result
	outside  []string // of the last result
	unlike   unlike
	steps    []time.Time // when those that are under way began, the oldest first
}

// identity is what the results are made with.
type identity struct{ model, quantisation string }

// fault is an error.
type fault struct {
	words string
	at    time.Time
}

// later returns the later of two faults.
func later(a, b fault) fault {
	if b.at.After(a.at) {
		return b
	}
	return a
}

// enter changes the phase. Draining is the last one.
func (a *account) enter(p phase) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.phase = max(a.facts.phase, p)
}

// arrived counts a frame. One that comes after a pause longer than stale begins a stream
// again.
func (a *account) arrived(now time.Time, stale time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &a.facts.frames
	if f.count == 0 {
		f.first = now
	}
	if now.Sub(f.last) > stale {
		f.again = now
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

// refused keeps the words of a drop, if err is one.
func (a *account) refused(event perception.Event, err error) {
	var d *framesync.Drop
	if !errors.As(err, &d) {
		return
	}
	words := dropped(d, event)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.refusals[d.Reason.String()] = words
	if d.Reason == framesync.InvalidCalibration {
		a.facts.refused = fault{words, time.Now()}
	}
}

// dropped returns the words of a drop with its camera.
func dropped(d *framesync.Drop, event perception.Event) string {
	rig, ok := event.(*perception.Rig)
	switch {
	case ok && d.Words == "":
		return strings.TrimPrefix(rig.Validate().Error(), "perception: ")
	case d.Camera == "" || d.Words == "":
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

// unsend counts the results that wait for a connection as lost, and no more as published.
func (a *account) unsend(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &a.facts
	if f.result.held == 0 {
		return
	}
	f.result.count -= f.result.held
	f.lost[unpublished] += f.result.held
	f.result.held = 0
	f.causes[unpublished] = "not sent before the end: " + cause.Error()
	a.fault = fault{f.causes[unpublished], time.Now()}
}

// unsent counts a status message.
func (a *account) unsent(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts.unsent++
	a.facts.unsentWhy = err.Error()
}

// begin counts a step that begins at now.
func (a *account) begin(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.steps = append(a.steps, now)
	a.facts.stepping = a.steps[0]
}

// end counts the oldest step as done.
func (a *account) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.steps = slices.Delete(a.steps, 0, 1)
	a.facts.stepping = time.Time{}
	if len(a.steps) > 0 {
		a.facts.stepping = a.steps[0]
	}
}

// publish counts a result, which waits for a connection if held; source is what the source
// counts. It returns what is to be told of what training never saw.
func (a *account) publish(r *perception.Result, held bool, source map[string]uint64, now time.Time) (unlike []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &a.facts
	f.result.take(r, held, now)
	for k := range faults(r) {
		f.tolls[k]++
	}
	f.before = tally{maps.Collect(a.counters.Drops), source, f.lost}
	a.made = identity{r.Model, r.Quantisation}
	a.outside = r.Outside
	return a.unlike.take(r.Outside, now)
}

// unlike is when words of what training never saw were last in a result.
type unlike map[string]time.Time

// take returns those of a result that are to be told: what was in another within the
// longest hold of a trouble is known, though it comes and goes.
func (u *unlike) take(words []string, now time.Time) (fresh []string) {
	if *u == nil {
		*u = unlike{}
	}
	maps.DeleteFunc(*u, func(_ string, last time.Time) bool { return now.Sub(last) > longest })
	for _, w := range words {
		if _, known := (*u)[w]; !known {
			fresh = append(fresh, w)
		}
		(*u)[w] = now
	}
	return fresh
}

// take notes a result that is published at now. A connection sends first what waits for
// it, so that nothing is held if the result is not.
func (o *outcome) take(r *perception.Result, held bool, now time.Time) {
	o.count++
	if o.held++; !held {
		o.held = 0
	}
	switch {
	case len(r.Captured) > 0:
		o.blind = time.Time{}
	case o.blind.IsZero():
		o.blind = now
	}
	o.at, o.latest = now, *r
	if r.Reset != "" {
		o.resets++
		o.reset = r.Reset
	}
}

// now returns the facts of this time, in maps of their own.
func (a *account) now(now time.Time) facts {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.facts
	f.now = now
	f.drops = maps.Collect(a.counters.Drops)
	f.refusals = maps.Clone(f.refusals)
	f.tolls = maps.Clone(f.tolls)
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
