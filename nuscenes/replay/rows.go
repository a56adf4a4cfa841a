package replay

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// movingSpeed is the speed in metres a second above which an object gets the
// attribute of a moving one.
const movingSpeed = 0.2

// Rows collects results as the rows of a results file. It is a
// [perception.Sink].
type Rows struct {
	mu       sync.Mutex
	byToken  map[string]int // position in samples
	samples  []nuscenes.SampleResult
	answered []bool
}

// NewRows returns rows for the samples, in their order, without boxes. It fails if
// two samples have the same token: a results file has one entry for a token.
func NewRows(samples []*nuscenes.Sample) (*Rows, error) {
	r := &Rows{
		byToken:  make(map[string]int, len(samples)),
		samples:  make([]nuscenes.SampleResult, len(samples)),
		answered: make([]bool, len(samples)),
	}
	for i, sample := range samples {
		if other, twice := r.byToken[sample.Token]; twice {
			return nil, fmt.Errorf("replay: samples %d and %d both have token %q, want distinct ones", other, i, sample.Token)
		}
		r.byToken[sample.Token] = i
		r.samples[i] = nuscenes.SampleResult{Token: sample.Token, Boxes: []nuscenes.Box{}}
	}
	return r, nil
}

// Publish adds a moment's result to the sample that its key frame names. It fails if
// there is no such sample, or if the sample has a result already.
func (r *Rows) Publish(_ context.Context, m *perception.Moment) error {
	result := m.Result
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.byToken[result.KeyFrame]
	if !ok {
		return fmt.Errorf("replay: no sample has the token %q, which the result at %s names", result.KeyFrame, result.Time)
	}
	if r.answered[i] {
		return fmt.Errorf("replay: sample %s has two results", r.samples[i].Token)
	}
	r.answered[i] = true
	r.samples[i].Boxes = Boxes(result)
	return nil
}

// Status implements [perception.Sink]. It does nothing: a results file has no status.
func (r *Rows) Status(context.Context, *perception.Status) error { return nil }

// Flush implements [perception.Sink]. It does nothing: Publish stores results at once.
func (r *Rows) Flush(context.Context) error { return nil }

// Results returns the rows so far; samples without a result have no boxes. The
// caller must not change the boxes.
func (r *Rows) Results() *nuscenes.Results {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &nuscenes.Results{Meta: nuscenes.CameraMeta(), Samples: slices.Clone(r.samples)}
}

// Boxes returns a result's detections as boxes in the global frame, by descending
// score. Left out are detections beyond their class's evaluation range, and those
// with the lowest scores if there are more than nuscenes.MaxBoxesPerSample.
func Boxes(result *perception.Result) []nuscenes.Box {
	boxes := make([]nuscenes.Box, 0, len(result.Detections))
	for i := range result.Detections {
		d := &result.Detections[i]
		inEgo := d.Placement().In(result.EgoFromModel)
		if math.Hypot(inEgo.Center[0], inEgo.Center[1]) > nuscenes.EvaluationRange(d.Class) {
			continue
		}
		boxes = append(boxes, globalBox(d, inEgo.In(result.GlobalFromEgo)))
	}
	slices.SortStableFunc(boxes, func(a, b nuscenes.Box) int { return cmp.Compare(b.Score, a.Score) })
	return boxes[:min(len(boxes), nuscenes.MaxBoxesPerSample)]
}

// globalBox returns a detection's box at its place in the global frame.
func globalBox(d *perception.Detection, at perception.Placement) nuscenes.Box {
	v := at.Velocity
	return nuscenes.Box{
		Class:     d.Class,
		Score:     float64(d.Score),
		Center:    at.Center,
		Size:      d.Size,
		Rotation:  at.Rotation(),
		Velocity:  [2]float64{v[0], v[1]},
		Attribute: attribute(d.Class, math.Hypot(v[0], v[1])),
		Points:    -1,
	}
}

// attribute derives a box's attribute from its class and its speed over ground.
func attribute(class perception.Class, speed float64) nuscenes.BoxAttribute {
	moving := speed > movingSpeed
	switch class {
	case perception.Barrier, perception.TrafficCone:
		return nuscenes.NoAttribute
	case perception.Pedestrian:
		return choose(moving, nuscenes.PedestrianMoving, nuscenes.PedestrianStanding)
	case perception.Bicycle, perception.Motorcycle:
		return choose(moving, nuscenes.CycleWithRider, nuscenes.CycleWithoutRider)
	case perception.Bus:
		return choose(moving, nuscenes.VehicleMoving, nuscenes.VehicleStopped)
	default:
		return choose(moving, nuscenes.VehicleMoving, nuscenes.VehicleParked)
	}
}

func choose(yes bool, a, b nuscenes.BoxAttribute) nuscenes.BoxAttribute {
	if yes {
		return a
	}
	return b
}
