package framesync

import (
	"math"
	"slices"
	"time"
)

// takeBeat lets a frame wait for its set, or drops it if that has left. If no frame
// was taken for a beat, or most cameras are far from the sets, the time line of the sets
// is wrong: a new one begins. A frame that is late for its set is on that line.
func (s *Sync) takeBeat(i int, a arrival) []Set {
	c := &s.cameras[i]
	if r, words, old := s.tooOld(c, &a); old {
		c.alone = c.alone || a.frame.Captured.Sub(s.beat.last).Abs() > patience
		if r != Surplus && (r != Late && s.starves(a.at) || s.most(&a, false)) {
			out := s.newLine(s.beat.last, a.frame.Captured)
			return append(out, s.accept(i, a)...)
		}
		s.drop(r, words, a.from)
		return nil
	}
	s.taken = a.at
	if s.beat.waits.IsZero() {
		s.beat.waits = a.at
	}
	c.put(a)
	if len(c.waiting) > 2*s.options.Pending {
		s.thin(c)
	}
	return nil
}

// starves reports whether no frame was taken for longer than a beat.
func (s *Sync) starves(now time.Time) bool {
	return !s.taken.IsZero() && now.Sub(s.taken) > s.pause()
}

// pause is the longest time between frames that keep coming: a beat and the deadline.
func (s *Sync) pause() time.Duration {
	if p := s.beat.period; p > 0 {
		return p + s.options.Deadline
	}
	return patience + s.options.Deadline
}

// tooOld returns why a frame cannot become part of a set any more, and in words.
func (s *Sync) tooOld(c *camera, a *arrival) (r Reason, words string, old bool) {
	t, p := a.frame.Captured, s.plan()
	switch {
	case c.off:
		return ClockOffset, s.offsetWords(c), true
	case s.beat.last.IsZero():
		return 0, "", false
	case !c.used.IsZero() && !t.After(c.used):
		return Surplus, "", true
	case !c.used.IsZero() && c.missing == 0 || !p.tooLate(s.beat.last, t):
		return 0, "", false
	}
	if d, ok := s.beat.nearest(t, p.width()); ok {
		c.late, c.apart, c.early = max(a.at.Sub(d.at), 1), 0, !d.waited
		return Late, s.lateWords(c), true
	}
	d, _ := s.beat.nearest(t, math.MaxInt64)
	c.late, c.apart = 0, d.apart(t)
	return Spread, s.apartWords(c), true
}

// thin drops the waiting frame of a camera that is farthest from the beat, or the
// oldest if that is unknown.
func (s *Sync) thin(c *camera) {
	worst := 0
	if p := s.plan(); p.period > 0 && !p.last.IsZero() {
		var far time.Duration
		for i := range c.waiting {
			phase := c.waiting[i].frame.Captured.Sub(p.last) % p.period
			if phase = phase.Abs(); min(phase, p.period-phase) > far {
				worst, far = i, min(phase, p.period-phase)
			}
		}
	}
	s.drop(Surplus, "", c.waiting[worst].from)
	c.waiting = slices.Delete(c.waiting, worst, worst+1)
}
