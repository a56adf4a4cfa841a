package eval

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// Frame is the boxes to compare in one sample.
type Frame struct {
	Sample *nuscenes.Sample
	Truth  []Truth         // in the annotation table's order
	Found  []*nuscenes.Box // in the results' order

	boxes              []nuscenes.Box         // all of the results, also those that are left out
	omitted            []*nuscenes.Annotation // left out for their category
	pointless, distant int                    // true boxes that are left out for their points or their place
}

// Truth is a true box.
type Truth struct {
	*nuscenes.Annotation
	Class     perception.Class
	Yaw       float64
	Velocity  [2]float64
	Attribute string // "" if it has none that the metric knows
}

// SamplesError reports that results do not answer the samples of the split.
type SamplesError struct {
	File           string // of the results
	Split          string
	Samples        int      // of the split
	Missing, Extra []string // tokens
	Hint           string   // where the results' other samples belong
}

func (e *SamplesError) Error() string {
	var parts []string
	if n := len(e.Missing); n > 0 {
		parts = append(parts, fmt.Sprintf("lacks %d of its samples (%s)", n, firstThree(e.Missing)))
	}
	switch {
	case len(e.Extra) > 0:
		parts = append(parts, fmt.Sprintf("has %d samples that are not in it (%s%s)", len(e.Extra), firstThree(e.Extra), e.Hint))
	case e.Hint != "":
		parts = append(parts, "has others"+strings.Replace(e.Hint, ";", ":", 1))
	}
	return fmt.Sprintf("eval: %s does not answer split %s: it %s; %d of %d samples match",
		cmp.Or(e.File, "results"), e.Split, strings.Join(parts, " and "), e.Samples-len(e.Missing), e.Samples)
}

func firstThree(tokens []string) string {
	if len(tokens) > 3 {
		return strings.Join(tokens[:3], ", ") + ", ..."
	}
	return strings.Join(tokens, ", ")
}

// Frames joins a split's annotations with results and leaves out what is not
// graded.
func Frames(ds *nuscenes.Dataset, split nuscenes.Split, results *nuscenes.Results, cfg Config) ([]Frame, error) {
	answers, err := answered(ds, split, results)
	if err != nil {
		return nil, err
	}
	if !hasTruth(split) {
		return nil, noTruth(split)
	}
	frames, errs := make([]Frame, len(answers)), make([]error, len(answers))
	filter := newFilter(cfg)
	inParallel(len(answers), func(i int) {
		frames[i], errs[i] = newFrame(answers[i], filter)
	})
	return frames, cmp.Or(errs...)
}

// noTruth is the error about a split without true boxes to grade.
func noTruth(split nuscenes.Split) error {
	omissions := omissionsOf(split.Samples)
	for _, unknown := range []bool{true, false} {
		if note := omissionsNote(omissions, unknown); note != "" {
			return fmt.Errorf("eval: the samples of split %s have no annotations of the detection classes: %s", split.Name, note)
		}
	}
	return fmt.Errorf("eval: the samples of split %s have no annotations of the detection classes, want a data set with truth", split.Name)
}

func hasTruth(split nuscenes.Split) bool {
	return slices.ContainsFunc(split.Samples, func(s *nuscenes.Sample) bool {
		return slices.ContainsFunc(s.Annotations, func(a *nuscenes.Annotation) bool {
			_, graded := a.Class()
			return graded
		})
	})
}

// answer is a sample with the boxes found in it.
type answer struct {
	sample *nuscenes.Sample
	boxes  []nuscenes.Box
}

// answered returns the split's samples in the order in which equal scores go: of
// the results on official splits, else of the sample table. It fails with a
// [*SamplesError].
func answered(ds *nuscenes.Dataset, split nuscenes.Split, results *nuscenes.Results) ([]answer, error) {
	wrong, others := SamplesError{File: results.File, Split: split.Name, Samples: len(split.Samples)}, []string(nil)
	place := make(map[string]int, len(split.Samples))
	inTable, inFile := make([]answer, len(split.Samples)), make([]answer, 0, len(split.Samples))
	for i, sample := range split.Samples {
		place[sample.Token] = i
	}
	for _, r := range results.Samples {
		if i, wanted := place[r.Token]; wanted {
			inTable[i] = answer{split.Samples[i], r.Boxes}
			inFile = append(inFile, inTable[i])
		} else {
			others = append(others, r.Token)
		}
	}
	if split.Whole {
		wrong.Extra = others
	}
	for i, a := range inTable {
		if a.sample == nil {
			wrong.Missing = append(wrong.Missing, split.Samples[i].Token)
		}
	}
	if len(wrong.Missing)+len(wrong.Extra) > 0 {
		wrong.Hint = origins(ds, others)
		return nil, &wrong
	}
	if split.Official {
		return inFile, nil
	}
	return inTable, nil
}

