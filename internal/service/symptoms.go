package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Subjects of troubles that are no camera's.
const (
	ofPoses    = "poses"
	ofSync     = "sync"
	ofDetector = "detector"
	ofResults  = "results"
	ofStatus   = "status"
	ofHistory  = "history"
	ofInput    = "input"
)

// Reasons of drops that are told of in a way of their own.
const (
	noPose             = "no_pose"
	invalidCalibration = "invalid_calibration"
	queueFull          = "queue_full"
	surplus            = "surplus" // frames between those that are used: nothing is wrong
	unfinishedFrame    = "unfinished"
)

// symptoms returns all that is wrong by the facts, and with no count and not present what
// may become wrong.
func (f *facts) symptoms() (list []symptom) {
	for i := range f.health.Cameras {
		list = append(list, f.ofCamera(&f.health.Cameras[i])...)
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

// ofCamera returns what is wrong with a camera: with its frames, and with its images in the
// last result.
func (f *facts) ofCamera(c *framesync.CameraHealth) (list []symptom) {
	camera := func(cause, words string, count uint64, units string) {
		t := degrading(c.Name, cause, words, count)
		t.IsCamera = true
		list = append(list, symptom{Trouble: t, present: true, units: units})
	}
	counts := f.cameras[c.Name]
	why, rejected := f.result.rejected[c.Name]
	switch {
	case c.Trouble.Cause != "":
		camera(c.Trouble.Cause, c.Trouble.Words, counts.missing, "sets")
		if absent := c.Trouble.Cause == missing; absent {
			list[0].Since = c.Arrived
		}
	case slices.Contains(f.result.missing, c.Name) && !rejected:
		camera(missing, f.absence(c), counts.missing, "sets")
		list[0].Since = c.Arrived
	}
	if rejected {
		camera("rejected", why, counts.rejected, "images")
	}
	return list
}

// missing is the cause of a camera without frames in the results.
const missing = "missing"

func (f *facts) absence(c *framesync.CameraHealth) string {
	if c.Arrived.IsZero() {
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
	return symptom{Trouble: degrading(ofPoses, cause, words, f.drops[noPose]), present: present, units: "frames"}
}

// ofSets returns what is wrong with sets and results.
func (f *facts) ofSets() []symptom {
	late := f.lost[behind] + f.drops[queueFull]
	return []symptom{
		{Trouble: degrading(ofDetector, "overload", "sets arrive faster than results can be made; the newest complete one is used", late), units: "sets"},
		{Trouble: degrading(ofDetector, "failed", f.causes[failed], f.lost[failed]), units: "sets"},
		{Trouble: degrading(ofResults, "unpublished", f.causes[unpublished], f.lost[unpublished]), units: "sets"},
		{Trouble: noted(ofStatus, "unpublished", f.unsentWhy, f.unsent), units: "messages"},
		{Trouble: noted(ofHistory, "reset", f.result.reset, f.result.resets), units: "times"},
	}
}

// ofInput returns the drops of messages, frames, poses and calibrations.
func (f *facts) ofInput() (list []symptom) {
	for _, reason := range slices.Sorted(maps.Keys(f.drops)) {
		switch reason {
		case noPose, queueFull, surplus, unfinishedFrame:
			continue
		}
		words := f.refusals[reason]
		if by := f.byCamera(reason); words == "" {
			words = by
		}
		list = append(list, symptom{Trouble: noted(ofInput, reason, words, f.drops[reason]), units: "messages"})
	}
	return list
}

// byCamera returns how many frames of each camera were dropped for a reason.
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
	return strings.Join(each, ", ")
}
