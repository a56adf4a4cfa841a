package framesync

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func ms(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }

func rig(cameras ...string) *perception.Rig {
	r := &perception.Rig{Name: "test", EgoFromLidar: new(geom.IdentityTransform())}
	for _, name := range cameras {
		r.Cameras = append(r.Cameras, perception.Camera{
			Name: name, Width: 8, Height: 4, Intrinsics: geom.Mat3{8, 0, 4, 0, 8, 2, 0, 0, 1}, EgoFromCamera: geom.IdentityTransform(),
		})
	}
	return r
}

// poseAt is a drive along x at one metre a millisecond.
func poseAt(at int) perception.EgoPose {
	t := geom.IdentityTransform()
	t.Translation[0] = float64(at)
	return perception.EgoPose{Time: ms(at), GlobalFromEgo: t}
}

func frame(camera string, at int) *perception.Frame {
	return &perception.Frame{Camera: camera, Captured: ms(at)}
}

func keyed(camera string, at, key int) *perception.Frame {
	f := frame(camera, at)
	f.Key = &perception.KeyFrame{Time: ms(key)}
	return f
}

// script pushes events at given milliseconds and describes the sets that leave
// as "time:cameras@x" with the time and the position in milliseconds.
type script struct {
	sync *Sync
	got  []string
}

func newScript(o Options, events ...perception.Event) *script {
	s := &script{sync: New(o)}
	for _, ev := range events {
		s.at(0, ev)
	}
	return s
}

func (s *script) at(now int, events ...perception.Event) *script {
	for _, ev := range events {
		s.note(s.sync.Push(perception.Delivery{Event: ev}, ms(now)))
	}
	return s
}

func (s *script) wait(now int) *script {
	s.note(s.sync.Advance(ms(now)))
	return s
}

func (s *script) flush() *script {
	s.note(s.sync.Flush())
	return s
}

func (s *script) note(sets []Set) {
	for _, set := range sets {
		s.got = append(s.got, describe(set.FrameSet))
	}
}

func describe(set *perception.FrameSet) string {
	text := fmt.Sprintf("%d", set.Time.Sub(epoch).Milliseconds())
	for _, f := range set.Frames {
		if f == nil {
			text += " -"
			continue
		}
		text += fmt.Sprintf(" %s%d", f.Camera, f.Captured.Sub(epoch).Milliseconds())
		if x := f.GlobalFromEgo.T[0]; math.Abs(x-float64(f.Captured.Sub(epoch).Milliseconds())) > 1e-9 {
			text += fmt.Sprintf("@%g", x)
		}
	}
	if set.NewSequence != "" {
		text += " (" + set.NewSequence + ")"
	}
	return text
}

func (s *script) want(t *testing.T, sets ...string) {
	t.Helper()
	if diff := cmp.Diff(sets, s.got); diff != "" {
		t.Errorf("sets (-want +got):\n%s", diff)
	}
}

func (s *script) dropped(t *testing.T, want map[string]uint64) {
	t.Helper()
	got := map[string]uint64{}
	c := s.sync.Counters()
	for reason, n := range c.Drops {
		if n > 0 {
			got[reason] = n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("drops (-want +got):\n%s", diff)
	}
}

func poses(from, to, step int) (out []perception.Event) {
	for t := from; t <= to; t += step {
		out = append(out, poseAt(t))
	}
	return out
}

func TestCompleteSetLeavesAtOnce(t *testing.T) {
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 600, 100)...)
	s.at(10, frame("b", 10), frame("a", 0))
	s.at(510, frame("a", 500), frame("b", 510))
	s.want(t, "10 a0 b10 (stream started)", "510 a500 b510")
	s.dropped(t, map[string]uint64{})
}