// origins names the splits that samples are of.
func origins(ds *nuscenes.Dataset, tokens []string) string {
	scenes, splits, unknown := map[*nuscenes.Scene]int{}, map[string]int{}, 0
	for _, token := range tokens {
		if sample := ds.Sample(token); sample != nil {
			scenes[sample.Scene]++
		} else {
			unknown++
		}
	}
	for scene, n := range scenes {
		splits[ds.SplitOf(scene)] += n
	}
	delete(splits, "")
	hint := ""
	for _, split := range slices.Sorted(maps.Keys(splits)) {
		hint += fmt.Sprintf("; %d of split %s", splits[split], split)
	}
	if unknown > 0 {
		hint += fmt.Sprintf("; %d not in %s", unknown, ds.Version)
	}
	return hint
}

// newFrame has a filter of its own. It fails if a field that the metric needs
// cannot be used.
func newFrame(a answer, graded filter) (Frame, error) {
	sample, frame := a.sample, Frame{Sample: a.sample, boxes: a.boxes}
	if err := sample.CheckTruth(); err != nil {
		return frame, err
	}
	pose := sample.KeyPose()
	if pose == nil {
		return frame, fmt.Errorf("eval: sample %s has no key frame of any sensor, whose ego pose the metric needs", sample.Token)
	}
	graded.ego, graded.racks = pose.GlobalFromEgo.Translation, racks(sample)
	for _, a := range sample.Annotations {
		class, ok := a.Class()
		if !ok {
			frame.omitted = append(frame.omitted, a)
			continue
		}
		if len(a.Attributes) > 1 {
			return frame, fmt.Errorf("eval: annotation %s has %d attributes, want one at most", a.Token, len(a.Attributes))
		}
		switch points := a.LidarPoints + a.RadarPoints; {
		case graded.keeps(class, a.Center, points):
			frame.Truth = append(frame.Truth, newTruth(a, class))
		case graded.isFar(class, a.Center):
			frame.distant++
		case points == 0:
			frame.pointless++
		}
	}
	frame.Found = make([]*nuscenes.Box, 0, len(a.boxes))
	for i := range a.boxes {
		if b := &a.boxes[i]; graded.keeps(b.Class, b.Center, b.Points) {
			frame.Found = append(frame.Found, b)
		}
	}
	return frame, frame.checkSizes(graded.farthest)
}

// checkSizes returns an error for a true box without extent that a found one may
// match.
func (f *Frame) checkSizes(farthest float64) error {
	for i := range f.Truth {
		t := &f.Truth[i]
		if min(t.Size[0], t.Size[1], t.Size[2]) > 0 {
			continue
		}
		if slices.ContainsFunc(f.Found, func(b *nuscenes.Box) bool {
			return b.Class == t.Class && distance(b.Center[0]-t.Center[0], b.Center[1]-t.Center[1]) < farthest
		}) {
			return fmt.Errorf("eval: annotation %s has the size %v, want positive numbers for a box that is compared with found ones", t.Token, t.Size)
		}
	}
	return nil
}

func newTruth(a *nuscenes.Annotation, class perception.Class) Truth {
	v := a.Velocity()
	t := Truth{Annotation: a, Class: class, Yaw: yaw(a.Rotation), Velocity: [2]float64{v[0], v[1]}}
	if len(a.Attributes) == 1 {
		if known, ok := nuscenes.ParseAttribute(a.Attributes[0].Name); ok {
			t.Attribute = known.String()
		}
	}
	return t
}

// filter decides which boxes of a sample are graded.
type filter struct {
	reach   [len(perception.Classes)]float64 // the range of each class; 0 for those that are not graded
	isCycle [len(perception.Classes)]bool
	ego     geom.Vec3
	racks   []rack

	farthest float64 // distance below which boxes match
}

func newFilter(cfg Config) (f filter) {
	for _, class := range cfg.Classes {
		f.reach[class] = cfg.Range[class]
		f.isCycle[class] = class == perception.Bicycle || class == perception.Motorcycle
	}
	f.farthest = slices.Max(cfg.Distances[:])
	return f
}

func (f *filter) keeps(class perception.Class, center geom.Vec3, points int) bool {
	if f.isFar(class, center) || points == 0 {
		return false
	}
	return !f.isCycle[class] || !slices.ContainsFunc(f.racks, func(r rack) bool { return r.contains(center) })
}

func (f *filter) isFar(class perception.Class, center geom.Vec3) bool {
	return !(length(center[0]-f.ego[0], center[1]-f.ego[1]) < f.reach[class])
}
