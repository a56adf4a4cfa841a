package bus

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// rivals recognises two publishers of one rig by what no single one sends: numbers of a
// camera's images, calibrations or ego poses that go back and forth between two series,
// or two poses for one time. It is one goroutine's.
type rivals struct {
	cameras map[string]*series[numbered] // at most maxRates
	rigs    series[*perception.Rig]
	places  series[perception.EgoPose]
	poses   recent
}

// numbered is what a series of images is recognised by.
type numbered struct {
	sequence uint64
	captured time.Time
}

func newRivals() *rivals { return &rivals{cameras: map[string]*series[numbered]{}} }

// see takes in an event and returns the evidence of two publishers, "" if it has none.
func (r *rivals) see(ev perception.Event, now time.Time) (evidence string) {
	switch e := ev.(type) {
	case *perception.Rig:
		if r.rigs.next(e, now, (*perception.Rig).Same) {
			return "two calibrations alternate"
		}
	case perception.EgoPose:
		if r.poses.conflict(e, now) {
			return "there are two poses for the same times"
		}
		if r.places.next(e, now, drives) {
			return "ego poses alternate between two places"
		}
	case *perception.Frame:
		if s := r.of(e); s != nil && s.next(numbered{e.Sequence, e.Captured}, now, counts) {
			return fmt.Sprintf("numbers of %s alternate between two series, around %d and %d",
				e.Camera, s.current.sequence, s.other.sequence)
		}
	}
	return ""
}

// of returns the series of a frame's camera, nil if it has nothing to say: if it has no
// number, or is older than the last, as after a detour.
func (r *rivals) of(f *perception.Frame) *series[numbered] {
	if f.Sequence == 0 {
		return nil
	}
	s := r.cameras[f.Camera]
	switch {
	case s == nil && len(r.cameras) >= maxRates:
		return nil
	case s == nil:
		s = &series[numbered]{}
		r.cameras[f.Camera] = s
	case s.current != nil && !f.Captured.After(s.current.captured):
		return nil
	}
	return s
}

// counts reports whether an image's number follows another's, with few lost between.
func counts(last, next numbered) bool {
	const lost = 16
	return next.sequence > last.sequence && next.sequence-last.sequence <= lost && next.captured.After(last.captured)
}

// drives reports whether one vehicle can have been in both places, within a second: a
// drive in a loop comes back to its end later.
func drives(last, next perception.EgoPose) bool {
	const metres, metresPerSecond = 20, 100
	apart := next.GlobalFromEgo.Translation.Sub(last.GlobalFromEgo.Translation).Norm()
	passed := next.Time.Sub(last.Time).Abs()
	return passed <= time.Second && apart <= metres+metresPerSecond*passed.Seconds()
}

// A change of the publisher goes once from a series to another. Two publishers go back
// and forth.
const (
	enoughReturns = 3
	returnsWithin = time.Minute // of each other
)

// series follows values that each continue one of at most two series.
type series[T any] struct {
	current, other *T // last of each
	returns        int
	returned       time.Time
}

// next takes in a value. It reports whether the value returns to the other series, as
// others did shortly before.
func (s *series[T]) next(v T, now time.Time, continues func(last, next T) bool) (alternates bool) {
	switch {
	case s.current == nil || continues(*s.current, v):
		s.current = &v
		return false
	case s.other == nil || !continues(*s.other, v):
		s.current, s.other, s.returns = &v, s.current, 0
		return false
	}
	if now.Sub(s.returned) > returnsWithin {
		s.returns = 0
	}
	s.current, s.other = &v, s.current
	s.returns, s.returned = s.returns+1, now
	return s.returns >= enoughReturns
}

// recent is the last ego poses.
type recent struct {
	poses      [64]perception.EgoPose
	n          int
	conflicts  int
	conflicted time.Time
}

// conflict reports whether p is another pose for a time that had one, as others were
// shortly before: a localisation may correct one now and then.
func (r *recent) conflict(p perception.EgoPose, now time.Time) bool {
	for i := range r.poses {
		if old := &r.poses[i]; old.Time.Equal(p.Time) && old.GlobalFromEgo != p.GlobalFromEgo {
			if now.Sub(r.conflicted) > returnsWithin {
				r.conflicts = 0
			}
			r.conflicts, r.conflicted = r.conflicts+1, now
			return r.conflicts >= enoughReturns
		}
	}
	r.poses[r.n%len(r.poses)] = p
	r.n++
	return false
}

// twins recognises another service for the rig by its statuses. A few are of one that ends
// while this one begins.
type twins struct {
	statuses int
	last     time.Time
}

// next takes in a status of another service. It reports whether that stays.
func (t *twins) next(now time.Time) bool {
	const enough, pause = 15, 10 * time.Second
	if now.Sub(t.last) > pause {
		t.statuses = 0
	}
	t.statuses, t.last = t.statuses+1, now
	return t.statuses >= enough
}
