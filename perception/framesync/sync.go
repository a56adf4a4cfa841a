package framesync

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Options are the bounds that a Sync keeps. Fields that are zero take their
// default.
type Options struct {
	Spread   time.Duration // largest difference of capture times within a set; default 60 ms
	Deadline time.Duration // from a set's first frame until it leaves incomplete; default 150 ms
	PoseGap  time.Duration // largest distance of two poses to interpolate between; default 200 ms
	Jump     time.Duration // largest unexplained difference between successive frames' times; default 10 s
	Pending  int           // sets in the making at most, the oldest leaves when there are more; default 8
	Poses    int           // ego poses remembered; default 4096

	// StreamTime counts deadlines in the frames' own time and ignores the
	// caller's, so that a recording gives the same sets at any speed.
	StreamTime bool
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Spread, 60*time.Millisecond)
	set(&o.Deadline, 150*time.Millisecond)
	set(&o.PoseGap, 200*time.Millisecond)
	set(&o.Jump, 10*time.Second)
	if o.Pending == 0 {
		o.Pending = 8
	}
	if o.Poses == 0 {
		o.Poses = 4096
	}
	return o
}

// Sync assembles the frames of one rig. It must not be used from two
// goroutines at once.
type Sync struct {
	options  Options
	rig      *perception.Rig // nil before the first usable calibration
	poses    track
	pending  []*group // by order, at most options.Pending
	previous *group   // the latest that left in this sequence, nil where none did
	emitted  time.Time
	fresh    string // why the next set starts a sequence; "" where it does not
	clock    clock
	counters Counters
}

// New returns a Sync that waits for a calibration.
func New(o Options) *Sync {
	o = o.withDefaults()
	return &Sync{
		options: o,
		poses:   track{limit: o.Poses},
		fresh:   "stream started",
		clock:   clock{jump: o.Jump, stream: o.StreamTime},
	}
}

// Counters returns what was counted until now.
func (s *Sync) Counters() Counters { return s.counters }

// Rig returns the calibration in force, nil before the first.
func (s *Sync) Rig() *perception.Rig { return s.rig }

// now is the time that deadlines are counted in.
func (s *Sync) now(caller time.Time) time.Time {
	if s.options.StreamTime {
		return s.clock.latest
	}
	return caller
}

// Push takes an event that came at now, and returns the sets that leave with
// it. The event and what it points to must not change afterwards. Frames of
// the sets are copies that hold their pose.
func (s *Sync) Push(ev perception.Event, now time.Time) []*perception.FrameSet {
	var out []*perception.FrameSet
	switch e := ev.(type) {
	case *perception.Rig:
		out = s.calibrate(e)
	case perception.EgoPose:
		s.pose(e)
	case *perception.Frame:
		out = s.frame(e, now)
	case perception.Reset:
		out = s.restart(e.Reason)
		s.poses.poses = s.poses.poses[:0]
	default:
		panic(fmt.Sprintf("framesync: unknown event %T", ev))
	}
	return append(out, s.Advance(now)...)
}

// Advance returns the sets that leave by now.
func (s *Sync) Advance(now time.Time) []*perception.FrameSet {
	now = s.now(now)
	n := len(s.pending) - s.options.Pending
	for i, g := range s.pending {
		if !g.deadline.After(now) || s.complete(g) {
			n = max(n, i+1)
		}
	}
	return s.release(n)
}

// Deadline returns when Advance will next have something to do if no event
// comes before. With StreamTime only a later frame makes it pass.
func (s *Sync) Deadline() (at time.Time, ok bool) {
	for _, g := range s.pending {
		if !ok || g.deadline.Before(at) {
			at, ok = g.deadline, true
		}
	}
	return at, ok
}

// Flush returns all that is in the making, incomplete or not.
func (s *Sync) Flush() []*perception.FrameSet { return s.release(len(s.pending)) }

// Discard drops all that is in the making.
func (s *Sync) Discard() {
	for _, g := range s.pending {
		s.drop(Unfinished, g.count())
	}
	s.pending = nil
}

func (s *Sync) drop(r Reason, n int) { s.counters.Dropped[r] += uint64(n) }

func (s *Sync) calibrate(r *perception.Rig) []*perception.FrameSet {
	if r.Validate() != nil {
		s.drop(InvalidCalibration, 1)
		return nil
	}
	if s.rig == nil {
		s.rig = r
		return nil
	}
	if reflect.DeepEqual(s.rig, r) {
		return nil
	}
	out := s.restart("calibration changed")
	s.rig = r
	return out
}

