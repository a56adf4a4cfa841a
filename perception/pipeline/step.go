package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/timeline"
)

// The stages of a Step.
const (
	Preprocess   = "preprocess"
	ImageEncoder = "image_encoder"
	Stereo       = "stereo"
	Lift         = "lift"
	BEVEmbed     = "bev_embed"
	History      = "history"
	Head         = "head"
	Decode       = "decode"
)

// Stages are the names of all stages, in order.
var Stages = [...]string{Preprocess, ImageEncoder, Stereo, Lift, BEVEmbed, History, Head, Decode}

// Step detects what a set shows and takes it into its rig's memory. A *SetError
// means that nothing was taken; after any other, history starts anew. The
// Result is the caller's.
func (d *Detector) Step(m *Memory, set *perception.FrameSet) (*perception.Result, error) {
	if m.detector != d {
		panic("pipeline: a memory of another detector")
	}
	moved, err := m.admit(set)
	if err != nil {
		return nil, &SetError{Time: set.Time, Reason: err}
	}
	reset := m.sequence.next(set, moved, d.options.MaxGap)
	f := m.begin(set, reset)
	d.turn.Lock()
	defer d.turn.Unlock()
	if f.result.Detections, err = d.worker.detect(m, f); err != nil {
		return nil, err
	}
	f.result.Missing = f.missing()
	for camera := range f.result.Captured {
		m.seen[camera] = set.Time
	}
	return f.result, nil
}

// begin returns the frame of a set, the first of a sequence if reset says why.
func (m *Memory) begin(set *perception.FrameSet, reset string) *frame {
	if reset != "" {
		m.origin, m.seen = set.GlobalFromEgo.T, map[string]time.Time{}
		for i := range set.Rig.Cameras {
			m.seen[set.Rig.Cameras[i].Name] = set.Time
		}
	}
	f := &frame{
		set: set, origin: m.origin, plan: m.sequence.plan(m.detector.rule, set.Time),
		observer: m.detector.options.Observer, result: m.detector.newResult(m.rig, set, reset),
	}
	f.fromModel = f.local(set.GlobalFromEgo).Mul(m.rig.egoFromModel)
	if m.sequence.slow != "" {
		f.result.Outside = append(slices.Clone(f.result.Outside), m.sequence.slow)
	}
	return f
}

// detect is the algorithm.
func (w *worker) detect(m *Memory, f *frame) ([]perception.Detection, error) {
	views, err := w.look(f, m) // encoded images → network images, cameras in their places
	if err != nil {
		return nil, m.fail(Preprocess, err)
	}
	features, err := w.encode(f, views) // → context, monocular logits, stereo features
	if err != nil {
		return nil, m.fail(ImageEncoder, err)
	}
	depth := w.match(f, &m.past, views, features)        // features against an earlier set's → distributions of depth
	raw := w.splat(f, &m.points, views, depth, features) // depth x context → bird's-eye plane
	plane, err := w.embed(f, raw)                        // → the set's feature
	if err != nil {
		return nil, m.fail(BEVEmbed, err)
	}
	stack := w.remember(f, m, views, plane) // with the earlier ones', aligned → head's input
	maps, err := w.head(f, stack)           // → box maps
	if err != nil {
		return nil, m.fail(Head, err)
	}
	return w.decode(f, maps), nil // → detections
}

// fail ends the sequence, since the set is only partly in the memory.
func (m *Memory) fail(stage string, err error) error {
	m.Reset("a failure in " + stage)
	m.sequence.kept = nil
	m.past.Forget()
	m.ring.Forget()
	return fmt.Errorf("pipeline: %s: %w", stage, err)
}

// frame is the set under way and the account of it.
type frame struct {
	set       *perception.FrameSet
	origin    geom.Vec3     // of the sequence's frame, in the global frame
	fromModel geom.Pose     // the sequence's frame from the model's, at the set's time
	plan      timeline.Plan // the earlier sets that it is seen together with
	result    *perception.Result
	observer  Observer // may be nil
}

// local returns a pose in the sequence's frame: the global frame with its origin moved to
// where the vehicle was at the sequence's first set. Global coordinates may be so large
// that what is computed with them is off by more than rounding.
func (f *frame) local(globalFromEgo geom.Pose) geom.Pose {
	return geom.Pose{R: globalFromEgo.R, T: globalFromEgo.T.Sub(f.origin)}
}

// begin tells the observer that a stage begins, and returns when.
func (f *frame) begin(stage string) time.Time {
	if f.observer != nil {
		f.observer.Begin(stage)
	}
	return time.Now()
}

// end takes a stage's time and shows the observer what it made.
func (f *frame) end(stage string, began time.Time, made shown) {
	f.result.StageDurations[stage] = time.Since(began)
	if f.observer != nil {
		f.observer.End(stage, made.outputs)
	}
}

// missing returns the names of the cameras that were not used.
func (f *frame) missing() (names []string) {
	for i := range f.set.Rig.Cameras {
		name := f.set.Rig.Cameras[i].Name
		if _, used := f.result.Captured[name]; !used {
			names = append(names, name)
		}
	}
	return names
}

func (d *Detector) newResult(rig *mounted, set *perception.FrameSet, reset string) *perception.Result {
	result := &perception.Result{
		Rig:            set.Rig.Name,
		Time:           set.Time,
		KeyFrame:       set.KeyFrame,
		GlobalFromEgo:  set.GlobalFromEgo,
		EgoFromModel:   rig.egoFromModel,
		Outside:        rig.outside,
		Captured:       map[string]time.Time{},
		Rejected:       map[string]string{},
		Reset:          reset,
		Model:          d.bundle.ID(),
		Quantisation:   d.networks.set.Quantisation,
		StageDurations: map[string]time.Duration{},
	}
	if rig.EgoFromLidar != nil {
		lidar := rig.EgoFromLidar.Pose()
		result.EgoFromLidar = &lidar
	}
	return result
}

// admit checks a set, prepares its rig if that is new, and reports whether the model's
// frame moved on the vehicle. Until it succeeds nothing of the memory changes.
//
// Planes and the last images keep the places in which their own calibration put them,
// in the sequence's frame, so that other cameras, or the same ones elsewhere, go on
// with them.
func (m *Memory) admit(set *perception.FrameSet) (moved bool, err error) {
	if err := check(set); err != nil {
		return false, err
	}
	if m.rig != nil && m.rig.Equal(set.Rig) {
		return false, nil
	}
	rig, err := m.detector.mount(set.Rig)
	if err != nil {
		return false, err
	}
	if m.rig == nil || !m.rig.SameCameras(rig.Rig) {
		m.still = make([]still, len(rig.cameras))
	}
	moved = m.rig != nil && m.rig.moved(rig)
	m.rig = rig
	return moved, nil
}

func check(set *perception.FrameSet) error {
	switch {
	case set.Rig == nil:
		return errors.New("it has no rig")
	case len(set.Frames) != len(set.Rig.Cameras):
		return fmt.Errorf("%d frames for a rig of %d cameras", len(set.Frames), len(set.Rig.Cameras))
	case !set.GlobalFromEgo.IsFinite():
		return errors.New("its ego pose is not finite")
	}
	for i, f := range set.Frames {
		if f != nil && !f.GlobalFromEgo.IsFinite() {
			return fmt.Errorf("camera %s: the ego pose at capture is not finite", set.Rig.Cameras[i].Name)
		}
	}
	return nil
}
