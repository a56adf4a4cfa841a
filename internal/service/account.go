package service

import (
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
	surplus                 // between the beats of the rate that is asked for

	losses
)

var lossNames = [losses]string{"behind", "failed", "unpublished", "unfinished", "rate"}

// account is the service's state and counts, shared by its goroutines.
type account struct {
	mu        sync.Mutex
	state     perception.State
	counters  framesync.Counters
	lost      [losses]uint64
	results   uint64
	model     string
	quant     string
	outside   []string // of the last result
	lastError string
	errorTime time.Time
	stepping  time.Time // start of the running step; zero if there is none
}

// enter changes the state. Draining is the last state.
func (a *account) enter(s perception.State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != perception.Draining {
		a.state = s
	}
}

func (a *account) input(c framesync.Counters) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counters = c
}

func (a *account) loseSet(why loss) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lost[why]++
}

func (a *account) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lastError, a.errorTime = err.Error(), time.Now()
}

func (a *account) begin(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stepping = now
}

func (a *account) end() { a.begin(time.Time{}) }

// publish counts a result. It reports whether what training never saw of the
// cameras is other than in the last one.
func (a *account) publish(r *perception.Result) (otherwise bool) {
	state := perception.Running
	if len(r.Missing) > 0 {
		state = perception.Degraded
	}
	a.enter(state)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.results++
	a.model, a.quant = r.Model, r.Quantisation
	otherwise = !slices.Equal(a.outside, r.Outside)
	a.outside = r.Outside
	return otherwise
}

// Status returns the service's state and counts. The counts are frames, poses,
// sets, incomplete and results, drop.<reason> of input and lost.<reason> of
// sets. The caller owns the status.
func (s *Service) Status() *perception.Status {
	a := &s.account
	a.mu.Lock()
	st := &perception.Status{
		Time:      time.Now().UTC(),
		State:     a.state,
		Model:     a.model,
		LastError: a.lastError,
		ErrorTime: a.errorTime,
		Outside:   a.outside,
		Counts: map[string]uint64{
			"frames":     a.counters.Frames,
			"poses":      a.counters.Poses,
			"sets":       a.counters.Sets,
			"incomplete": a.counters.Incomplete,
			"results":    a.results,
		},
	}
	for why, n := range a.lost {
		st.Counts["lost."+lossNames[why]] = n
	}
	for reason, n := range a.counters.Drops {
		st.Counts["drop."+reason] = n
	}
	a.mu.Unlock()
	for reason, n := range s.source.Drops {
		st.Counts["drop."+reason] = n
	}
	return st
}

// stalled returns how long the running step has taken so far, 0 if there is none.
func (a *account) stalled(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stepping.IsZero() {
		return 0
	}
	return now.Sub(a.stepping)
}