// restart flushes, and makes the next set the first of a sequence.
func (s *Sync) restart(reason string) []*perception.FrameSet {
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

func (s *Sync) pose(p perception.EgoPose) {
	s.counters.Poses++
	switch {
	case !p.GlobalFromEgo.IsFinite():
		s.drop(PoseNotFinite, 1)
	case !s.poses.insert(p):
		s.drop(PoseConflict, 1)
	}
}

func (s *Sync) frame(f *perception.Frame, now time.Time) []*perception.FrameSet {
	s.counters.Frames++
	if s.rig == nil {
		s.drop(BeforeCalibration, 1)
		return nil
	}
	camera := s.rig.Index(f.Camera)
	if camera < 0 {
		s.drop(UnknownCamera, 1)
		return nil
	}
	var out []*perception.FrameSet
	switch s.clock.judge(f, len(s.rig.Cameras), now) {
	case suspect:
		s.drop(ClockJump, 1)
		return nil
	case jumped:
		out = s.restart("clock jumped")
		s.clock.accept(f, now)
	}
	if r, bad := s.refuse(camera, f); bad {
		s.drop(r, 1)
		return out
	}
	s.join(camera, f, now)
	return out
}

// refuse says why f cannot become part of a set any more.
func (s *Sync) refuse(camera int, f *perception.Frame) (Reason, bool) {
	for _, g := range s.pending {
		old := g.frames[camera]
		if same(old, f) || old != nil && !f.KeyTime.IsZero() && g.key.Equal(f.KeyTime) {
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
	case !f.KeyTime.IsZero():
		return OutOfOrder, !f.KeyTime.After(p.order())
	case old != nil:
		return OutOfOrder, !f.Captured.After(old.Captured) || !f.Captured.After(p.first)
	}
	return OutOfOrder, f.Captured.Sub(p.first) <= s.options.Spread
}

// join puts f into the earliest group that takes it, or into a new one.
func (s *Sync) join(camera int, f *perception.Frame, now time.Time) {
	for _, g := range s.pending {
		if g.takes(f, s.options.Spread) && g.frames[camera] == nil {
			g.add(camera, f)
			s.sort()
			return
		}
	}
	g := &group{
		key:      f.KeyTime,
		first:    f.Captured,
		last:     f.Captured,
		deadline: s.now(now).Add(s.options.Deadline),
		frames:   make([]*perception.Frame, len(s.rig.Cameras)),
	}
	g.add(camera, f)
	s.pending = append(s.pending, g)
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
		if _, ok := s.poses.at(f.Captured, s.options.PoseGap); !ok {
			return false
		}
	}
	_, ok := s.poses.at(s.time(g), s.options.PoseGap)
	return ok
}

// time is the instant of the set that g becomes.
func (s *Sync) time(g *group) time.Time {
	if !g.key.IsZero() {
		return g.key
	}
	return g.last
}

// release makes sets of the first n groups.
func (s *Sync) release(n int) []*perception.FrameSet {
	if n <= 0 {
		return nil
	}
	var out []*perception.FrameSet
	for _, g := range s.pending[:n] {
		if set := s.finish(g); set != nil {
			out = append(out, set)
		}
	}
	s.pending = slices.Delete(s.pending, 0, n)
	return out
}

// finish joins g's frames with their poses. It returns nil where no frame is
// left, or where the set would not be later than the one before.
func (s *Sync) finish(g *group) *perception.FrameSet {
	set := &perception.FrameSet{Rig: s.rig, Frames: make([]*perception.Frame, len(g.frames))}
	left := 0
	for i, f := range g.frames {
		if f == nil {
			continue
		}
		pose, ok := s.poses.at(f.Captured, s.options.PoseGap)
		if !ok {
			s.drop(NoPose, 1)
			continue
		}
		posed := *f
		posed.GlobalFromEgo = pose
		set.Frames[i] = &posed
		left++
		if f.Captured.After(set.Time) {
			set.Time = f.Captured
		}
	}
	if !g.key.IsZero() {
		set.Time = g.key
	}
	var ok bool
	if set.GlobalFromEgo, ok = s.poses.at(set.Time, s.options.PoseGap); !ok {
		s.drop(NoPose, left)
		return nil
	}
	if !set.Time.After(s.emitted) {
		s.drop(OutOfOrder, left)
		return nil
	}
	s.account(g, set, left)
	return set
}

func (s *Sync) account(g *group, set *perception.FrameSet, frames int) {
	s.counters.Sets++
	if frames < len(set.Frames) {
		s.counters.Incomplete++
	}
	set.NewSequence, s.fresh = s.fresh, ""
	s.previous, s.emitted = g, set.Time
}
