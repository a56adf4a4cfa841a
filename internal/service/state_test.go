package service

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// TestJudge: the state, what is waited for and the readiness, by the facts. At 10 s frames
// have come for ten seconds and results for as long.
func TestJudge(t *testing.T) {
	l := limits{stale: 3 * time.Second, stall: 30 * time.Second}
	at := func(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }
	good := func(change func(*facts)) facts {
		f := facts{
			now: at(10), phase: taking, calibrated: true,
			frames: frames{count: 60, first: at(0), last: at(9.9)},
			drops:  map[string]uint64{}, before: tally{drops: map[string]uint64{}},
			result: outcome{count: 10, at: at(9.8)},
		}
		change(&f)
		return f
	}
	stopped := func(change func(*facts)) facts {
		return good(func(f *facts) { f.result.at = at(6); change(f) })
	}
	nothing := func(f *facts) { f.frames, f.result = frames{}, outcome{} }
	for _, test := range []struct {
		name     string
		facts    facts
		troubles []perception.Trouble
		want     condition
	}{
		{"loading", good(func(f *facts) { f.phase = loading }), nil, condition{perception.Starting, "", false, "starting"}},
		{"draining", good(func(f *facts) { f.phase = draining }), nil, condition{perception.Draining, "", false, "draining: no more frames are taken"}},
		{"results come", good(func(*facts) {}), nil, condition{perception.Running, "", true, "running"}},
		{"a trouble that degrades", good(func(*facts) {}),
			[]perception.Trouble{degrading("CAM_BACK", "missing", "", 0), noted(ofInput, "duplicate", "", 0)},
			condition{perception.Degraded, "", true, "degraded: CAM_BACK missing"}},
		{"a trouble that is only told of", good(func(*facts) {}),
			[]perception.Trouble{noted(ofInput, "duplicate", "", 0)}, condition{perception.Running, "", true, "running"}},
		{"no server", good(func(f *facts) { f.down = errors.New("connection lost") }), nil,
			condition{perception.Waiting, "server", false, "waiting for server: connection lost"}},
		{"nothing yet", good(func(f *facts) { nothing(f); f.calibrated = false }), nil,
			condition{perception.Waiting, "calibration", true, "waiting for calibration: none has come"}},
		{"calibrated, no frame yet", good(nothing), nil, condition{perception.Waiting, "frames", true, "waiting for frames: none has come"}},
		{"the first frames", good(func(f *facts) { f.result = outcome{}; f.frames.first = at(9) }), nil,
			condition{perception.Waiting, "sets", true, "waiting for sets: the first frames have come"}},
		{"no set for long", stopped(func(*facts) {}), nil,
			condition{perception.Waiting, "sets", false, "waiting for sets: frames arrive, none is complete yet"}},
		{"frames without a calibration for long", good(func(f *facts) { f.result = outcome{}; f.calibrated = false }), nil,
			condition{perception.Waiting, "calibration", false, "waiting for calibration: none has come, but 60 frames"}},
		{"a refused calibration", good(func(f *facts) {
			nothing(f)
			f.calibrated, f.refused.words = false, "no cameras"
		}), nil, condition{perception.Waiting, "calibration", true, "waiting for calibration: the last was refused: no cameras"}},
		{"all cameras stopped", stopped(func(f *facts) { f.frames.last = at(6) }), nil,
			condition{perception.Waiting, "frames", false, "waiting for frames: none since 12:00:06"}},
		{"frames after a pause", stopped(func(f *facts) { f.frames.again, f.stepping = at(9.8), at(9.9) }), nil,
			condition{perception.Waiting, "sets", false, "waiting for sets: frames come again since 12:00:09"}},
		{"frames after a pause, at another time", stopped(func(f *facts) {
			f.frames.again, f.stepping, f.health.Trouble = at(9.8), at(9.9), framesync.Trouble{Cause: "time_back", Words: "time went back by 9.0 s"}
		}), nil, condition{perception.Waiting, "sets", false, "waiting for sets: time went back by 9.0 s"}},
		{"poses that cannot be read", stopped(func(f *facts) {
			f.health.Poses.Trouble = framesync.Trouble{Cause: "no_pose", Words: "no pose has come"}
			f.source = map[string]uint64{"malformed": 72}
		}), nil, condition{perception.Waiting, "poses", false, "waiting for poses: no pose has come; of what arrives were dropped: 72 malformed"}},
		{"late poses", stopped(func(f *facts) {
			f.health.Poses.Trouble = framesync.Trouble{Cause: "late", Words: "the newest pose is 3.1 s older than the frames"}
		}), nil, condition{perception.Waiting, "poses", false, "waiting for poses: the newest pose is 3.1 s older than the frames"}},
		{"frames without poses", stopped(func(f *facts) { f.drops[noPose] = 12; f.before.drops[noPose] = 2 }), nil,
			condition{perception.Waiting, "poses", false, "waiting for poses: 10 frames without an ego pose for their time"}},
		{"each step fails", stopped(func(f *facts) { f.lost[failed], f.causes[failed] = 4, "bad poses" }), nil,
			condition{perception.Waiting, "detector", false, "waiting for detector: 4 sets failed, the last: bad poses"}},
		{"each step fails, one is under way", stopped(func(f *facts) {
			f.lost[failed], f.causes[failed], f.stepping = 4, "bad poses", at(9.9)
		}), nil, condition{perception.Waiting, "detector", false, "waiting for detector: 4 sets failed, the last: bad poses"}},
		{"no result is published", stopped(func(f *facts) { f.lost[unpublished], f.causes[unpublished] = 1, "too large" }), nil,
			condition{perception.Waiting, "detector", false, "waiting for detector: results are not published: too large"}},
		{"the captures do not fit", stopped(func(f *facts) {
			f.health.Trouble = framesync.Trouble{Cause: "spread", Words: "captures spread over 85 ms, sync.spread is 60 ms"}
		}), nil, condition{perception.Waiting, "sets", false, "waiting for sets: captures spread over 85 ms, sync.spread is 60 ms"}},
		{"all is dropped", stopped(func(f *facts) { f.drops["out_of_order"], f.drops["duplicate"] = 9, 3 }), nil,
			condition{perception.Waiting, "sets", false, "waiting for sets: frames arrive, and were dropped: 3 duplicate, 9 out_of_order"}},
		{"no image can be used", good(func(f *facts) {
			f.result.blind = at(4)
			f.result.latest.Rejected = map[string]string{"b": "image is black", "a": "image is truncated"}
		}), nil, condition{perception.Waiting, "frames", false, "waiting for frames: no image can be used since 12:00:04: a: image is truncated"}},
		{"no image can be used for a moment", good(func(f *facts) { f.result.blind = at(9) }), nil, condition{perception.Running, "", true, "running"}},
		{"a slow step", good(func(f *facts) { f.result.at, f.stepping = at(3), at(3.2) }), nil, condition{perception.Running, "", true, "running"}},
		{"a step that hangs", good(func(f *facts) { f.now = at(60); f.frames.last = at(60); f.stepping = at(9.9) }), nil,
			condition{perception.Waiting, "detector", false, "waiting for detector: a set has been under way for 50.1 s"}},
		{"a large rig", good(func(*facts) {}), many(few + 1), condition{perception.Degraded, "", true, "degraded: 9 cameras missing, poses unit"}},
		{"a recording that was read long ago", stopped(func(f *facts) { f.lossless = true }), nil, condition{perception.Running, "", true, "running"}},
	} {
		if got := judge(&test.facts, test.troubles, l); got != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

// many are the troubles of a rig of which n cameras are missing.
func many(n int) (all []perception.Trouble) {
	for i := range n {
		all = append(all, perception.Trouble{Subject: fmt.Sprint("c", i), Cause: missing, IsCamera: true, Degrades: true})
	}
	return append(all, degrading(ofPoses, framesync.CauseUnit, "", 0))
}

// TestUnlikeIsToldOnce: what comes and goes is told again only after a minute.
func TestUnlikeIsToldOnce(t *testing.T) {
	var u unlike
	now := epoch
	const camera, rate = "CAM_FRONT: fx is 1000", "sets are 1.0 s apart"
	for i, test := range []struct {
		after time.Duration
		words []string
		want  []string
	}{
		{0, []string{camera}, []string{camera}},
		{time.Second, []string{camera, rate}, []string{rate}},
		{time.Second, []string{camera}, nil},
		{time.Second, []string{camera, rate}, nil},
		{time.Second, nil, nil},
		{time.Second, []string{camera}, nil},
		{2 * longest, []string{camera}, []string{camera}},
	} {
		now = now.Add(test.after)
		if got := u.take(test.words, now); !slices.Equal(got, test.want) {
			t.Errorf("step %d: %q, want %q", i, got, test.want)
		}
	}
}
