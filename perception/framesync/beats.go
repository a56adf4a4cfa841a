package framesync

import (
	"math"
	"slices"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// beat is the pace of the sets of frames without key frames.
type beat struct {
	period time.Duration // of the rig: the upper median of its living cameras'; 0 if unknown
	last   time.Time     // instant of the latest set in this sequence; zero if there is none
	began  time.Time     // when its first frame came
	left   []departure   // of the latest sets, at most recentFrames

	offset    time.Duration // of the stamps to the arrivals, median of the latest set
	compared  bool          // offset is known
	span      time.Duration // of the captures around the latest instant, whether used or not
	scattered int           // sets in a row that lack a camera whose frame was too far
}

// departure is when the set of an instant left, and its first and last capture.
type departure struct{ instant, first, last, at time.Time }

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
	b.last, b.began, b.left, b.compared, b.scattered = time.Time{}, time.Time{}, b.left[:0], false, 0
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

func (s *Sync) lives(c *camera) bool { return c.lives(s.time, s.beat.period, s.options.Deadline) }

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

// takeBeat lets a frame wait for its set, or drops it if that has left. If no frame
// was taken for a beat, or most cameras are far from the sets, the time line of the sets
// is wrong: a new one begins.
func (s *Sync) takeBeat(i int, a arrival) []Set {
	c := &s.cameras[i]
	if r, words, old := s.tooOld(c, &a); old {
		c.alone = c.alone || a.frame.Captured.Sub(s.beat.last).Abs() > patience
		if r != Surplus && (s.starves(a.at) || s.most(&a, false)) {
			out := s.newLine(s.beat.last, a.frame.Captured)
			return append(out, s.accept(i, a)...)
		}
		s.drop(r, words, a.from)
		return nil
	}
	s.taken = a.at
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
		c.late, c.apart = max(a.at.Sub(d.at), 1), 0
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

// bound keeps at most Options.Pending sets: the emptiest goes, the oldest of those.
// It leaves if it is the next one and worth a beat.
func (s *Sync) bound() (out []Set) {
	for slices.ContainsFunc(s.cameras, func(c camera) bool { return len(c.waiting) > s.options.Pending }) {
		p := s.plan()
		all := p.all()
		if len(all) <= s.options.Pending {
			return out
		}
		emptiest := 0
		for i := range all {
			if all[i].count < all[emptiest].count {
				emptiest = i
			}
		}
		if emptiest > 0 || all[0].count < p.enough {
			s.dropWindow(&all[emptiest], Surplus)
			continue
		}
		out = append(out, s.release(&p, &all[0])...)
	}
	return out
}

// dropWindow drops the frames of a window.
func (s *Sync) dropWindow(w *window, r Reason) {
	for i, at := range w.pick {
		if at >= 0 {
			c := &s.cameras[i]
			s.drop(r, "", c.waiting[at].from)
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
	return !slow || !c.stamp.Add(period*3/4).After(instant.Add(p.period/4))
}

// deadline returns when a window leaves as it is: Options.Deadline after its first
// frame, but not before the beat is due. One that is not worth a beat waits for another.
func (s *Sync) deadline(p *plan, w *window) time.Time {
	at := s.firstArrival(w)
	_, known := p.due()
	if begin := s.beat.began.Add(p.period); known && begin.After(at) {
		at = begin
	}
	if w.count < p.enough {
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
// beat.
func (s *Sync) release(p *plan, w *window) []Set {
	g := s.group(w)
	s.compare(w, g)
	set, ok := s.finish(g)
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
	s.beat.leave(p.departure(w, s.time))
	for i, f := range g.frames {
		s.cameras[i].pass(f)
	}
	for i := range s.cameras {
		s.dropPassed(p, w, i)
	}
	s.beat.last, s.beat.began = w.instant, began
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
