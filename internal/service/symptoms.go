package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Subjects of troubles that are no camera's, of [perception.Parts].
const (
	ofPoses    = "poses"
	ofSync     = "sync"
	ofDetector = "detector"
	ofResults  = "results"
	ofStatus   = "status"
	ofHistory  = "history"
	ofInput    = "input"
	ofSource   = "source"
)

// Reasons of drops.
var (
	noPose             = framesync.NoPose.String()
	invalidCalibration = framesync.InvalidCalibration.String()
)

// queueFull is the source's reason: it has messages faster than the service takes them.
const queueFull = "queue_full"

// told reports whether another symptom tells of drops for a reason, or nothing is wrong.
func told(reason string) bool {
	for _, r := range []framesync.Reason{
		framesync.NoPose, framesync.Late, framesync.Spread, framesync.ClockOffset, framesync.Unit, framesync.FewCameras,
		framesync.Surplus, framesync.Unfinished, framesync.Crowded,
	} {
		if r.String() == reason {
			return true
		}
	}
	return false
}

// symptoms returns all that is wrong by the facts, and with no count and not present what
// may become wrong. A result that is too old to tell what is wrong now tells of nothing.
func (f *facts) symptoms(l limits) (list []symptom) {
	var latest perception.Result
	if f.current(l) {
		latest = f.result.latest
	}
	for i := range f.health.Cameras {
		list = append(list, f.ofCamera(&f.health.Cameras[i], &latest)...)
	}
	list = append(list, f.poses())
	if t := f.health.Trouble; t.Cause != "" {
		list = append(list, symptom{Trouble: degrading(ofSync, t.Cause, t.Words, 0), present: true})
	}
	list = append(list, f.ofSets()...)
	return append(list, f.ofInput()...)
}

func degrading(subject, cause, words string, count uint64) perception.Trouble {
	return perception.Trouble{Subject: subject, Cause: cause, Words: words, Count: count, Degrades: true}
}

func noted(subject, cause, words string, count uint64) perception.Trouble {
	return perception.Trouble{Subject: subject, Cause: cause, Words: words, Count: count}
}

// Causes of a camera's troubles that results show. Those of framesync are beside them.
const (
	missing  = framesync.CauseMissing
	rejected = "rejected"
	damaged  = "damaged"
	suspect  = "suspect"
)

// suspicions are the words with which a suspect image's begin. Each is a cause; others are
// suspect.
var suspicions = [...]string{"frozen", repeated, "black", "covered", "grey"}

// repeated is the suspicion of a camera whose vehicle stands. It may show what is there.
const repeated = "repeated"

// faults returns what is wrong with the cameras of a result, in words by camera and cause.
func faults(r *perception.Result) map[key]string {
	all := map[key]string{}
	for _, name := range r.Missing {
		all[key{name, missing}] = ""
	}
	for name, why := range r.Rejected {
		delete(all, key{name, missing})
		all[key{name, rejected}] = why
	}
	for name, why := range r.Damaged {
		all[key{name, damaged}] = why
	}
	for name, why := range r.Suspect {
		all[suspicion(name, why)] = why
	}
	return all
}

func suspicion(camera, why string) key {
	for _, cause := range suspicions {
		if strings.HasPrefix(why, cause) {
			return key{camera, cause}
		}
	}
	return key{camera, suspect}
}

