package framesync

import (
	"fmt"
	"slices"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/perception"
)

// Sync assembles the frames of one rig. It is not safe for concurrent use.
type Sync struct {
	options  Options
	rig      *perception.Rig // nil before the first usable calibration
	poses    track
	pending  []*group  // by order, at most options.Pending
	previous *group    // last that left in this sequence, nil if none did
	emitted  time.Time // of the last set in this sequence
	fresh    string    // why the next set starts a sequence; "" if it does not
	clock    clock
	counters Counters
}

// New returns a Sync that waits for a calibration.
func New(o Options) *Sync {
	o = option.Fill(o, Defaults())
	return &Sync{
		options: o,
		poses:   track{limit: o.Poses},
		fresh:   "stream started",
		clock:   clock{jump: o.Jump, stream: o.StreamTime},
	}
}

// Counters returns the counts so far.
func (s *Sync) Counters() Counters { return s.counters }

// Rig returns the calibration in force, nil before the first.
func (s *Sync) Rig() *perception.Rig { return s.rig }

// now returns the time for deadlines: the frames' own or the caller's.
func (s *Sync) now(caller time.Time) time.Time {
	if s.options.StreamTime {
		return s.clock.latest
	}
	return caller
}

// Push takes a delivery that came at now, and returns the sets that leave with
// it. The event and what it points to must not change afterwards. The frames of a
// set are copies with their pose set; they share the image.
func (s *Sync) Push(d perception.Delivery, now time.Time) []Set {
	var out []Set
	switch e := d.Event.(type) {
	case *perception.Rig:
		out = s.calibrate(e, d)
	case perception.EgoPose:
		s.pose(e, d)
	case *perception.Frame:
		out = s.frame(e, d, now)
	case perception.Reset:
		out = s.restart(e.Reason)
		s.poses.poses = s.poses.poses[:0]
		d.Settle(nil)
	default:
		panic(fmt.Sprintf("framesync: unknown event %T", e))
	}
	return append(out, s.Advance(now)...)
}

// Advance returns the sets that leave at the time now.
func (s *Sync) Advance(now time.Time) []Set {
	now = s.now(now)
	n := len(s.pending) - s.options.Pending
	for i, g := range s.pending {
		if !g.deadline.After(now) || s.complete(g) {
			n = max(n, i+1)
		}
	}
	return s.release(n)
}

// Deadline returns the earliest deadline of the pending sets; ok is false if there
// are none. With StreamTime it is in the frames' own time.
func (s *Sync) Deadline() (at time.Time, ok bool) {
	for _, g := range s.pending {
		if !ok || g.deadline.Before(at) {
			at, ok = g.deadline, true
		}
	}
	return at, ok
}

// Flush returns all pending sets, complete or not. Frames without a pose are
// dropped.
func (s *Sync) Flush() []Set { return s.release(len(s.pending)) }

// Discard drops all pending sets.
func (s *Sync) Discard() {
	for _, g := range s.pending {
		for i, f := range g.frames {
			if f != nil {
				s.drop(Unfinished, g.from[i])
			}
		}
	}
	s.pending = nil
}

// drop counts deliveries under r and settles them with it.
func (s *Sync) drop(r Reason, lost ...perception.Delivery) {
	s.counters.Dropped[r] += uint64(len(lost))
	for _, d := range lost {
		drop := &Drop{Reason: r}
		if f, isFrame := d.Event.(*perception.Frame); isFrame {
			drop.Camera = f.Camera
		}
		d.Settle(drop)
	}
}

func (s *Sync) calibrate(r *perception.Rig, d perception.Delivery) (out []Set) {
	if r.Validate() != nil {
		s.drop(InvalidCalibration, d)
		return nil
	}
	if s.rig != nil && !s.rig.Equal(r) {
		out = s.restart("calibration changed")
	}
	s.rig = r
	d.Settle(nil)
	return out
}

// restart flushes the pending sets. The next set starts a sequence.
func (s *Sync) restart(reason string) []Set {
	out := s.Flush()
	if reason == "" {
		reason = "reset"
	}
	s.fresh = reason
	s.previous = nil
	s.emitted = time.Time{}
	s.clock = clock{jump: s.options.Jump, stream: s.options.StreamTime}
	return out
}

func (s *Sync) pose(p perception.EgoPose, d perception.Delivery) {
	s.counters.Poses++
	switch {
	case !p.GlobalFromEgo.IsFinite():
		s.drop(PoseNotFinite, d)
	case !s.poses.insert(p):
		s.drop(PoseConflict, d)
	default:
		d.Settle(nil)
	}
}

func (s *Sync) frame(f *perception.Frame, d perception.Delivery, now time.Time) (out []Set) {
	s.counters.Frames++
	if s.rig == nil {
		s.drop(BeforeCalibration, d)
		return nil
	}
	camera := s.rig.Index(f.Camera)
	if camera < 0 {
		s.drop(UnknownCamera, d)
		return nil
	}
	if !known(f) {
		s.drop(PoseNotFinite, d)
		return nil
	}
	switch s.clock.judge(f, len(s.rig.Cameras), now) {
	case suspect:
		s.drop(ClockJump, d)
		return nil
	case jumped:
		out = s.restart("clock jumped")
		s.clock.accept(f, now)
	}
	if r, bad := s.refuse(camera, f); bad {
		s.drop(r, d)
		return out
	}
	s.join(camera, f, d, now)
	return out
}

