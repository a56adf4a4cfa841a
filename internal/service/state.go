package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// facts are what the service knows at one time. State, troubles, and all that tells of
// them are made from facts alone.
type facts struct {
	now      time.Time
	phase    phase
	lossless bool
	down     error // why the source has no connection; nil if it has one or needs none

	calibrated bool
	frames     frames
	health     framesync.Health
	drops      map[string]uint64 // by reason
	source     map[string]uint64 // what the source dropped by reason, and counts beside
	refusals   map[string]string // words of the last drop, by reason
	refused    fault             // the last calibration that was
	lost       [losses]uint64
	causes     [losses]string // of the last loss
	unsent     uint64         // status messages
	unsentWhy  string

	stepping time.Time // start of the running step; zero if there is none
	result   outcome
	before   tally          // at the last of them
	tolls    map[key]uint64 // results with a fault of a camera, by its name and the cause
}

// phase is what the service was told to do.
type phase int

const (
	loading phase = iota
	taking
	draining
)

// frames are the arrivals of frames, by the service's clock.
type frames struct {
	count       uint64
	first, last time.Time
	again       time.Time // first of those after the last pause longer than a stale result
}

// outcome is what was published.
type outcome struct {
	count  uint64
	held   uint64            // of them, the last ones that wait for a connection
	at     time.Time         // of the last result
	blind  time.Time         // of the first since which none has a usable image; zero if the last has one
	latest perception.Result // for reading only
	resets uint64
	reset  string // reason of the last
}

// tally is what had been dropped and lost at one time.
type tally struct {
	drops, source map[string]uint64
	lost          [losses]uint64
}

// condition is the service's state and the reason for it.
type condition struct {
	state      perception.State
	waitingFor string
	ready      bool
	words      string
}

// limits are the durations that a condition rests on.
type limits struct{ stale, stall time.Duration }

// judge returns the condition of a service with these facts and open troubles.
func judge(f *facts, troubles []perception.Trouble, l limits) condition {
	switch {
	case f.phase == loading:
		return condition{state: perception.Starting, words: "starting"}
	case f.phase == draining:
		return condition{state: perception.Draining, words: "draining: no more frames are taken"}
	case f.down != nil:
		return lacking(perception.ForServer, f.down.Error(), false)
	case f.flow(l):
		return producing(troubles)
	}
	what, words := f.wait(l)
	return lacking(what, words, !f.fruitless(l))
}

func lacking(what, words string, ready bool) condition {
	return condition{perception.Waiting, what, ready, fmt.Sprintf("waiting for %s: %s", what, words)}
}

func producing(troubles []perception.Trouble) condition {
	by := degradedBy(troubles)
	if len(by) == 0 {
		return condition{state: perception.Running, ready: true, words: "running"}
	}
	return condition{state: perception.Degraded, ready: true, words: "degraded: " + strings.Join(by, ", ")}
}

// few is how many cameras with one cause are named in a line.
const few = 8

// degradedBy returns the names of the troubles that degrade: CAM_BACK missing. More than a
// few cameras with one cause are counted: 54 cameras missing.
func degradedBy(troubles []perception.Trouble) (names []string) {
	cameras := map[string]int{} // by cause
	for i := range troubles {
		if t := &troubles[i]; t.Degrades && t.IsCamera {
			cameras[t.Cause]++
		}
	}
	counted := map[string]bool{}
	for i := range troubles {
		t := &troubles[i]
		switch n := cameras[t.Cause]; {
		case !t.Degrades || t.IsCamera && counted[t.Cause]:
		case t.IsCamera && n > few:
			counted[t.Cause] = true
			names = append(names, (&perception.Trouble{Subject: fmt.Sprintf("%d cameras", n), Cause: t.Cause}).Title())
		default:
			names = append(names, t.Title())
		}
	}
	return names
}

// flow reports whether results come that rest on an image.
func (f *facts) flow(l limits) bool {
	return f.current(l) && (f.lossless || !f.blind(l))
}

// current reports whether there is a result that is not too old, or another is likely to
// follow it. A recording's come as fast as it is read.
func (f *facts) current(l limits) bool {
	return f.result.count > 0 && (f.lossless || f.idleSince(f.result.at, l) <= l.stale)
}

// blind reports whether results have come without a usable image for too long.
func (f *facts) blind(l limits) bool {
	return !f.result.blind.IsZero() && f.result.at.Sub(f.result.blind) > l.stale
}

