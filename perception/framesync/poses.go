package framesync

import (
	"slices"
	"sort"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// strayLimit is the number of poses in a row that make a new time line.
const strayLimit = 3

// track is the latest ego poses in order of time, at most limit of them. Poses far
// behind the newest are strays: they wait until the next ones show whether time went
// back.
type track struct {
	poses   []perception.EgoPose
	limit   int
	strays  []stray // fewer than strayLimit
	newest  time.Time
	recent  []moment // latest times and arrivals, at most recentFrames
	periods estimate
	trusted bool // times are never off the line
}

// stray is a pose off the line, its delivery, and when it came.
type stray struct {
	pose perception.EgoPose
	from perception.Delivery
	at   time.Time
}

// search returns the index of the first pose that is not before t.
func (k *track) search(t time.Time) int {
	return sort.Search(len(k.poses), func(i int) bool { return !k.poses[i].Time.Before(t) })
}

// arrived returns when the latest pose came; zero before the first.
func (k *track) arrived() time.Time {
	if len(k.recent) == 0 {
		return time.Time{}
	}
	return k.recent[len(k.recent)-1].arrived
}

// strange reports whether a pose is off the line: more than gap behind the newest. One
// far ahead disturbs none before it.
func (k *track) strange(t time.Time, gap time.Duration) bool {
	return len(k.poses) > 0 && !k.trusted && k.newest.Sub(t) > gap
}

// note records the time of a pose and its arrival.
func (k *track) note(t, now time.Time) {
	if len(k.recent) == recentFrames {
		k.recent = append(k.recent[:0], k.recent[1:]...)
	}
	k.recent = append(k.recent, moment{t, now})
	if d := t.Sub(k.newest); d > 0 {
		if !k.newest.IsZero() {
			k.periods.add(d)
		}
		k.newest = t
	}
}

// insert adds p. Over the limit it removes the first or the last pose, whichever is
// farther from p in time: the oldest, unless time went back. It reports whether p
// agrees with a pose of the same time, if there is one.
func (k *track) insert(p perception.EgoPose) bool {
	i := k.search(p.Time)
	if i < len(k.poses) && k.poses[i].Time.Equal(p.Time) {
		return k.poses[i].GlobalFromEgo == p.GlobalFromEgo
	}
	k.poses = append(k.poses, p)
	copy(k.poses[i+1:], k.poses[i:])
	k.poses[i] = p
	if last := len(k.poses) - 1; last >= k.limit {
		if p.Time.Sub(k.poses[0].Time) < k.poses[last].Time.Sub(p.Time) {
			k.poses = k.poses[:last]
		} else {
			k.poses = append(k.poses[:0], k.poses[1:]...)
		}
	}
	return true
}

// clear removes all poses but the strays.
func (k *track) clear() {
	k.poses, k.recent, k.newest, k.periods = k.poses[:0], k.recent[:0], time.Time{}, estimate{}
}

// at returns the pose at t: the exact one, or one interpolated between neighbours
// at most gap apart.
func (k *track) at(t time.Time, gap time.Duration) (geom.Pose, bool) {
	i := k.search(t)
	if i == len(k.poses) {
		return geom.Pose{}, false
	}
	next := &k.poses[i]
	if next.Time.Equal(t) {
		return next.GlobalFromEgo.Pose(), true
	}
	if i == 0 {
		return geom.Pose{}, false
	}
	prev := &k.poses[i-1]
	between := next.Time.Sub(prev.Time)
	if between > gap {
		return geom.Pose{}, false
	}
	f := float64(t.Sub(prev.Time)) / float64(between)
	return prev.GlobalFromEgo.Pose().Lerp(next.GlobalFromEgo.Pose(), f), true
}

// apart returns the distance of the poses around t; ok is false if t is not between
// two.
func (k *track) apart(t time.Time) (d time.Duration, ok bool) {
	i := k.search(t)
	if i == 0 || i == len(k.poses) {
		return 0, false
	}
	return k.poses[i].Time.Sub(k.poses[i-1].Time), true
}

// offset returns by how much the poses' clock is ahead of their arrivals. ok is
// false unless they come about as fast as their times go on.
func (k *track) offset() (ahead time.Duration, ok bool) {
	if len(k.recent) < 3 {
		return 0, false
	}
	first, last := k.recent[0], k.recent[len(k.recent)-1]
	gone, passed := last.captured.Sub(first.captured), last.arrived.Sub(first.arrived)
	return last.captured.Sub(last.arrived), passed >= 50*time.Millisecond && gone > passed/2 && gone < 2*passed
}

// pose takes an ego pose.
func (s *Sync) pose(p perception.EgoPose, d perception.Delivery, now time.Time) {
	s.counters.Poses++
	if !p.GlobalFromEgo.IsFinite() {
		s.drop(PoseNotFinite, "", d)
		return
	}
	if words := s.misdatedPose(&p); words != "" {
		s.poseTrouble = Trouble{CauseUnit, words}
		s.drop(Unit, words, d)
		return
	}
	if s.poses.strange(p.Time, s.options.PoseGap) {
		s.strayPose(p, d, now)
		return
	}
	s.foldStrays()
	s.insert(p, d)
	s.poses.note(p.Time, now)
}

// insert adds a pose to the track and settles it.
func (s *Sync) insert(p perception.EgoPose, d perception.Delivery) {
	if !s.poses.insert(p) {
		s.drop(PoseConflict, "", d)
		return
	}
	d.Settle(nil)
}

// strayPose keeps a pose off the line. When strayLimit of them came in a row and go
// on from each other, they are the line.
func (s *Sync) strayPose(p perception.EgoPose, d perception.Delivery, now time.Time) {
	k := &s.poses
	if n := len(k.strays); n > 0 && !follows(k.strays[n-1].pose.Time.Add(-s.options.PoseGap), p.Time, 0, s.options.Jump) {
		s.foldStrays()
	}
	k.strays = append(k.strays, stray{p, d, now})
	if len(k.strays) == strayLimit {
		s.moveTrack()
		k.note(p.Time, now)
	}
}

// foldStrays ends the wait of strays that nothing confirmed: they are late and belong
// to the track.
func (s *Sync) foldStrays() {
	for _, x := range s.poses.strays {
		s.insert(x.pose, x.from)
		s.poses.note(x.pose.Time, x.at)
	}
	s.poses.strays = s.poses.strays[:0]
}

// moveTrack forgets the track for the strays.
func (s *Sync) moveTrack() {
	k := &s.poses
	k.clear()
	for _, x := range k.strays {
		s.insert(x.pose, x.from)
		if x.pose.Time.After(k.newest) {
			k.newest = x.pose.Time
		}
	}
	k.strays = k.strays[:0]
}

// followPoses moves the track to the frames' new time line, unless it is there: poses
// of the old line would give frames of the new one wrong places.
func (s *Sync) followPoses(from, to time.Time) {
	k := &s.poses
	switch {
	case len(k.strays) > 0:
		s.moveTrack()
	case nearer(k.newest, from, to):
		k.rewind(from, to)
	}
}

// nearer reports whether t is nearer to a than to b.
func nearer(t, a, b time.Time) bool { return t.Sub(a).Abs() < t.Sub(b).Abs() }

// rewind forgets the track but for the poses that came since their times went back, if
// they are nearer to the new line: a step too short for strays.
func (k *track) rewind(from, to time.Time) {
	first := len(k.recent)
	for i := 1; i < len(k.recent); i++ {
		if k.recent[i].captured.Before(k.recent[i-1].captured) {
			first = i
		}
	}
	old, since := track{poses: slices.Clone(k.poses)}, slices.Clone(k.recent[first:])
	k.clear()
	for _, m := range since {
		i := old.search(m.captured)
		if i < len(old.poses) && old.poses[i].Time.Equal(m.captured) && !nearer(m.captured, from, to) {
			k.insert(old.poses[i])
			k.note(m.captured, m.arrived)
		}
	}
}

// poseOf returns the ego pose of a frame: its own, or the one of its capture.
func (s *Sync) poseOf(f *perception.Frame) (geom.Pose, bool) {
	if f.OwnPose != nil {
		return f.OwnPose.Pose(), true
	}
	return s.poseAtTime(f.Captured)
}

// poseAtTime returns the ego pose sent for t, or between its neighbours: none while
// the poses have another clock than the frames.
func (s *Sync) poseAtTime(t time.Time) (geom.Pose, bool) {
	if s.poseLag() < -leadLimit {
		return geom.Pose{}, false
	}
	return s.poses.at(t, s.options.PoseGap)
}

// leadLimit is how much earlier poses may come than frames of their time, if they come
// as time goes on: more than the way of images explains is another clock.
const leadLimit = time.Second

// poseLag returns how much later poses come than frames of their time, 0 if that is
// unknown.
func (s *Sync) poseLag() time.Duration {
	ahead, ok := s.poses.offset()
	if !ok || !s.beat.compared {
		return 0
	}
	return s.beat.offset - ahead
}

// missedPose says why there is no pose for t when its set leaves at now.
func (s *Sync) missedPose(t, now time.Time) Trouble {
	k, lag := &s.poses, s.poseLag()
	between, inside := k.apart(t)
	switch {
	case len(k.poses) == 0:
		return Trouble{CauseNoPose, "no pose has come"}
	case lag < -leadLimit:
		return Trouble{CausePoseClock, "poses come " + length(lag) + " before the frames of their time: they have another clock, or the frames are late"}
	case inside:
		return s.poseGapTrouble(between)
	case k.newest.Before(t):
		return s.oldPoses(max(lag, t.Sub(k.newest)), now)
	}
	return Trouble{CausePoseClock, "the oldest pose is " + length(k.poses[0].Time.Sub(t)) + " newer than the frames"}
}

func (s *Sync) poseGapTrouble(d time.Duration) Trouble {
	return Trouble{CausePoseGap, "poses are " + length(d) + " apart; sync.pose_gap is " + s.options.PoseGap.String()}
}

// lateLimit separates poses that are late from those of another clock.
const lateLimit = 500 * time.Millisecond

// oldPoses is the trouble of frames whose newest pose is older by d.
func (s *Sync) oldPoses(d time.Duration, now time.Time) Trouble {
	period := s.poses.periods.median()
	flows := now.Sub(s.poses.arrived()) <= 2*period || s.options.StreamTime
	_, known := s.poses.offset()
	switch {
	case flows && period > s.options.PoseGap && d < 2*period:
		return s.poseGapTrouble(period)
	case flows && d < lateLimit && !known:
		return Trouble{CausePoseLate, "the newest pose is " + length(d) + " older than the frames"}
	case flows && d < lateLimit:
		return Trouble{CausePoseLate, "poses come " + length(d) + " after the frames of their time; sync.deadline is " + s.options.Deadline.String()}
	case flows:
		return Trouble{CausePoseClock, "the newest pose is " + length(d) + " older than the frames"}
	}
	return Trouble{CauseNoPose, "the newest pose is " + length(d) + " older than the frames"}
}
