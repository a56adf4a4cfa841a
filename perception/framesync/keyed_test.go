package framesync

import (
	"fmt"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

func TestKeyTimesGroupFarCaptures(t *testing.T) {
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 1000, 100)...)
	s.at(10, keyed("a", 100, 300), keyed("a", 600, 800), keyed("b", 380, 300), keyed("b", 900, 800))
	s.want(t, "300 a100 b380 (stream started)", "800 a600 b900")
}

// A frame's own pose and its key frame's come before those sent by time.
func TestOwnPosesComeFirst(t *testing.T) {
	at := func(x float64) *geom.Transform {
		p := geom.IdentityTransform()
		p.Translation[0] = x
		return &p
	}
	own := keyed("a", 20, 30)
	own.OwnPose, own.Key.GlobalFromEgo = at(7), at(9)
	other := keyed("b", 20, 30)
	other.Key.GlobalFromEgo = at(9)
	s := New(Options{})
	var sets []Set
	for _, ev := range []perception.Event{rig("a", "b"), poseAt(20), poseAt(30), own, other} {
		sets = append(sets, s.Push(perception.Delivery{Event: ev}, epoch)...)
	}
	if len(sets) != 1 {
		t.Fatalf("%d sets, want 1", len(sets))
	}
	set := sets[0]
	if a, b, key := set.Frames[0].GlobalFromEgo.T[0], set.Frames[1].GlobalFromEgo.T[0], set.GlobalFromEgo.T[0]; a != 7 || b != 20 || key != 9 {
		t.Errorf("a stands at %g, b at %g, the set at %g; want 7, 20, 9", a, b, key)
	}
}

func TestOwnPosesNeedNoOthers(t *testing.T) {
	f := keyed("a", 20, 30)
	f.OwnPose = &geom.Transform{Rotation: geom.Quat{W: 1}, Translation: geom.Vec3{20}}
	f.Key.GlobalFromEgo = f.OwnPose
	newScript(Options{}, rig("a"), f).want(t, "30 a20 (stream started)")
	bad := *f
	bad.OwnPose = &geom.Transform{}
	worse := *f
	worse.Key = &perception.KeyFrame{Time: ms(30), GlobalFromEgo: &geom.Transform{}}
	newScript(Options{}, rig("a"), &bad, &worse).dropped(t, map[string]uint64{"pose_not_finite": 2})
}

func TestKeyFramesAreToldApartByIdentity(t *testing.T) {
	named := func(id string, key int) *perception.Frame {
		f := keyed("a", 0, key) // the same capture time in all of them
		f.Key.ID = id
		return f
	}
	s := New(Options{StreamTime: true})
	var got []string
	for _, ev := range []perception.Event{rig("a"), poseAt(0), poseAt(500),
		named("one", 0), named("two", 500), perception.Reset{}, poseAt(500), poseAt(0), named("three", 500)} {
		for _, set := range s.Push(perception.Delivery{Event: ev}, epoch) {
			got = append(got, set.KeyFrame)
		}
	}
	if !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("sets of %v, want one, two, three", got)
	}
	newScript(Options{}, rig("a", "b"), named("one", 0), named("two", 0), named("two", 0)).
		dropped(t, map[string]uint64{"duplicate": 1})
}

// A recording may pause for hours between its key frames.
func TestKeyFramesOfARecordingAreTrusted(t *testing.T) {
	for _, cameras := range [][]string{{"a"}, {"a", "b"}} {
		s := newScript(Options{StreamTime: true}, rig(cameras...))
		for at := 0; at < 4*3600_000; at += 3600_000 {
			s.at(0, poseAt(at))
			for _, camera := range cameras {
				s.at(0, keyed(camera, at, at))
			}
		}
		s.dropped(t, map[string]uint64{})
		if c := s.sync.Counters(); c.Sets != 4 || c.Incomplete != 0 {
			t.Errorf("%v: %d sets, %d incomplete; want 4, all complete", cameras, c.Sets, c.Incomplete)
		}
	}
}

// A group whose key frame has a pose, but none of whose frames has one, is no set.
func TestNoSetWithoutFrames(t *testing.T) {
	s := newScript(Options{}, rig("a", "b"), poseAt(300), keyed("a", 100, 300), keyed("b", 100, 300)).wait(500)
	s.want(t)
	s.dropped(t, map[string]uint64{"no_pose": 2})
}

// A recording with key times is played over and over, slower than it was made.
func TestKeyFramesInALoop(t *testing.T) {
	s := newScript(Options{}, rig("a", "b"))
	now := 0
	for range 3 {
		for key := 0; key < 1500; key += 500 {
			now += 1600
			s.at(now, poseAt(key), keyed("a", key, key), keyed("b", key, key))
		}
	}
	loop := []string{"0 a0 b0 (time went back by 1.0 s)", "500 a500 b500", "1000 a1000 b1000"}
	want := slices.Concat(loop, loop, loop)
	want[0] = "0 a0 b0 (stream started)"
	s.want(t, want...)
	s.dropped(t, map[string]uint64{})
}

// A recording over a network may pause for hours, without a new sequence.
func TestKeyFramesWithIdentityMayLeap(t *testing.T) {
	s := newScript(Options{}, rig("a", "b"))
	for i, at := range []int{0, 3600_000, 9000_000} {
		s.at(i, poseAt(at))
		for _, camera := range []string{"a", "b"} {
			f := keyed(camera, at, at)
			f.Key.ID, f.OwnPose = fmt.Sprint(i), &geom.Transform{Rotation: geom.Quat{W: 1}, Translation: geom.Vec3{float64(at)}}
			f.Key.GlobalFromEgo = f.OwnPose
			s.at(i, f)
		}
	}
	s.want(t, "0 a0 b0 (stream started)", "3600000 a3600000 b3600000", "9000000 a9000000 b9000000")
	s.dropped(t, map[string]uint64{})
}

func TestLateKeyFrameIsNamed(t *testing.T) {
	s := newScript(Options{}, rig("a", "b"), poseAt(0), keyed("a", 0, 0)).wait(150)
	s.at(250, keyed("b", 0, 0)).dropped(t, map[string]uint64{"out_of_order": 1})
	want := Trouble{CauseLate, "arrives 100 ms after its set left; sync.deadline is 150ms"}
	if got := s.sync.Health().Cameras[1].Trouble; got != want {
		t.Errorf("trouble %+v, want %+v", got, want)
	}
}

// A camera that is always late shows, while the others pause, no other time line.
func TestLateKeyFrameInAPause(t *testing.T) {
	const sets = 10
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 2000, 100)...)
	var want []string
	for k := range sets + 2 {
		if at := 100 * k; k < sets {
			s.at(at+5, keyed("a", at, at))
			want = append(want, fmt.Sprintf("%d a%d -", at, at))
		}
		if at := 100 * (k - 2); k >= 2 {
			s.at(at+290, keyed("b", at, at))
		}
	}
	want[0] += " (stream started)"
	s.want(t, want...)
	s.dropped(t, map[string]uint64{"out_of_order": sets})
}
