package eval

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// Breakdown is the metrics of groups of boxes.
type Breakdown struct {
	By     string // what tells the groups apart
	Graded bool   // whether found boxes have their groups too, so that there are mAP and NDS
	Groups []Group
}

// Group is what a group of boxes scores.
type Group struct {
	Name   string
	Truth  int                // true boxes
	Recall float64            // share of them that are matched at the distance of errors, whatever the score
	Errors [numErrors]float64 // means over those; NaN if not defined
	// As the metric has them, over the classes with true boxes here; NaN if
	// the breakdown is not graded.
	MeanAP, NDS float64
}

// Breakdowns are the names of the breakdowns that there are.
var Breakdowns = []string{"distance", "visibility", "points", "scene"}

// Breakdown returns the metrics by one of Breakdowns:
//
//   - distance: rings of 10 m around the ego vehicle; true and found boxes of
//     other rings are left out;
//   - scene: each scene by itself;
//   - visibility: the share of the object that the cameras see, by the annotation;
//   - points: how many lidar points the object has.
//
// It panics for another name.
func (m *Metrics) Breakdown(by string, frames []Frame) Breakdown {
	b := Breakdown{By: by}
	switch by {
	case "distance":
		b.Graded, b.Groups = true, m.byDistance(frames)
	case "scene":
		b.Graded, b.Groups = true, m.byScene(frames)
	case "visibility":
		b.Groups = m.byTruth(frames, visibility)
	case "points":
		b.Groups = m.byTruth(frames, lidarPoints)
	default:
		panic("eval: no breakdown by " + by)
	}
	return b
}

// ring is how wide the groups by distance are, in metres.
const ring = 10

func (m *Metrics) byDistance(frames []Frame) (groups []Group) {
	farthest := 0.0
	for _, r := range m.Config.Range {
		farthest = max(farthest, r)
	}
	for near := 0.0; near < farthest; near += ring {
		within := make([]Frame, len(frames))
		for i := range frames {
			within[i] = frames[i].within(near, near+ring)
		}
		groups = append(groups, m.group(fmt.Sprintf("%g to %g m", near, near+ring), within))
	}
	return groups
}

// within returns the frame with the boxes at a distance of the ego vehicle in
// [near, far).
func (f *Frame) within(near, far float64) Frame {
	ego := f.Sample.KeyPose().GlobalFromEgo.Translation
	outside := func(x, y float64) bool {
		d := length(x-ego[0], y-ego[1])
		return d < near || d >= far
	}
	part := Frame{Sample: f.Sample, Truth: slices.Clone(f.Truth), Found: slices.Clone(f.Found)}
	part.Truth = slices.DeleteFunc(part.Truth, func(t Truth) bool { return outside(t.Center[0], t.Center[1]) })
	part.Found = slices.DeleteFunc(part.Found, func(b *nuscenes.Box) bool { return outside(b.Center[0], b.Center[1]) })
	return part
}

func (m *Metrics) byScene(frames []Frame) (groups []Group) {
	of := map[*nuscenes.Scene][]Frame{}
	for _, f := range frames {
		of[f.Sample.Scene] = append(of[f.Sample.Scene], f)
	}
	for _, scene := range m.scenes {
		groups = append(groups, m.group(scene.Name, of[scene]))
	}
	return groups
}

// group grades frames by themselves.
func (m *Metrics) group(name string, frames []Frame) Group {
	cfg := m.Config
	cfg.Classes = slices.DeleteFunc(slices.Clone(cfg.Classes), func(c perception.Class) bool {
		return !slices.ContainsFunc(frames, func(f Frame) bool {
			return slices.ContainsFunc(f.Truth, func(t Truth) bool { return t.Class == c })
		})
	})
	graded := Evaluate(cfg, frames)
	var all tally
	for i := range graded.Classes {
		all.truth += graded.Classes[i].Truth
	}
	for h := range graded.truePositives() {
		all.add(h)
	}
	g := all.group(name)
	if len(cfg.Classes) > 0 {
		g.MeanAP, g.NDS = graded.MeanAP, graded.NDS
	}
	return g
}

// truePositives iterates over the true positives at the distance of errors.
func (m *Metrics) truePositives() iter.Seq[*truePositive] {
	return func(yield func(*truePositive) bool) {
		for _, r := range m.rankings {
			tp := r.tp[m.Config.errorIndex()]
			for i := range tp {
				if !yield(&tp[i]) {
					return
				}
			}
		}
	}
}

// tally counts true boxes and their true positives.
type tally struct {
	truth, tp int
	sums
}

func (t *tally) add(h *truePositive) {
	t.tp++
	errors := h.errors
	for e := range numErrors {
		if !e.counts(h.truth.Class) {
			errors[e] = math.NaN()
		}
	}
	t.sums.add(&errors, 1)
}

func (t *tally) group(name string) Group {
	g := Group{Name: name, Truth: t.truth, Recall: float64(t.tp) / float64(t.truth), MeanAP: math.NaN(), NDS: math.NaN()}
	for e := range g.Errors {
		g.Errors[e] = t.errors[e] / t.counts[e]
	}
	return g
}

// bin is a part of the true boxes.
type bin struct {
	order int
	name  string
}

// byTruth sorts true boxes into bins.
func (m *Metrics) byTruth(frames []Frame, binOf func(*Truth) bin) (groups []Group) {
	tallies := map[bin]*tally{}
	for i := range frames {
		for j := range frames[i].Truth {
			b := binOf(&frames[i].Truth[j])
			if tallies[b] == nil {
				tallies[b] = &tally{}
			}
			tallies[b].truth++
		}
	}
	for h := range m.truePositives() {
		tallies[binOf(h.truth)].add(h)
	}
	bins := slices.SortedFunc(maps.Keys(tallies), func(a, b bin) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
	})
	for _, b := range bins {
		groups = append(groups, tallies[b].group(b.name))
	}
	return groups
}

func visibility(t *Truth) bin {
	if t.Visibility == nil || t.Visibility.Level == "" {
		return bin{1, "unknown"}
	}
	return bin{0, t.Visibility.Level}
}

func lidarPoints(t *Truth) bin {
	names := []string{"not counted", "none", "1", "2 to 5", "6 to 20", "21 to 100", "more than 100"}
	for i, most := range []int{-1, 0, 1, 5, 20, 100} {
		if t.LidarPoints <= most {
			return bin{i, names[i]}
		}
	}
	return bin{len(names), names[len(names)-1]}
}
