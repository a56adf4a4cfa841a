package framesync

import (
	"slices"
	"time"
)

// agreed parts the frames of a window into those whose stamps agree with their arrivals
// as most of them do, and the others: their cameras' clocks are off, and they are of
// another instant. Two of the window's cameras cannot tell which is right without the
// set before.
func (p *plan) agreed(all []entry) (kept, odd []entry) {
	usual, known := p.usual(all)
	if !known {
		return all, nil
	}
	for _, e := range all {
		if (e.ahead - usual).Abs() > p.tolerance {
			odd = append(odd, e)
		} else {
			kept = append(kept, e)
		}
	}
	if len(kept) == 0 {
		return all, nil
	}
	return kept, odd
}

// usual returns the median offset of the stamps to the arrivals, among the cameras
// and the set before. It takes three to tell.
func (p *plan) usual(all []entry) (offset time.Duration, known bool) {
	var offsets []time.Duration
	for i, e := range all {
		if !slices.ContainsFunc(all[:i], func(b entry) bool { return b.camera == e.camera }) {
			offsets = append(offsets, e.ahead)
		}
	}
	if p.compared {
		offsets = append(offsets, p.offset)
	}
	return upperMedian(offsets), p.tolerance > 0 && len(offsets) >= 3
}

// refuses reports whether the camera's frame at that place is odd in the window.
func (w *window) refuses(camera, place int) bool {
	return slices.ContainsFunc(w.odd, func(e entry) bool { return e.camera == camera && e.place == place })
}

// compare measures the cameras' clocks against each other, by the frames that came
// about when those of the window did. Recordings have no arrivals.
func (s *Sync) compare(w *window, g *group) {
	s.measureSpan(w)
	if s.options.StreamTime {
		return
	}
	var offsets, arrivals []time.Duration
	var origin time.Time
	for i, f := range g.frames {
		if f == nil {
			continue
		}
		if origin.IsZero() {
			origin = g.arrived[i]
		}
		offsets = append(offsets, f.Captured.Sub(g.arrived[i]))
		arrivals = append(arrivals, g.arrived[i].Sub(origin))
	}
	at := origin.Add(upperMedian(arrivals))
	s.beat.offset, s.beat.compared = upperMedian(offsets), true
	for i := range s.cameras {
		s.compareCamera(&s.cameras[i], at)
	}
}

// compareCamera measures the clock of a camera by the frame that came nearest to the
// arrival of a set.
func (s *Sync) compareCamera(c *camera, at time.Time) {
	m, ok := c.nearest(at)
	if !ok || m.arrived.Sub(at).Abs() > max(s.beat.period, s.options.Deadline) {
		return
	}
	c.sampled = m.arrived
	c.offsets.add(m.captured.Sub(m.arrived) - s.beat.offset)
	ahead := c.offsets.median() > 0
	c.off = c.offsets.n > 1 && c.offsets.size() > s.options.Deadline && (ahead || c.late == 0)
}

// nearest returns the latest frame that came nearest to a time, of those that were not
// compared yet.
func (c *camera) nearest(at time.Time) (best moment, ok bool) {
	for _, m := range c.recent {
		if m.arrived.After(c.sampled) && (!ok || m.arrived.Sub(at).Abs() <= best.arrived.Sub(at).Abs()) {
			best, ok = m, true
		}
	}
	return best, ok
}

// measureSpan measures how far the captures around an instant are apart, whether they
// are in the window or not.
func (s *Sync) measureSpan(w *window) {
	var first, last time.Time
	far := false
	for i := range s.cameras {
		c := &s.cameras[i]
		t, ok := c.around(w.instant, s.beat.period/2)
		if c.off || !ok {
			continue
		}
		if first.IsZero() || t.Before(first) {
			first = t
		}
		if last.IsZero() || t.After(last) {
			last = t
		}
		far = far || w.pick[i] < 0
	}
	s.beat.span = last.Sub(first)
	s.beat.scattered++
	if !far || s.beat.span <= s.options.Spread {
		s.beat.scattered = 0
	}
}

// around returns the capture nearest to an instant, if one is within reach.
func (c *camera) around(instant time.Time, reach time.Duration) (best time.Time, ok bool) {
	for _, m := range c.recent {
		gap := m.captured.Sub(instant).Abs()
		if gap <= reach && (!ok || gap < best.Sub(instant).Abs()) {
			best, ok = m.captured, true
		}
	}
	return best, ok
}