// ofCamera returns what is wrong with a camera: with its frames, and with its image in the
// latest result. An image that is not used because it is suspect is that alone, not
// rejected, too.
func (f *facts) ofCamera(c *framesync.CameraHealth, latest *perception.Result) (list []symptom) {
	wrong := faults(latest)
	if doubt := latest.Suspect[c.Name]; doubt != "" && strings.HasSuffix(wrong[key{c.Name, rejected}], doubt) {
		delete(wrong, key{c.Name, rejected})
	}
	add := func(kind, cause, words string, count uint64, units string) {
		t := degrading(c.Name, cause, words, count)
		t.IsCamera, t.Degrades = true, cause != repeated
		if cause == missing {
			t.Since = c.Arrived
		}
		list = append(list, symptom{Trouble: t, present: true, kind: kind, units: units, worded: cause == framesync.CauseUnit})
	}
	absent := key{c.Name, missing}
	_, without := wrong[absent]
	switch {
	case c.Trouble.Cause == missing && c.Missing == 0 && !without: // no set left that lacks it: all cameras stopped
	case c.Trouble.Cause != "":
		add(missing, c.Trouble.Cause, c.Trouble.Words, f.tolls[absent], "sets")
	case without:
		add(missing, missing, f.absence(c), f.tolls[absent], "sets")
	}
	for _, cause := range slices.Concat([]string{rejected, damaged, suspect}, suspicions[:]) {
		if why, ok := wrong[key{c.Name, cause}]; ok {
			add(cause, cause, strings.TrimPrefix(why, cause+": "), f.tolls[key{c.Name, cause}], "images")
		}
	}
	return list
}

func (f *facts) absence(c *framesync.CameraHealth) string {
	switch {
	case c.Arrived.IsZero() && c.Frames > 0:
		return fmt.Sprintf("none of its %d frames could be used", c.Frames)
	case c.Arrived.IsZero():
		return "no frame has come"
	}
	return "no frame in the last result; its last came " + seconds(f.now.Sub(c.Arrived)) + " ago"
}

func (f *facts) poses() symptom {
	cause, words := f.health.Poses.Trouble.Cause, f.health.Poses.Trouble.Words
	present := cause != ""
	if !present {
		cause, words = noPose, f.refusals[noPose]
	}
	return symptom{Trouble: degrading(ofPoses, cause, words, f.drops[noPose]), present: present, kind: noPose, units: "frames"}
}

// ofSets returns what is wrong with sets and results.
func (f *facts) ofSets() []symptom {
	late := f.lost[behind] + f.source[queueFull]
	return []symptom{
		{Trouble: degrading(ofDetector, "overload", "sets arrive faster than results can be made; the newest complete one is used", late), units: "sets"},
		{Trouble: degrading(ofDetector, "failed", f.causes[failed], f.lost[failed]), units: "sets"},
		{Trouble: degrading(ofResults, "unpublished", f.causes[unpublished], f.lost[unpublished]), units: "sets"},
		{Trouble: noted(ofStatus, "unpublished", f.unsentWhy, f.unsent), units: "messages"},
		{Trouble: noted(ofHistory, "reset", f.result.reset, f.result.resets), units: "times"},
	}
}

// ofInput returns the drops of messages, frames, poses and calibrations, and what else the
// source counts.
func (f *facts) ofInput() (list []symptom) {
	for _, reason := range slices.Sorted(maps.Keys(f.drops)) {
		if told(reason) {
			continue
		}
		words := f.refusals[reason]
		if by := f.byCamera(reason); by != "" && !strings.Contains(words, ": ") { // the last camera's name says less
			words = by
		}
		s := symptom{Trouble: noted(ofInput, reason, words, f.drops[reason]), units: "messages"}
		s.worded = reason == invalidCalibration
		list = append(list, s)
	}
	for _, name := range slices.Sorted(maps.Keys(f.source)) {
		if name != queueFull {
			list = append(list, symptom{Trouble: noted(ofSource, name, "", f.source[name]), units: "messages"})
		}
	}
	return list
}

// byCamera returns how many frames of each camera were dropped for a reason so far.
func (f *facts) byCamera(reason string) string {
	var each []string
	for i := range f.health.Cameras {
		c := &f.health.Cameras[i]
		for r, n := range c.Dropped {
			if n > 0 && framesync.Reason(r).String() == reason {
				each = append(each, fmt.Sprintf("%s %d", c.Name, n))
			}
		}
	}
	if len(each) == 0 {
		return ""
	}
	return "frames so far: " + strings.Join(each, ", ")
}
