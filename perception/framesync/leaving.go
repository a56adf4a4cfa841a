package framesync

import (
	"math"
	"slices"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// releaseBeats returns the sets without key frames that leave now.
func (s *Sync) releaseBeats() (out []Set) {
	for {
		out = append(out, s.bound()...)
		p := s.plan()
		w, ok := p.first(p.entries())
		if !ok || !s.leaves(&p, &w) {
			return out
		}
		out = append(out, s.release(&p, &w)...)
	}
}

// bound keeps at most Options.Pending sets: one that may be spared goes or, if there is
// none, the first leaves before its time.
func (s *Sync) bound() (out []Set) {
	for slices.ContainsFunc(s.cameras, func(c camera) bool { return len(c.waiting) > s.options.Pending }) {
		p := s.plan()
		all := p.all()
		if len(all) <= s.options.Pending {
			return out
		}
		switch w := s.spared(&p, all); {
		case w == nil:
			s.crowd(len(all))
			out = append(out, s.release(&p, &all[0])...)
		case p.between(w):
			s.dropWindow(w, Surplus)
		default:
			s.crowd(len(all))
			s.dropWindow(w, Crowded)
		}
	}
	return out
}

// spared returns the emptiest of the windows that are not worth a beat, the oldest of
// those; nil if there is none. One that fills is worth what it will be, unless the first,
// which would leave in its place, is not worth a beat either.
func (s *Sync) spared(p *plan, all []window) (least *window) {
	for i := range all {
		w := &all[i]
		switch {
		case w.count >= p.enough, all[0].count >= p.enough && !p.between(w) && s.fills(p, w):
		case least == nil || w.count < least.count:
			least = w
		}
	}
	return least
}

// fills reports whether frames for the window are on their way, of cameras that the sets
// before had.
func (s *Sync) fills(p *plan, w *window) bool {
	for i := range s.cameras {
		if c := &s.cameras[i]; w.pick[i] < 0 && c.missing == 0 && s.lives(c) && s.expects(p, w, i) {
			return true
		}
	}
	return false
}

// between reports whether all of a window's cameras have frames between beats, or may
// have: at the start the beat is unknown.
func (p *plan) between(w *window) bool {
	if _, known := p.due(); !known {
		return true
	}
	for i, at := range w.pick {
		if at >= 0 && !p.cameras[i].fast(p.period) {
			return false
		}
	}
	return true
}

// crowd notes that so many sets wait, which is more than may.
func (s *Sync) crowd(sets int) {
	s.crowded, s.crowdedAt = sets, s.time
}

// dropWindow drops the frames of a window.
func (s *Sync) dropWindow(w *window, r Reason) {
	for i, at := range w.pick {
		if at >= 0 {
			s.drop(r, "", s.cameras[i].waiting[at].from)
		}
	}
	s.take(w)
}

// take removes the frames of a window from those that wait.
func (s *Sync) take(w *window) {
	for i, at := range w.pick {
		if at >= 0 {
			c := &s.cameras[i]
			c.waiting = slices.Delete(c.waiting, at, at+1)
		}
	}
}

// flushBeats returns the sets of the waiting frames. Frames between beats are no set.
func (s *Sync) flushBeats() (out []Set) {
	for {
		p := s.plan()
		w, ok := p.first(p.entries())
		if !ok {
			return out
		}
		if _, known := p.due(); known && w.count < len(s.cameras) && (!p.onBeat(&w) || w.count < p.enough) {
			s.dropWindow(&w, Surplus)
			continue
		}
		out = append(out, s.release(&p, &w)...)
	}
}

// onBeat reports whether a window is at least three quarters of a beat after the last.
func (p *plan) onBeat(w *window) bool {
	due, known := p.due()
	return !known || !w.instant.Before(due.Add(-p.period/4))
}

// leaves reports whether the window leaves now: when it has all frames that will come,
// and their poses, or at its deadline.
func (s *Sync) leaves(p *plan, w *window) bool {
	if !s.deadline(p, w).After(s.time) {
		return true
	}
	if w.count < len(s.cameras) && (w.count < p.enough || !p.onBeat(w)) {
		return false
	}
	for i := range s.cameras {
		if s.expects(p, w, i) {
			return false
		}
	}
	return s.placed(w)
}

// placed reports whether all poses of the window are known.
func (s *Sync) placed(w *window) bool {
	for i, at := range w.pick {
		if at < 0 {
			continue
		}
		if _, ok := s.poseOf(s.cameras[i].waiting[at].frame); !ok {
			return false
		}
	}
	return true
}

// expects reports whether a camera's frame for the window, or one nearer to its
// instant, may still come.
func (s *Sync) expects(p *plan, w *window, i int) bool {
	c, at := &s.cameras[i], w.pick[i]
	period := c.periods.median()
	if at >= 0 {
		t := p.capture(i, at)
		next := t.Add(period).Sub(w.instant)
		return c.fast(p.period) && c.stamp.Equal(t) && next < w.instant.Sub(t) && next <= p.width()/2
	}
	if c.off || c.refused > 1 || c.repeats > 1 || c.placed && 2*c.stamp.Sub(w.instant) > p.width() {
		return false
	}
	instant := w.instant
	due, known := p.due()
	if known && due.After(instant) {
		instant = due
	}
	slow := known && c.placed && c.slow(p.period)
	return !slow || !c.stamp.Add(period).After(instant.Add(p.period*3/4))
}

// deadline returns when a window leaves as it is: Options.Deadline after its first
// frame, but not before the beat is due. One that is not worth a beat waits for another, a
// beat from when the first frame came, even if that one was dropped for want of room.
func (s *Sync) deadline(p *plan, w *window) time.Time {
	poor := w.count < p.enough
	at := s.firstArrival(w)
	if poor {
		at = s.beat.waits
	}
	_, known := p.due()
	if begin := s.beat.began.Add(p.period); known && begin.After(at) {
		at = begin
	}
	if poor {
		at = at.Add(p.period)
		if start := s.start.Add(patience); !known && start.After(at) {
			at = start
		}
	}
	return at.Add(s.options.Deadline)
}

// firstArrival returns when the first of a window's frames came.
func (s *Sync) firstArrival(w *window) (first time.Time) {
	for i, at := range w.pick {
		if at < 0 {
			continue
		}
		if t := s.cameras[i].waiting[at].at; first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}

// release returns the set of a window, which may be none, and goes on to the next
// beat. If it is none for want of poses, the beat is left to the frames that wait.
func (s *Sync) release(p *plan, w *window) []Set {
	g := s.group(w)
	s.compare(w, g)
	set, ok := s.finish(g)
	if !ok && s.missed {
		s.take(w)
		s.beat.waits = s.firstWaiting()
		return nil
	}
	s.close(p, w, g, s.firstArrival(w))
	if !ok {
		return nil
	}
	return []Set{set}
}

// group returns the frames of a window in the order of their arrival.
func (s *Sync) group(w *window) *group {
	g := newGroup(nil, len(s.cameras), time.Time{})
	var order []int
	for i, at := range w.pick {
		if at >= 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return int(s.cameras[a].waiting[w.pick[a]].number) - int(s.cameras[b].waiting[w.pick[b]].number)
	})
	for _, i := range order {
		g.add(i, &s.cameras[i].waiting[w.pick[i]])
	}
	return g
}

// close ends the beat of a window: what can be in no later set is dropped.
func (s *Sync) close(p *plan, w *window, g *group, began time.Time) {
	d := p.departure(w, s.time)
	d.waited = !s.time.Before(began.Add(s.options.Deadline))
	s.beat.leave(d)
	for i, f := range g.frames {
		s.cameras[i].pass(f)
	}
	for i := range s.cameras {
		s.dropPassed(p, w, i)
	}
	s.beat.last, s.beat.began, s.beat.waits = w.instant, began, s.firstWaiting()
}

// firstWaiting returns when the first of the waiting frames came, zero if none waits.
func (s *Sync) firstWaiting() (first time.Time) {
	for i := range s.cameras {
		for _, a := range s.cameras[i].waiting {
			if first.IsZero() || a.at.Before(first) {
				first = a.at
			}
		}
	}
	return first
}

// pass notes that a set has left with the camera's frame, or without any if f is nil.
func (c *camera) pass(f *perception.Frame) {
	if f == nil {
		c.missing++
		return
	}
	c.used, c.missing, c.late, c.apart, c.alone = f.Captured, 0, 0, 0, false
}

// dropPassed removes a camera's frames that are in the window or can be in no set
// after it.
func (s *Sync) dropPassed(p *plan, w *window, i int) {
	c, kept, in := &s.cameras[i], []arrival(nil), w.pick[i] >= 0
	for at, a := range c.waiting {
		t := a.frame.Captured
		switch {
		case at == w.pick[i]:
		case c.off:
			s.drop(ClockOffset, s.offsetWords(c), a.from)
		case w.refuses(i, at):
			s.drop(ClockOffset, s.oddWords(t.Sub(a.at)-s.beat.offset), a.from)
		case in && !t.After(c.used):
			s.drop(Surplus, "", a.from)
		case in || !p.tooLate(w.instant, t):
			kept = append(kept, a)
		case c.fast(p.period):
			s.drop(Surplus, "", a.from)
		default:
			d, _ := s.beat.nearest(t, math.MaxInt64)
			c.apart = d.apart(t)
			s.drop(Spread, s.apartWords(c), a.from)
		}
	}
	c.waiting = kept
}
