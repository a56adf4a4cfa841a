package framesync

import (
	"slices"
	"time"
)

// window is a set as planned: the frames of the cameras nearest to an instant, no
// farther apart than the spread.
type window struct {
	instant  time.Time
	pick     []int   // by camera, the place in its waiting frames; -1 for none
	count    int     // cameras with a frame
	odd      []entry // frames of its time that came too early or too late to be of it
	distance time.Duration
}

// entry is a waiting frame.
type entry struct {
	at            time.Time
	ahead         time.Duration // of its stamp to its arrival
	camera, place int
}

// plan finds windows in waiting frames. It changes nothing.
type plan struct {
	cameras []camera
	last    time.Time     // instant of the set before; zero if there is none
	period  time.Duration // of the beat; 0 if unknown
	spread  time.Duration
	enough  int // cameras that make a window worth a beat of its own

	offset    time.Duration // of the stamps to the arrivals, in the set before
	compared  bool          // offset is known
	tolerance time.Duration // within which the offsets of a window's frames agree; 0 for any
}

// width returns the largest difference of captures in a window: frames a period apart
// belong to two.
func (p *plan) width() time.Duration {
	if p.period > 0 {
		return min(p.spread, p.period)
	}
	return p.spread
}

// reach returns how far a window's frames may be from its instant: one that is farther
// belongs to the beat before or after.
func (p *plan) reach() time.Duration {
	if p.period > 0 {
		return p.period * 5 / 8
	}
	return p.spread
}

// due returns when the next instant is expected; ok is false if that is unknown.
func (p *plan) due() (t time.Time, ok bool) {
	return p.last.Add(p.period), !p.last.IsZero() && p.period > 0
}

// entries returns the waiting frames by capture, those of a time in the order of
// the cameras.
func (p *plan) entries() (all []entry) {
	for c := range p.cameras {
		for i := range p.cameras[c].waiting {
			a := &p.cameras[c].waiting[i]
			all = append(all, entry{a.frame.Captured, a.frame.Captured.Sub(a.at), c, i})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.at.Compare(b.at) })
	return all
}

// first returns the next window: the fullest of those that begin within the next
// beat, or of all if none of these is worth a beat. ok is false if no frame waits.
func (p *plan) first(all []entry) (w window, ok bool) {
	if len(all) == 0 {
		return window{}, false
	}
	if w = p.best(all, p.end(all[0].at)); w.count >= p.enough {
		return w, true
	}
	return p.best(all, all[len(all)-1].at), true
}

// end returns when the windows of the next beat begin at the latest, if the first
// frame that waits was captured at t.
func (p *plan) end(t time.Time) time.Time {
	due, known := p.due()
	switch {
	case !known:
		return t.Add(p.width())
	case due.After(t):
		t = due
	}
	return t.Add(p.period / 2)
}

// best returns the best window that begins no later than end.
func (p *plan) best(all []entry, end time.Time) (best window) {
	for i := range all {
		if i > 0 && all[i].at.After(end) {
			break
		}
		if w := p.window(all[i:]); i == 0 || p.better(&w, &best) {
			best = w
		}
	}
	return best
}

// better reports whether a is fuller than b, or as full and nearer to the expected
// instant, or as near to that and tighter.
func (p *plan) better(a, b *window) bool {
	if a.count != b.count {
		return a.count > b.count
	}
	if due, known := p.due(); known {
		if da, db := a.instant.Sub(due).Abs(), b.instant.Sub(due).Abs(); da != db {
			return da < db
		}
	}
	return a.instant.Equal(b.instant) && a.distance < b.distance
}

// window returns the window that begins with the first of all. Its instant is
// the median capture of the cameras that have no frames between beats.
func (p *plan) window(all []entry) window {
	end := all[0].at.Add(p.width())
	n := 0
	for n < len(all) && !all[n].at.After(end) {
		n++
	}
	kept, odd := p.agreed(all[:n])
	w := window{instant: p.instant(kept), pick: make([]int, len(p.cameras)), odd: odd}
	for c := range w.pick {
		w.pick[c] = -1
	}
	for _, e := range kept {
		d := e.at.Sub(w.instant).Abs()
		if d > p.reach() {
			continue
		}
		old := w.pick[e.camera]
		if old < 0 {
			w.count++
		} else if was := p.capture(e.camera, old).Sub(w.instant).Abs(); was > d {
			w.distance -= was
		} else {
			continue
		}
		w.pick[e.camera] = e.place
		w.distance += d
	}
	return w
}

func (p *plan) capture(c, place int) time.Time { return p.cameras[c].waiting[place].frame.Captured }

// instant returns the median of the cameras' first captures.
func (p *plan) instant(all []entry) time.Time {
	var firsts, steady []time.Time
	seen := make([]bool, len(p.cameras))
	for _, e := range all {
		if seen[e.camera] {
			continue
		}
		seen[e.camera] = true
		firsts = append(firsts, e.at)
		if !p.cameras[e.camera].fast(p.period) {
			steady = append(steady, e.at)
		}
	}
	if len(steady) > 0 {
		firsts = steady
	}
	return firsts[len(firsts)/2]
}

// all returns all windows in order of time, as if each left as it is.
func (p *plan) all() (out []window) {
	rest, next := p.entries(), *p
	for {
		w, ok := next.first(rest)
		if !ok {
			return out
		}
		out = append(out, w)
		rest = slices.DeleteFunc(rest, func(e entry) bool { return p.passes(&w, e.camera, e.at) })
		next.last = w.instant
	}
}

// passes reports whether a frame of that camera and capture can be in no set after w:
// its camera has a later frame in w, or it was captured no later than half a window
// after w.
func (p *plan) passes(w *window, c int, at time.Time) bool {
	if i := w.pick[c]; i >= 0 {
		return !at.After(p.capture(c, i))
	}
	return p.tooLate(w.instant, at)
}

// tooLate reports whether a frame is too old for sets after the one of an instant.
func (p *plan) tooLate(instant, at time.Time) bool { return 2*at.Sub(instant) <= p.width() }