// fruitless reports whether frames have come, but no result that is worth the name for too
// long.
func (f *facts) fruitless(l limits) bool {
	since := f.result.at
	if f.result.count == 0 {
		since = f.frames.first
	}
	return f.frames.count > 0 && !f.lossless && (f.idleSince(since, l) > l.stale || f.blind(l))
}

// idleSince returns the time since at, without that of a step under way, which is likely to
// end with a result.
func (f *facts) idleSince(at time.Time, l limits) time.Duration {
	if f.idle() || f.now.Sub(f.stepping) > l.stall {
		return f.now.Sub(at)
	}
	return f.stepping.Sub(at)
}

// wait returns the first thing that the next result lacks.
func (f *facts) wait(l limits) (what, words string) {
	switch {
	case !f.calibrated:
		return perception.ForCalibration, f.withoutCalibration()
	case f.frames.count == 0:
		return perception.ForFrames, "none has come" + f.unusable()
	case f.now.Sub(f.frames.last) > l.stale && f.idle():
		return perception.ForFrames, "none since " + clock(f.frames.last) + f.unusable()
	case !f.fruitless(l):
		return perception.ForSets, "the first frames have come"
	case f.blind(l) && f.idleSince(f.result.at, l) <= l.stale:
		return perception.ForFrames, "no image can be used since " + clock(f.result.blind) + f.why()
	case f.resumed(l):
		return perception.ForSets, "frames come again since " + clock(f.frames.again)
	case f.health.Poses.Trouble.Cause != "":
		return perception.ForPoses, f.health.Poses.Trouble.Words + f.unusable()
	case f.lost[failed] > f.before.lost[failed]:
		return perception.ForDetector, fmt.Sprintf("%d sets failed, the last: %s", f.lost[failed]-f.before.lost[failed], f.causes[failed])
	case f.lost[unpublished] > f.before.lost[unpublished]:
		return perception.ForDetector, "results are not published: " + f.causes[unpublished]
	case f.stuck(l):
		return perception.ForDetector, fmt.Sprintf("a set has been under way for %s", seconds(f.now.Sub(f.stepping)))
	case f.dropped(noPose) > 0:
		return perception.ForPoses, fmt.Sprintf("%d frames without an ego pose for their time", f.dropped(noPose))
	case f.health.Trouble.Cause != "":
		return perception.ForSets, f.health.Trouble.Words
	}
	return perception.ForSets, f.withoutSets()
}

// why returns for what reason the last result's images could not be used, by one of them.
func (f *facts) why() string {
	rejected := f.result.latest.Rejected
	if len(rejected) == 0 {
		return ""
	}
	camera := slices.Min(slices.Collect(maps.Keys(rejected)))
	return fmt.Sprintf(": %s: %s", camera, rejected[camera])
}

// resumed reports whether frames have come again after a pause, and nothing is known to be
// wrong with them.
func (f *facts) resumed(l limits) bool {
	return f.now.Sub(f.frames.again) <= l.stale && f.lost == f.before.lost && f.dropped(noPose) == 0 &&
		f.health.Poses.Trouble.Cause == "" && f.health.Trouble.Cause == ""
}

// stuck reports whether a step alone has taken longer than results may.
func (f *facts) stuck(l limits) bool { return !f.idle() && f.now.Sub(f.stepping) > l.stale }

// idle reports whether no step is running.
func (f *facts) idle() bool { return f.stepping.IsZero() }

func (f *facts) withoutCalibration() string {
	switch {
	case f.refused.words != "":
		return "the last was refused: " + f.refused.words
	case f.frames.count > 0:
		return fmt.Sprintf("none has come, but %d frames", f.frames.count)
	}
	return "none has come"
}

// withoutSets says what became of the frames since the last result.
func (f *facts) withoutSets() string {
	gone := growth(f.before.drops, f.drops)
	if gone == "" {
		return "frames arrive, none is complete yet"
	}
	return "frames arrive, and were dropped: " + gone
}

// unusable says what the source dropped since the last result.
func (f *facts) unusable() string {
	if gone := growth(f.before.source, f.source); gone != "" {
		return "; of what arrives were dropped: " + gone
	}
	return ""
}

// growth lists by how much each count grew, with its name.
func growth(before, now map[string]uint64) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if n := now[name] - before[name]; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, name))
		}
	}
	return strings.Join(list, ", ")
}

// dropped returns how many deliveries were dropped for a reason since the last result.
func (f *facts) dropped(reason string) uint64 { return f.drops[reason] - f.before.drops[reason] }
