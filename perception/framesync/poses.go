package framesync

import (
	"sort"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// track is the latest ego poses in order of time, at most limit of them.
type track struct {
	poses []perception.EgoPose
	limit int
}

// search returns the index of the first pose that is not before t.
func (k *track) search(t time.Time) int {
	return sort.Search(len(k.poses), func(i int) bool { return !k.poses[i].Time.Before(t) })
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
