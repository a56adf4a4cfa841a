package framesync

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// finish returns the set of g. It drops g's frames, and ok is false, if there is no
// pose for the set's time or for any frame, if there are too few cameras, or if the
// set would not be later than the one before.
func (s *Sync) finish(g *group) (set Set, ok bool) {
	set, latest := s.posed(g)
	if len(set.from) == 0 {
		return Set{}, false
	}
	set.GlobalFromEgo, ok = latest.GlobalFromEgo, true
	if g.key != nil {
		set.GlobalFromEgo, ok = s.poseOfKey(g.key)
	}
	switch {
	case !ok:
		s.missPose(set.Time)
		s.drop(NoPose, s.poseTrouble.Words, set.from...)
	case float64(len(set.from)) < s.options.MinShare*float64(len(set.Frames)):
		s.few = s.fewCameras(len(set.from))
		s.drop(FewCameras, s.few.Words, set.from...)
	case !s.inOrder(set.Time):
		s.drop(OutOfOrder, "", set.from...)
	default:
		s.account(&set)
		return set, true
	}
	return Set{}, false
}

// inOrder reports whether a set of that time may leave. One before the last set, of
// cameras that had sent nothing until then, begins a sequence if it is long before it
// or none has left for a while.
func (s *Sync) inOrder(t time.Time) bool {
	back := t.Sub(s.emitted)
	if s.emitted.IsZero() || back > 0 {
		return true
	}
	if back == 0 || back >= -patience && s.time.Sub(s.emittedAt) <= s.pause() {
		return false
	}
	s.stepped, s.steppedAt = step(back), s.time
	s.fresh = s.stepped.Words
	return true
}

func (s *Sync) fewCameras(n int) Trouble {
	return Trouble{CauseFewCameras, fmt.Sprintf("sets have %d of %d cameras, sync.min_share is %v", n, len(s.cameras), s.options.MinShare)}
}

// posed joins g's frames with their poses and drops those that have none. It
// returns the latest of them too.
func (s *Sync) posed(g *group) (set Set, latest *perception.Frame) {
	frames := make([]*perception.Frame, len(g.frames))
	s.missed = false
	set = Set{FrameSet: &perception.FrameSet{Rig: s.rig, Frames: frames, Cursor: g.cursor}}
	for i, f := range g.frames {
		if f == nil {
			continue
		}
		pose, ok := s.poseOf(f)
		if !ok {
			s.missPose(f.Captured)
			s.drop(NoPose, s.poseTrouble.Words, g.from[i])
			continue
		}
		posed := *f
		posed.GlobalFromEgo = pose
		frames[i] = &posed
		set.from = append(set.from, g.from[i])
		if latest == nil || f.Captured.After(latest.Captured) {
			latest = &posed
		}
	}
	switch {
	case g.key != nil:
		set.Time, set.KeyFrame = g.key.Time, g.key.ID
	case latest != nil:
		set.Time = latest.Captured
	}
	return set, latest
}

// missPose records that there is no pose for t.
func (s *Sync) missPose(t time.Time) {
	s.poseTrouble, s.missed = s.missedPose(t, s.time), true
}

func (s *Sync) account(set *Set) {
	s.counters.Sets++
	if len(set.from) < len(set.Frames) {
		s.counters.Incomplete++
	}
	if !s.missed {
		s.poseTrouble = Trouble{}
	}
	s.few = Trouble{}
	set.NewSequence, s.fresh = s.fresh, ""
	s.emitted, s.emittedAt = set.Time, s.time
}

// knownPoses reports whether the poses that f itself has, if any, are finite.
func knownPoses(f *perception.Frame) bool {
	return finite(f.OwnPose) && (f.Key == nil || finite(f.Key.GlobalFromEgo))
}

func finite(t *geom.Transform) bool { return t == nil || t.IsFinite() }