func TestIncompleteSetLeavesAtDeadline(t *testing.T) {
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 600, 100)...)
	s.at(20, frame("a", 20))
	if at, ok := s.sync.Deadline(); !ok || !at.Equal(ms(170)) {
		t.Fatalf("deadline %v %v, want 170 ms", at, ok)
	}
	s.wait(169).want(t)
	s.wait(170).want(t, "20 a20 - (stream started)")
	if _, ok := s.sync.Deadline(); ok {
		t.Error("a deadline with nothing pending")
	}
	s.at(180, frame("b", 30))
	s.dropped(t, map[string]uint64{"late": 1})
	if c := s.sync.Counters(); c.Sets != 1 || c.Incomplete != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestNewerCompleteSetReleasesOlder(t *testing.T) {
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 600, 100)...)
	s.at(1, frame("a", 0), frame("a", 100), frame("b", 100))
	s.want(t, "0 a0 - (stream started)", "100 a100 b100")
}

func TestPoses(t *testing.T) {
	t.Run("interpolated", func(t *testing.T) {
		s := newScript(Options{}, rig("a"), poseAt(0), poseAt(100), frame("a", 25))
		s.want(t, "25 a25 (stream started)")
	})
	t.Run("exact", func(t *testing.T) {
		off := poseAt(25)
		off.GlobalFromEgo.Translation[0] = 7
		s := newScript(Options{}, rig("a"), poseAt(0), poseAt(100), off, frame("a", 25))
		s.want(t, "25 a25@7 (stream started)")
	})
	t.Run("late", func(t *testing.T) {
		s := newScript(Options{}, rig("a"), poseAt(0), frame("a", 25))
		s.want(t)
		s.at(60, poseAt(50)).want(t, "25 a25 (stream started)")
	})
	t.Run("gap too wide", func(t *testing.T) {
		s := newScript(Options{}, rig("a"), poseAt(0), poseAt(300), frame("a", 25)).wait(500)
		s.want(t)
		s.dropped(t, map[string]uint64{"no_pose": 1})
	})
	t.Run("before the first", func(t *testing.T) {
		s := newScript(Options{}, rig("a"), poseAt(50), poseAt(100), frame("a", 25)).wait(500)
		s.dropped(t, map[string]uint64{"no_pose": 1})
	})
	t.Run("one of two frames without", func(t *testing.T) {
		s := newScript(Options{}, rig("a", "b"), poseAt(0), poseAt(20), frame("a", 10), frame("b", 30)).wait(500)
		s.want(t, "10 a10 - (stream started)")
		s.dropped(t, map[string]uint64{"no_pose": 1})
	})
	t.Run("none at the key time", func(t *testing.T) {
		s := newScript(Options{}, rig("a"), poseAt(0), poseAt(20), keyed("a", 10, 40)).wait(500)
		s.want(t)
		s.dropped(t, map[string]uint64{"no_pose": 1})
	})
	t.Run("bad", func(t *testing.T) {
		nan, other := poseAt(10), poseAt(0)
		nan.GlobalFromEgo.Translation[2] = math.NaN()
		other.GlobalFromEgo.Translation[1] = 1
		s := newScript(Options{}, rig("a"), poseAt(0), nan, other, poseAt(0), poseAt(20), frame("a", 10))
		s.want(t, "10 a10 (stream started)")
		s.dropped(t, map[string]uint64{"pose_not_finite": 1, "pose_conflict": 1})
	})
	t.Run("bounded", func(t *testing.T) {
		s := newScript(Options{Poses: 3}, rig("a")).at(0, poses(0, 1000, 100)...)
		if n := len(s.sync.poses.poses); n != 3 {
			t.Fatalf("%d poses are kept", n)
		}
		s.at(0, poseAt(-5000), poseAt(-4900), poseAt(-4800), frame("a", -4850))
		s.want(t, "-4850 a-4850 (stream started)")
	})
}

