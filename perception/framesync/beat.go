package framesync

import "time"

// beat is the pace of the sets of frames without key frames.
type beat struct {
	period time.Duration // of the rig: the upper median of its living cameras'; 0 if unknown
	last   time.Time     // instant of the latest set in this sequence; zero if there is none
	began  time.Time     // when its first frame came
	waits  time.Time     // since when frames wait for the next one; zero if none does
	left   []departure   // of the latest sets, at most recentFrames

	offset    time.Duration // of the stamps to the arrivals, median of the latest set
	compared  bool          // offset is known
	span      time.Duration // of the captures around the latest instant, whether used or not
	scattered int           // sets in a row that lack a camera whose frame was too far
}

// departure is when the set of an instant left, and its first and last capture.
type departure struct {
	instant, first, last, at time.Time
	waited                   bool // until its deadline
}

// apart returns how far a capture is from the other end of the set: positive from the
// first capture, negative from the last.
func (d *departure) apart(t time.Time) time.Duration {
	if t.After(d.instant) {
		return t.Sub(d.first)
	}
	return t.Sub(d.last)
}

// restart forgets where the time line was. The period stays.
func (b *beat) restart() {
	b.last, b.began, b.waits = time.Time{}, time.Time{}, time.Time{}
	b.left, b.compared, b.scattered = b.left[:0], false, 0
}

// leave notes a departure.
func (b *beat) leave(d departure) {
	if len(b.left) == recentFrames {
		b.left = append(b.left[:0], b.left[1:]...)
	}
	b.left = append(b.left, d)
}

// departure returns that of a window.
func (p *plan) departure(w *window, at time.Time) departure {
	d := departure{instant: w.instant, first: w.instant, last: w.instant, at: at}
	for i, place := range w.pick {
		if place < 0 {
			continue
		}
		if t := p.capture(i, place); t.Before(d.first) {
			d.first = t
		} else if t.After(d.last) {
			d.last = t
		}
	}
	return d
}

// nearest returns the departure whose instant is nearest to t, if it is within width.
func (b *beat) nearest(t time.Time, width time.Duration) (d departure, ok bool) {
	for _, x := range b.left {
		if gap := x.instant.Sub(t).Abs(); gap <= width && (!ok || gap < d.instant.Sub(t).Abs()) {
			d, ok = x, true
		}
	}
	return d, ok
}

// plan returns the plan of the waiting frames.
func (s *Sync) plan() plan {
	p := plan{
		cameras: s.cameras, last: s.beat.last, period: s.beat.period, spread: s.options.Spread,
		enough: (s.living() + 1) / 2,
		offset: s.beat.offset, compared: s.beat.compared, tolerance: s.options.Deadline,
	}
	if s.options.StreamTime {
		p.tolerance = 0
	}
	return p
}

// living counts the cameras whose frames can be expected. At the start that is all.
func (s *Sync) living() (n int) {
	starting := s.time.Sub(s.start) <= patience
	for i := range s.cameras {
		c := &s.cameras[i]
		if !c.off && (s.lives(c) || starting && c.came.IsZero()) {
			n++
		}
	}
	return n
}

// lives reports whether the camera sends frames that can be used.
func (s *Sync) lives(c *camera) bool { return s.recent(c, c.came) }

// sends reports whether the camera sends anything.
func (s *Sync) sends(c *camera) bool { return s.recent(c, c.heard) }

func (s *Sync) recent(c *camera, t time.Time) bool {
	return !t.IsZero() && s.time.Sub(t) <= c.silence(s.beat.period, s.options.Deadline)
}

// period returns the upper median of the living cameras' periods: 0 as long as that
// is the one of a camera with a single frame, the last one if no camera lives.
func (s *Sync) period() time.Duration {
	const unknown = time.Duration(1<<63 - 1)
	var periods []time.Duration
	for i := range s.cameras {
		switch c := &s.cameras[i]; {
		case c.off || !s.lives(c):
		case c.periods.n == 0:
			periods = append(periods, unknown)
		default:
			periods = append(periods, c.periods.median())
		}
	}
	switch p := upperMedian(periods); p {
	case 0:
		return s.beat.period
	case unknown:
		return 0
	default:
		return p
	}
}
