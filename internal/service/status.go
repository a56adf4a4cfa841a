package service

import (
	"maps"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// view is the one value that log, status, readiness and metrics are made from.
type view struct {
	facts
	condition
	since    time.Time // of state and waitingFor
	troubles []perception.Trouble
}

// Status returns the service's account of itself as of its last look at the facts. The
// counts are frames, poses, sets, incomplete and results, drop.<reason> of input and
// lost.<reason> of sets. The caller owns the status.
func (s *Service) Status() *perception.Status {
	v := s.view()
	a := &s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	last := later(a.fault, v.refused)
	return &perception.Status{
		Time: time.Now().UTC(), Version: s.options.Version,
		State: v.state, WaitingFor: v.waitingFor, Since: v.since, Ready: v.ready, Words: v.words,
		Troubles: v.troubles, Cameras: v.cameraStatuses(), Poses: v.poseStatus(),
		LastResult: v.result.at, HistoryDepth: v.result.latest.HistoryDepth,
		Model: a.made.model, LastError: last.words, ErrorTime: last.at, Outside: a.outside,
		Counts: s.counts(),
	}
}

// counts returns the counts of now. The caller holds the account's lock.
func (s *Service) counts() map[string]uint64 {
	a := &s.account
	counts := map[string]uint64{
		"frames":     a.counters.Frames,
		"poses":      a.counters.Poses,
		"sets":       a.counters.Sets,
		"incomplete": a.counters.Incomplete,
		"results":    a.facts.result.count,
	}
	for why, n := range a.facts.lost {
		counts["lost."+lossNames[why]] = n
	}
	for reason, n := range a.counters.Drops {
		counts["drop."+reason] = n
	}
	for reason, n := range s.source.Drops {
		counts["drop."+reason] = n
	}
	if more, ok := s.source.(countingSource); ok {
		maps.Insert(counts, more.Counts)
	}
	return counts
}

// countingSource is a source that counts more than what it dropped, by stable names.
type countingSource interface {
	Counts(yield func(name string, n uint64) bool)
}

func (v *view) cameraStatuses() (list []perception.CameraStatus) {
	for i := range v.health.Cameras {
		c := &v.health.Cameras[i]
		status := perception.CameraStatus{
			Name: c.Name, State: "used", Age: age(c.Arrived, v.now), Captured: c.Captured,
			Frames: c.Frames, Period: c.Period, Offset: c.Offset,
		}
		if c.Arrived.IsZero() {
			status.State = "waiting"
		}
		if t := v.trouble(c); t != nil {
			status.State, status.Words = t.Cause, t.Words
		}
		list = append(list, status)
	}
	return list
}

// trouble returns the camera's first trouble that degrades, nil if it has none.
func (v *view) trouble(c *framesync.CameraHealth) *perception.Trouble {
	for i := range v.troubles {
		if t := &v.troubles[i]; t.IsCamera && t.Subject == c.Name && t.Degrades {
			return t
		}
	}
	return nil
}

func (v *view) poseStatus() perception.PoseStatus {
	p := &v.health.Poses
	return perception.PoseStatus{Newest: p.Newest, Age: age(p.Arrived, v.now), Poses: p.Poses}
}

// age returns the time since at, negative if that is zero.
func age(at, now time.Time) time.Duration {
	if at.IsZero() {
		return -1
	}
	return now.Sub(at)
}