func TestDrops(t *testing.T) {
	bad := rig("a")
	bad.Cameras[0].Width = 0
	tests := []struct {
		name   string
		events []perception.Event
		want   map[string]uint64
	}{
		{"before calibration", []perception.Event{frame("a", 0)}, map[string]uint64{"before_calibration": 1}},
		{"invalid calibration", []perception.Event{bad, frame("a", 0)},
			map[string]uint64{"invalid_calibration": 1, "before_calibration": 1}},
		{"unknown camera", []perception.Event{rig("a"), frame("x", 0)}, map[string]uint64{"unknown_camera": 1}},
		{"duplicate of a pending frame", []perception.Event{rig("a", "b"), frame("a", 0), frame("a", 0)},
			map[string]uint64{"duplicate": 1}},
		{"one number, other times", []perception.Event{rig("a", "b"),
			&perception.Frame{Camera: "a", Captured: ms(0), Sequence: 5},
			&perception.Frame{Camera: "a", Captured: ms(1), Sequence: 5}},
			map[string]uint64{}},
		{"two frames of one key time", []perception.Event{rig("a", "b"), keyed("a", 0, 50), keyed("a", 1, 50)},
			map[string]uint64{"duplicate": 1}},
		{"duplicate of a set that left", []perception.Event{rig("a"), poseAt(0), frame("a", 0), frame("a", 0)},
			map[string]uint64{"duplicate": 1}},
		{"older than its camera's last", []perception.Event{rig("a"), poseAt(0), poseAt(200), frame("a", 100), frame("a", 0), frame("a", 200)},
			map[string]uint64{"out_of_order": 1}},
		{"older key time", []perception.Event{rig("a"), poseAt(0), poseAt(200), keyed("a", 100, 100), keyed("a", 0, 0), keyed("a", 200, 200)},
			map[string]uint64{"out_of_order": 1}},
		{"far ahead of its camera's last", []perception.Event{rig("a"), poseAt(0), frame("a", 0), frame("a", 3600_000), frame("a", 100)},
			map[string]uint64{"clock_jump": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { newScript(Options{}, tt.events...).dropped(t, tt.want) })
	}
}

func TestClockJumpIsAcceptedWhenConfirmed(t *testing.T) {
	for jump, words := range map[int]string{3600_000: "time jumped ahead by 1h0m0s", -3600_000: "time went back by 1h0m0s"} {
		s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 100, 100)...)
		s.at(0, frame("a", 0), frame("b", 0)).at(50, poses(jump, jump+1000, 100)...)
		s.at(100, frame("a", jump), frame("b", jump), frame("a", jump+500), frame("b", jump+500))
		s.want(t, "0 a0 b0 (stream started)",
			fmt.Sprintf("%d a%d b%d (%s)", jump, jump, jump, words),
			fmt.Sprintf("%d a%d b%d", jump+500, jump+500, jump+500))
		s.dropped(t, map[string]uint64{})
	}
}

func TestPauseOfTheStreamIsNoJump(t *testing.T) {
	s := newScript(Options{}, rig("a"), poseAt(0), frame("a", 0)).at(3600_001, poseAt(3600_000), frame("a", 3600_000))
	s.want(t, "0 a0 (stream started)", "3600000 a3600000")
}

func TestResetFlushesAndStartsASequence(t *testing.T) {
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 100, 100)...)
	s.at(1, frame("a", 50), perception.Reset{Reason: "scene-0002"})
	s.want(t, "50 a50 - (stream started)")
	s.at(2, poseAt(0), poseAt(10), frame("a", 0), frame("b", 10))
	s.want(t, "50 a50 - (stream started)", "10 a0 b10 (scene-0002)")
	s.at(3, perception.Reset{}, poseAt(20), frame("a", 20), frame("b", 20))
	if last := s.got[len(s.got)-1]; last != "20 a20 b20 (reset)" {
		t.Error(last)
	}
}

func TestResetRemovesPoses(t *testing.T) {
	s := newScript(Options{}, rig("a"), poseAt(0), poseAt(100), perception.Reset{}, frame("a", 50)).flush()
	s.want(t)
	s.dropped(t, map[string]uint64{"no_pose": 1})
}

func TestRigOfAnotherNameIsAdoptedWithoutARestart(t *testing.T) {
	renamed := rig("a")
	renamed.Name = "other"
	s := newScript(Options{}, rig("a"), poseAt(0), frame("a", 0), renamed, poseAt(500), frame("a", 500))
	s.want(t, "0 a0 (stream started)", "500 a500")
	if got := s.sync.Rig().Name; got != "other" {
		t.Errorf("rig %q is in force, want the latest", got)
	}
}