// known reports whether the poses that f itself has, if any, are finite.
func known(f *perception.Frame) bool {
	return (f.OwnPose == nil || f.OwnPose.IsFinite()) &&
		(f.Key == nil || f.Key.GlobalFromEgo == nil || f.Key.GlobalFromEgo.IsFinite())
}

// refuse returns the reason if f cannot become part of a set any more.
func (s *Sync) refuse(camera int, f *perception.Frame) (Reason, bool) {
	for _, g := range s.pending {
		if same(g.frames[camera], f) {
			return Duplicate, true
		}
	}
	if s.previous == nil {
		return 0, false
	}
	p, old := s.previous, s.previous.frames[camera]
	switch {
	case same(old, f):
		return Duplicate, true
	case f.Key != nil:
		return OutOfOrder, !f.Key.Time.After(p.order())
	case old != nil:
		return OutOfOrder, !f.Captured.After(old.Captured) || !f.Captured.After(p.first)
	}
	return OutOfOrder, f.Captured.Sub(p.first) <= s.options.Spread
}

// join puts f into the earliest group that takes it, or into a new one.
func (s *Sync) join(camera int, f *perception.Frame, d perception.Delivery, now time.Time) {
	i := slices.IndexFunc(s.pending, func(g *group) bool {
		return g.takes(f, s.options.Spread) && g.frames[camera] == nil
	})
	if i < 0 {
		i = len(s.pending)
		s.pending = append(s.pending, newGroup(f, len(s.rig.Cameras), s.now(now).Add(s.options.Deadline)))
	}
	s.pending[i].add(camera, f, d)
	s.sort()
}

func (s *Sync) sort() {
	slices.SortStableFunc(s.pending, func(a, b *group) int { return a.order().Compare(b.order()) })
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
	_, ok := s.poseAt(g.key, g.last)
	return ok
}

// poseOf returns the ego pose of a frame: its own, or the one of its capture.
func (s *Sync) poseOf(f *perception.Frame) (geom.Pose, bool) {
	if f.OwnPose != nil {
		return f.OwnPose.Pose(), true
	}
	return s.poses.at(f.Captured, s.options.PoseGap)
}

// poseAt returns the ego pose of a set: that of its key frame, or the one of the
// time t.
func (s *Sync) poseAt(key *perception.KeyFrame, t time.Time) (geom.Pose, bool) {
	if key != nil && key.GlobalFromEgo != nil {
		return key.GlobalFromEgo.Pose(), true
	}
	if key != nil {
		t = key.Time
	}
	return s.poses.at(t, s.options.PoseGap)
}

// release removes the first n groups and returns their sets.
func (s *Sync) release(n int) (out []Set) {
	if n <= 0 {
		return nil
	}
	for _, g := range s.pending[:n] {
		if set, ok := s.finish(g); ok {
			out = append(out, set)
		}
	}
	s.pending = slices.Delete(s.pending, 0, n)
	return out
}

// finish returns the set of g. It drops g's frames, and ok is false, if there is no
// pose for the set's time, or if the set would not be later than the one before.
func (s *Sync) finish(g *group) (set Set, ok bool) {
	set = s.posed(g)
	if set.GlobalFromEgo, ok = s.poseAt(g.key, set.Time); !ok {
		s.drop(NoPose, set.from...)
		return Set{}, false
	}
	if !set.Time.After(s.emitted) {
		s.drop(OutOfOrder, set.from...)
		return Set{}, false
	}
	s.account(g, &set)
	return set, true
}

// posed joins g's frames with their poses and drops those that have none.
func (s *Sync) posed(g *group) Set {
	frames := make([]*perception.Frame, len(g.frames))
	set := Set{FrameSet: &perception.FrameSet{Rig: s.rig, Frames: frames, Cursor: g.cursor}}
	if g.key != nil {
		set.Time, set.KeyFrame = g.key.Time, g.key.ID
	}
	for i, f := range g.frames {
		if f == nil {
			continue
		}
		pose, ok := s.poseOf(f)
		if !ok {
			s.drop(NoPose, g.from[i])
			continue
		}
		posed := *f
		posed.GlobalFromEgo = pose
		frames[i] = &posed
		set.from = append(set.from, g.from[i])
		if g.key == nil && f.Captured.After(set.Time) {
			set.Time = f.Captured
		}
	}
	return set
}

func (s *Sync) account(g *group, set *Set) {
	s.counters.Sets++
	if len(set.from) < len(set.Frames) {
		s.counters.Incomplete++
	}
	set.NewSequence, s.fresh = s.fresh, ""
	s.previous, s.emitted = g, set.Time
}
