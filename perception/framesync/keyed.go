package framesync

import (
	"slices"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// keyFrames is the sets of frames that name a key frame.
type keyFrames struct {
	pending  []*group // by order, at most Options.Pending
	previous *group   // last that left in this sequence, nil if none did
	left     time.Time
}

// takeKeyed puts a frame into the group of its key frame, or drops it if that has left.
// If no frame was taken for a beat, the time line of the sets is wrong: a new one begins.
// A frame that is late for the latest set is on that line.
func (s *Sync) takeKeyed(i int, a arrival) []Set {
	if r, bad := s.keyed.refuse(i, a.frame); bad {
		if r == OutOfOrder && !s.keyed.previous.key.Same(a.frame.Key) && s.starves(a.at) {
			out := s.newLine(s.keyed.previous.order(), a.frame.Key.Time)
			return append(out, s.accept(i, a)...)
		}
		s.drop(r, s.lateKeyed(&s.cameras[i], &a), a.from)
		return nil
	}
	s.taken = a.at
	s.keyed.join(i, len(s.cameras), &a, a.at.Add(s.options.Deadline))
	return nil
}

// lateKeyed returns by how much a frame missed the latest set, "" if it is of another.
func (s *Sync) lateKeyed(c *camera, a *arrival) string {
	if k := &s.keyed; k.previous == nil || !k.previous.key.Same(a.frame.Key) || c.missing == 0 || s.options.StreamTime {
		return ""
	}
	c.late = max(a.at.Sub(s.keyed.left), 1)
	return s.lateWords(c)
}

// refuse returns the reason if f cannot become part of a set any more.
func (k *keyFrames) refuse(i int, f *perception.Frame) (Reason, bool) {
	for _, g := range k.pending {
		if g.holds(i, f.Key) {
			return Duplicate, true
		}
	}
	switch {
	case k.previous == nil:
		return 0, false
	case k.previous.holds(i, f.Key):
		return Duplicate, true
	}
	return OutOfOrder, !f.Key.Time.After(k.previous.order())
}

// join puts a frame into the group of its key frame, or into a new one.
func (k *keyFrames) join(i, cameras int, a *arrival, deadline time.Time) {
	at := slices.IndexFunc(k.pending, func(g *group) bool { return g.key.Same(a.frame.Key) })
	if at < 0 {
		at = len(k.pending)
		k.pending = append(k.pending, newGroup(a.frame.Key, cameras, deadline))
	}
	k.pending[at].add(i, a)
	slices.SortStableFunc(k.pending, func(a, b *group) int { return a.order().Compare(b.order()) })
}

// releaseKeyed returns the sets of key frames that leave at the time now.
func (s *Sync) releaseKeyed(now time.Time) []Set {
	n := len(s.keyed.pending) - s.options.Pending
	if n > 0 {
		s.crowd(len(s.keyed.pending))
	}
	for i, g := range s.keyed.pending {
		if !g.deadline.After(now) || s.complete(g) {
			n = max(n, i+1)
		}
	}
	return s.firstKeyed(n)
}

// firstKeyed removes the first n groups and returns their sets.
func (s *Sync) firstKeyed(n int) (out []Set) {
	if n <= 0 {
		return nil
	}
	for _, g := range s.keyed.pending[:n] {
		if set, ok := s.finish(g); ok {
			out = append(out, set)
			s.keyed.previous, s.keyed.left = g, s.time
		}
		for i, f := range g.frames {
			s.cameras[i].pass(f)
		}
	}
	s.keyed.pending = slices.Delete(s.keyed.pending, 0, n)
	return out
}

// complete reports whether g has every frame and every pose.
func (s *Sync) complete(g *group) bool {
	if slices.Contains(g.frames, nil) {
		return false
	}
	for _, f := range g.frames {
		if _, ok := s.poseOf(f); !ok {
			return false
		}
	}
	_, ok := s.poseOfKey(g.key)
	return ok
}

// poseOfKey returns the ego pose of a key frame: its own, or the one of its time.
func (s *Sync) poseOfKey(k *perception.KeyFrame) (geom.Pose, bool) {
	if k.GlobalFromEgo != nil {
		return k.GlobalFromEgo.Pose(), true
	}
	return s.poseAtTime(k.Time)
}