func TestSetHasTheCursorOfItsLatestDelivery(t *testing.T) {
	s := New(Options{})
	var sets []Set
	for i, ev := range []perception.Event{rig("a", "b"), poseAt(0), poseAt(20), frame("b", 20), frame("a", 0)} {
		sets = append(sets, s.Push(perception.Delivery{Event: ev, Cursor: fmt.Sprint(i)}, epoch)...)
	}
	if len(sets) != 1 || sets[0].Cursor != "4" {
		t.Errorf("sets %+v, want one with cursor 4", sets)
	}
}

func TestCalibrationChange(t *testing.T) {
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 200, 100)...)
	s.at(0, frame("a", 0), frame("b", 0), rig("a", "b"), frame("a", 100), frame("b", 100))
	s.at(0, frame("a", 200), rig("b"), frame("a", 200), frame("b", 200))
	s.want(t, "0 a0 b0 (stream started)", "100 a100 b100", "200 a200 -", "200 b200 (calibration changed)")
	s.dropped(t, map[string]uint64{"unknown_camera": 1})
	if got := len(s.sync.Rig().Cameras); got != 1 {
		t.Errorf("%d cameras in force", got)
	}
}

// A calibration that means the same as the one in force changes nothing, however often
// it comes: no set is split.
func TestSameCalibrationAgain(t *testing.T) {
	again := rig("a", "b")
	again.Cameras[0].Intrinsics[0] += 1e-9
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 200, 100)...)
	inForce := s.sync.Rig()
	s.at(0, frame("a", 0), again, frame("b", 0), again, frame("a", 100), again, frame("b", 100))
	s.want(t, "0 a0 b0 (stream started)", "100 a100 b100")
	if s.sync.Rig() != inForce {
		t.Error("the calibration in force was replaced by one that means the same")
	}
}

// Other numbers, or another order, of the same cameras are used from the next set on,
// and neither split a set nor end the sequence.
func TestOtherNumbersKeepTheSequence(t *testing.T) {
	turned := rig("b", "a")
	turned.Cameras[0].Intrinsics[0]++
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 200, 100)...)
	s.at(0, frame("a", 0), frame("b", 0), frame("a", 100), turned, frame("b", 100), frame("a", 200), frame("b", 200))
	s.want(t, "0 a0 b0 (stream started)", "100 b100 a100", "200 b200 a200")
	if s.sync.Rig() != turned {
		t.Error("the calibration is not in force")
	}
}

// At the start of a sequence the calibration is taken as it is, so that the results of
// a recording do not depend on what was replayed before.
func TestSameCalibrationInAnotherSequence(t *testing.T) {
	again := rig("a", "b")
	again.Cameras[0].Intrinsics[0] += 1e-9
	s := newScript(Options{}, rig("a", "b")).at(0, poses(0, 200, 100)...)
	s.at(0, frame("a", 0), frame("b", 0), perception.Reset{Reason: "scene 2"}, again)
	if s.sync.Rig() != again {
		t.Error("the calibration of the second scene was not taken")
	}
}

func TestPendingIsBounded(t *testing.T) {
	s := newScript(Options{Pending: 2}, rig("a", "b")).at(0, poses(0, 1000, 100)...)
	for i := range 4 {
		s.at(0, frame("a", 100*i))
	}
	s.want(t, "0 a0 - (stream started)", "100 a100 -")
}

func TestDiscard(t *testing.T) {
	s := newScript(Options{}, rig("a", "b", "c"), poseAt(0), frame("a", 0), frame("b", 0))
	s.sync.Discard()
	s.flush().want(t)
	s.dropped(t, map[string]uint64{"unfinished": 2})
}

func TestStreamTime(t *testing.T) {
	s := newScript(Options{StreamTime: true}, rig("a", "b")).at(0, poses(0, 1000, 100)...)
	s.at(0, frame("a", 0)).wait(100_000).want(t)
	s.at(0, frame("a", 500)).want(t, "0 a0 - (stream started)")
	s.flush().want(t, "0 a0 - (stream started)", "500 a500 -")
}

