package eval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
)

// Omitted is true boxes that are left out since the detection task has no class
// for their category.
type Omitted struct {
	Category string
	Boxes    int
	Unknown  bool // whether the category is none of nuScenes'
}

// Omissions returns the categories of frames that are left out, those with most
// boxes first.
func Omissions(frames []Frame) []Omitted {
	boxes := map[string]int{}
	for i := range frames {
		for _, a := range frames[i].omitted {
			boxes[a.Instance.Category.Name]++
		}
	}
	return sortedOmissions(boxes)
}

// omissionsOf returns the categories of samples of which no box is graded.
func omissionsOf(samples []*nuscenes.Sample) []Omitted {
	boxes := map[string]int{}
	for _, s := range samples {
		for _, a := range s.Annotations {
			boxes[a.Instance.Category.Name]++
		}
	}
	return sortedOmissions(boxes)
}

// ungraded are nuScenes' own categories that belong to no detection class.
var ungraded = []string{
	"animal", "human.pedestrian.personal_mobility", "human.pedestrian.stroller", "human.pedestrian.wheelchair",
	"movable_object.debris", "movable_object.pushable_pullable", nuscenes.BicycleRack,
	"vehicle.emergency.ambulance", "vehicle.emergency.police",
}

func sortedOmissions(boxes map[string]int) (all []Omitted) {
	for category, n := range boxes {
		all = append(all, Omitted{category, n, !slices.Contains(ungraded, category)})
	}
	slices.SortFunc(all, func(a, b Omitted) int {
		return cmp.Or(cmp.Compare(b.Boxes, a.Boxes), cmp.Compare(a.Category, b.Category))
	})
	return all
}

// omissionsNote says which true boxes are left out, "" for none: those of
// nuScenes' own categories, or those of others.
func omissionsNote(omissions []Omitted, unknown bool) string {
	n, parts := 0, []string(nil)
	for _, o := range omissions {
		if o.Unknown == unknown {
			n += o.Boxes
			parts = append(parts, fmt.Sprintf("%s (%d)", cmp.Or(o.Category, "without a name"), o.Boxes))
		}
	}
	switch {
	case n == 0:
		return ""
	case unknown:
		return fmt.Sprintf("%d true boxes are left out, as their categories are none of nuScenes': %s; want its names, such as vehicle.car or human.pedestrian.adult",
			n, strings.Join(parts, ", "))
	}
	return fmt.Sprintf("%d true boxes are left out, as their categories belong to no detection class: %s", n, strings.Join(parts, ", "))
}

// Note returns a sentence about true boxes of nuScenes' own categories that the
// detection task leaves out, "" if there are none. For other categories there is a
// hint.
func Note(frames []Frame) string { return omissionsNote(Omissions(frames), false) }

// strangeTruth looks for true boxes that are left out for a reason that nuScenes'
// own do not have.
func strangeTruth(frames []Frame) (hints []Hint) {
	if note := omissionsNote(Omissions(frames), true); note != "" {
		hints = append(hints, Hint{"unknown-categories", note})
	}
	var graded, pointless, distant int
	for i := range frames {
		graded += len(frames[i].Truth)
		pointless += frames[i].pointless
		distant += frames[i].distant
	}
	all := graded + pointless + distant
	switch {
	case mostOf(pointless, all):
		hints = append(hints, Hint{"truth-without-points", fmt.Sprintf(
			"%d of %d true boxes are left out, as they have no lidar and no radar points; want num_lidar_pts -1 if points were not counted", pointless, all)})
	case mostOf(distant, all):
		hints = append(hints, Hint{"truth-out-of-range", fmt.Sprintf(
			"%d of %d true boxes are left out, as they are farther from the vehicle than boxes of their class are graded; want boxes and ego poses in the global frame", distant, all)})
	}
	return append(hints, strangeTimes(frames)...)
}

// strangeTimes looks for times of another unit: velocities of true boxes come from
// them.
func strangeTimes(frames []Frame) []Hint {
	const closest, farthest = 1000, 1_500_000 // microseconds; no velocity beyond
	var all, near, far int
	for i := range frames {
		s := frames[i].Sample
		if s.Next == nil {
			continue
		}
		all++
		switch gap := s.Next.Timestamp - s.Timestamp; {
		case gap < closest:
			near++
		case gap > farthest:
			far++
		}
	}
	const want = "want timestamps of samples in microseconds"
	switch {
	case mostOf(near, all):
		return []Hint{{"times-too-close", fmt.Sprintf(
			"%d of %d samples are less than a millisecond before the next, so that velocities of true boxes are not theirs; %s", near, all, want)}}
	case mostOf(far, all):
		return []Hint{{"times-too-far", fmt.Sprintf(
			"%d of %d samples are more than 1.5 s before the next, so that true boxes have no velocity; %s", far, all, want)}}
	}
	return nil
}

// mostOf reports whether a part of something is so large that it is no accident.
func mostOf(part, all int) bool {
	return part > 0 && (part == all || all >= hintPairs && 10*part >= 9*all)
}

// nothingToMatch looks for results of which no box can match.
func (m *Metrics) nothingToMatch(frames []Frame) []Hint {
	boxes := 0
	for i := range frames {
		boxes += len(frames[i].boxes)
	}
	var found, truth []string
	for i := range m.Classes {
		c := &m.Classes[i]
		switch {
		case c.Found > 0 && c.Truth > 0:
			return nil
		case c.Found > 0:
			found = append(found, c.Class.String())
		case c.Truth > 0:
			truth = append(truth, c.Class.String())
		}
	}
	switch {
	case boxes == 0:
		return []Hint{{"no-boxes", fmt.Sprintf("the results hold no box in any of %d samples; want what a detector found", len(frames))}}
	case len(found) == 0:
		return []Hint{{"no-box-in-range", fmt.Sprintf("none of %d boxes is as near to the vehicle as boxes of its class are graded; want places in the global frame", boxes)}}
	case len(truth) > 0:
		return []Hint{{"no-common-class", fmt.Sprintf("no box is of a class with true boxes: found are %s, true are %s", strings.Join(found, ", "), strings.Join(truth, ", "))}}
	}
	return nil
}
