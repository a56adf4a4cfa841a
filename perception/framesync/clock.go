package framesync

import (
	"slices"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// frame takes a frame of any kind.
func (s *Sync) frame(f *perception.Frame, d perception.Delivery) []Set {
	s.counters.Frames++
	if s.rig == nil {
		s.drop(BeforeCalibration, "", d)
		return nil
	}
	i := s.rig.Index(f.Camera)
	if i < 0 {
		s.drop(UnknownCamera, "", d)
		return nil
	}
	c, a := &s.cameras[i], arrival{f, d, s.arrivalOf(f), s.counters.Frames}
	c.count(f.Sequence, a.at)
	if r, words, bad := s.unusable(c, &a); bad {
		s.drop(r, words, d)
		return nil
	}
	if s.start.IsZero() {
		s.start = a.at
	}
	if s.onLine(c, &a) {
		return s.accept(i, a)
	}
	return s.hold(i, a)
}

// unusable returns why a frame cannot be used whatever the others are, and in words.
func (s *Sync) unusable(c *camera, a *arrival) (r Reason, words string, bad bool) {
	if !knownPoses(a.frame) {
		return PoseNotFinite, "", true
	}
	if c.unit = s.misdated(c, a); c.unit != "" {
		c.refused++
		return Unit, c.unit, true
	}
	if a.frame.Key == nil && c.has(a.frame.Captured) {
		c.repeats++
		return Duplicate, "", true
	}
	return 0, "", false
}

// arrivalOf returns when a frame came: now, or in stream time at its stamp, unless
// later ones have come.
func (s *Sync) arrivalOf(f *perception.Frame) time.Time {
	if s.options.StreamTime && stamp(f).After(s.time) {
		return stamp(f)
	}
	return s.time
}

// onLine reports whether a frame goes on from the one before of its camera. The first
// one does. A recording's key frames are right whatever their times, and those with an
// identity may leap ahead.
func (s *Sync) onLine(c *camera, a *arrival) bool {
	key := a.frame.Key
	switch {
	case !c.placed || s.options.StreamTime && key != nil:
		return true
	case key != nil && key.ID != "":
		return !key.Time.Before(c.stamp)
	}
	return follows(c.stamp, stamp(a.frame), s.elapsed(c.arrived, a.at), s.options.Jump)
}

// elapsed returns the time between two arrivals, which a recording does not have.
func (s *Sync) elapsed(from, to time.Time) time.Duration {
	if s.options.StreamTime {
		return 0
	}
	return to.Sub(from)
}

// accept takes a frame on its camera's time line.
func (s *Sync) accept(i int, a arrival) []Set {
	c := &s.cameras[i]
	if c.held != nil {
		s.dropStray(c)
	}
	if s.options.StreamTime {
		s.time = a.at
	}
	c.advance(&a)
	s.beat.period = s.period()
	if a.frame.Key != nil {
		return s.takeKeyed(i, a)
	}
	c.note(&a)
	return s.takeBeat(i, a)
}

// dropStray drops the held frame of a camera whose time line goes on without it.
func (s *Sync) dropStray(c *camera) {
	r := ClockJump
	if stamp(c.held.frame).Before(c.stamp) {
		r = OutOfOrder
	}
	lost := c.held
	c.held = nil
	s.drop(r, "", lost.from)
}

// dropHeld drops all held frames.
func (s *Sync) dropHeld() {
	for i := range s.cameras {
		if s.cameras[i].held != nil {
			s.dropStray(&s.cameras[i])
		}
	}
}

// expiry returns when a held frame is dropped if nothing confirms it.
func (s *Sync) expiry(a *arrival) time.Time {
	return a.at.Add(max(2*s.beat.period, patience) + s.options.Deadline)
}

// expireHeld starts a sequence with the held frames if nothing else comes, and drops
// those that nothing confirmed in time.
func (s *Sync) expireHeld() (out []Set) {
	if at, ok := s.stepAt(); ok && !at.After(s.time) {
		out = s.jump()
	}
	for i := range s.cameras {
		if c := &s.cameras[i]; c.held != nil && !s.expiry(c.held).After(s.time) {
			s.dropStray(c)
		}
	}
	return out
}

// stepAt returns when the held frames show that time has jumped: if no camera goes on
// for a beat and the deadline. A publisher may wait for a result before it sends more.
// One stamp ahead is no proof unless there is a pose for it. ok is false if no frame
// shows that.
func (s *Sync) stepAt() (at time.Time, ok bool) {
	var first *arrival
	proof := false
	for i := range s.cameras {
		c := &s.cameras[i]
		if c.held == nil {
			continue
		}
		if first == nil || c.held.at.Before(first.at) {
			first = c.held
		}
		proof = proof || s.proves(c)
	}
	if !proof || slices.ContainsFunc(s.cameras, func(c camera) bool { return c.arrived.After(first.at) }) {
		return time.Time{}, false
	}
	return first.at.Add(s.pause()), true
}

// proves reports whether a camera's held frame alone can show that time has jumped.
func (s *Sync) proves(c *camera) bool {
	if stamp(c.held.frame).Before(c.stamp) {
		return true
	}
	_, posed := s.poseOf(c.held.frame)
	return posed
}

// hold keeps a frame off its camera's time line. If most living cameras have one, the
// rig's time has jumped, and a sequence starts with them. If the camera goes on from
// the one it had, its own clock has jumped.
func (s *Sync) hold(i int, a arrival) []Set {
	c := &s.cameras[i]
	c.came = a.at
	old := c.held
	again := old != nil && stamp(a.frame).After(stamp(old.frame)) && follows(stamp(old.frame), stamp(a.frame), s.elapsed(old.at, a.at), s.options.Jump)
	if old != nil && !again {
		s.dropStray(c)
	}
	if !again {
		c.held = &a
	}
	switch most := s.most(&a, again); {
	case most && again:
		return s.jump(held{i, a})
	case most:
		return s.jump()
	case again:
		s.moveAlone(c)
		return s.accept(i, a)
	}
	return nil
}

// most reports whether most cameras that send are on the time line of a, which is not
// that of the sets: two of them at least, or one that says it again.
func (s *Sync) most(a *arrival, again bool) bool {
	moved, sending := 0, 0
	for i := range s.cameras {
		c := &s.cameras[i]
		if !s.lives(c) {
			continue
		}
		sending++
		at := c.stamp
		if c.held != nil {
			at = stamp(c.held.frame)
		}
		if (c.held != nil || c.alone) && at.Sub(stamp(a.frame)).Abs() <= s.options.Jump {
			moved++
		}
	}
	return 2*moved > sending && (moved > 1 || again)
}

// jump starts a sequence with the held frames, and then next, if there is one.
func (s *Sync) jump(next ...held) []Set {
	var all []held
	var from time.Time
	for i := range s.cameras {
		c := &s.cameras[i]
		if c.held == nil {
			continue
		}
		if c.stamp.After(from) {
			from = c.stamp
		}
		all = append(all, held{i, *c.held})
		c.held = nil
	}
	all = append(all, next...)
	out := s.newLine(from, stamp(all[0].frame))
	for _, h := range all {
		out = append(out, s.accept(h.camera, h.arrival)...)
	}
	return out
}

// held is a frame off the line of its camera.
type held struct {
	camera int
	arrival
}

// newLine starts a sequence because time jumped.
func (s *Sync) newLine(from, to time.Time) []Set {
	s.stepped, s.steppedAt = step(to.Sub(from)), s.time
	out := s.restart(s.stepped.Words)
	s.followPoses(from, to)
	return out
}

// moveAlone begins the time line of a camera whose clock alone has jumped. Its held
// frame is lost.
func (s *Sync) moveAlone(c *camera) {
	lost := c.held
	c.held = nil
	s.drop(ClockJump, "", lost.from)
	c.placed, c.used, c.alone, c.off = false, time.Time{}, true, false
	c.recent, c.offsets = c.recent[:0], estimate{}
	s.dropWaiting(c, ClockOffset)
}