func TestFramesAreNotModified(t *testing.T) {
	f := frame("a", 25)
	newScript(Options{}, rig("a"), poseAt(0), poseAt(100), f)
	if f.GlobalFromEgo != (geom.Pose{}) {
		t.Error("the caller's frame was changed")
	}
}

// A recording is played over and over, slower than it was made.
func TestLoopSlowly(t *testing.T) {
	s := newScript(Options{}, rig("a", "b"))
	now := 0
	for range 3 {
		for at := 0; at < 1500; at += 500 {
			now += 1600
			s.at(now, poseAt(at), frame("a", at), frame("b", at))
		}
	}
	loop := []string{"0 a0 b0 (time went back by 1.0 s)", "500 a500 b500", "1000 a1000 b1000"}
	want := slices.Concat(loop, loop, loop)
	want[0] = "0 a0 b0 (stream started)"
	s.want(t, want...)
	s.dropped(t, map[string]uint64{})
}

func TestGapsAreCounted(t *testing.T) {
	s := newScript(Options{}, rig("a")).at(0, poses(0, 1000, 100)...)
	for i, number := range []uint64{3, 4, 7, 7, 1, 2, 5, 0, 9} { // the publisher begins anew after 7
		f := frame("a", 100*i)
		f.Sequence = number
		s.at(100*i, f)
	}
	if got := s.sync.Health().Cameras[0].Gaps; got != 4 {
		t.Errorf("%d frames are lost, want 2 before 7 and 2 before 5", got)
	}
	s.dropped(t, map[string]uint64{})
}

// A frame off its camera's line that nothing confirms is not kept for ever.
func TestHeldFrameIsDropped(t *testing.T) {
	s := newScript(Options{}, rig("a", "b"), poseAt(0), frame("a", 0), frame("b", 0), frame("a", 3600_000))
	at, ok := s.sync.Deadline()
	if !ok || at.After(ms(5000)) {
		t.Fatalf("deadline %v %v, want one within 5 s", at, ok)
	}
	s.wait(int(at.Sub(epoch).Milliseconds())).dropped(t, map[string]uint64{"clock_jump": 1})
	if _, ok := s.sync.Deadline(); ok {
		t.Error("a deadline with nothing pending")
	}
}

func TestDropSaysWhatAndWhere(t *testing.T) {
	s := New(Options{})
	s.Push(perception.Delivery{Event: rig("a", "b")}, ms(0))
	var err error
	for at := 0; at <= 100; at += 100 {
		s.Push(perception.Delivery{Event: poseAt(at)}, ms(at))
		s.Push(perception.Delivery{Event: frame("b", at)}, ms(at))
	}
	s.Advance(ms(300))
	s.Push(perception.Delivery{Event: frame("a", 100), Done: func(e error) { err = e }}, ms(354))
	var drop *Drop
	if !errors.Is(err, Late) || !errors.As(err, &drop) || drop.Camera != "a" {
		t.Fatalf("settled with %v", err)
	}
	const want = "framesync: dropped: late: a: arrives 54 ms after its set left; sync.deadline is 150ms"
	if err.Error() != want {
		t.Errorf("settled with %q, want %q", err, want)
	}
}

func TestReasonsHaveNames(t *testing.T) {
	for r := range reasons {
		if r.String() == "" || slices.Index(reasonNames[:], r.String()) != int(r) {
			t.Errorf("reason %d has no name of its own", r)
		}
	}
}

func TestUnknownEventPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Options{}).Push(perception.Delivery{}, epoch)
}

// Cameras whose line begins shortly before the last set, of another camera, are not
// silent until they have passed it.
func TestLateBeginnersBeforeTheLastSet(t *testing.T) {
	s := newScript(Options{}, rig("a", "b", "c", "d")).at(0, poses(-1000, 1000, 50)...)
	s.at(0, keyed("a", 1000, 1000)).wait(200)
	for at := 0; at < 1000; at += 250 {
		s.at(600+at, frame("b", at), frame("c", at), frame("d", at))
	}
	s.want(t, "1000 a1000 - - - (stream started)",
		"250 - b250 c250 d250 (time went back by 750 ms)", "500 - b500 c500 d500", "750 - b750 c750 d750")
}
