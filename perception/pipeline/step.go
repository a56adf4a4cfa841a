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
	return d.Look(m, set).Finish()
}

// Glance is a set that a Detector has looked at: its images are encoded, its rig's memory
// does not know it yet.
type Glance struct {
	detector *Detector
	memory   *Memory
	frame    *frame // nil if the set is refused
	front    *front // nil if the set is refused
	stage    string // that failed
	err      error
}

// Look is the half of a Step that needs no earlier set: it decodes and encodes the
// images. Finish does the rest. While a rig's set is finished its next may be looked at,
// on another goroutine; both halves take the rig's sets in the same order. The results are
// those of Step. Each Glance must be finished, and Look waits while two are not. What
// fails is told by Finish, so that it, too, is in the sets' order.
//
// The observer is told of the stages on the goroutine of their half.
func (d *Detector) Look(m *Memory, set *perception.FrameSet) *Glance {
	if m.detector != d {
		panic("pipeline: a memory of another detector")
	}
	g := &Glance{detector: d, memory: m}
	moved, err := m.admit(set)
	if err != nil {
		g.err = &SetError{Time: set.Time, Reason: err}
		return g
	}
	d.looking.Lock()
	defer d.looking.Unlock()
	g.frame, g.front = m.frame(set, moved), d.fronts.take()
	g.stage, g.err = g.front.look(m, g.frame)
	return g
}

// Finish is the other half of a Step. It must be called once.
func (g *Glance) Finish() (*perception.Result, error) {
	if g.front == nil {
		return nil, g.err
	}
	d, m, f := g.detector, g.memory, g.frame
	d.turn.Lock()
	defer d.turn.Unlock()
	defer d.fronts.give(g.front)
	m.take(f)
	if g.err != nil {
		return nil, m.fail(g.stage, g.err)
	}
	stage, err := d.back.detect(m, f, &g.front.views, &g.front.features)
	if err != nil {
		return nil, m.fail(stage, err)
	}
	f.result.Missing = f.missing()
	for camera := range f.result.Captured {
		m.seen[camera] = f.set.Time
	}
	return f.result, nil
}

// frame returns the frame of a set of the memory's rig.
func (m *Memory) frame(set *perception.FrameSet, moved bool) *frame {
	return &frame{
		set: set, rig: m.rig, moved: moved,
		observer: m.detector.options.Observer, result: m.detector.newResult(m.rig, set),
	}
}

// take gives a frame its place in the sequence, as the first one if there is a reason.
func (m *Memory) take(f *frame) {
	reset := m.sequence.next(f.set, f.moved, m.detector.options.MaxGap)
	if reset != "" {
		m.origin, m.seen = f.set.GlobalFromEgo.T, map[string]time.Time{}
		for i := range f.set.Rig.Cameras {
			m.seen[f.set.Rig.Cameras[i].Name] = f.set.Time
		}
	}
	f.result.Reset = reset
	f.origin, f.plan = m.origin, m.sequence.plan(m.detector.rule, f.set.Time)
	f.fromModel = f.local(f.set.GlobalFromEgo).Mul(f.rig.egoFromModel)
	if m.sequence.slow != "" {
		f.result.Outside = append(slices.Clone(f.result.Outside), m.sequence.slow)
	}
}

// detect is the algorithm's second half.
func (w *back) detect(m *Memory, f *frame, v *views, x *features) (stage string, err error) {
	depth := w.match(f, &m.past, v, x)        // features against an earlier set's → distributions of depth
	raw := w.splat(f, &m.points, v, depth, x) // depth x context → bird's-eye plane
	plane, err := w.embed(f, raw)             // → the set's feature
	if err != nil {
		return BEVEmbed, err
	}
	stack := w.remember(f, m, v, plane) // with the earlier ones', aligned → head's input
	maps, err := w.head(f, stack)       // → box maps
	if err != nil {
		return Head, err
	}
	f.result.Detections = w.decode(f, maps) // → detections
	return "", nil
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
	set      *perception.FrameSet
	rig      *mounted // of the set
	moved    bool     // the model's frame is elsewhere on the vehicle than for the set before
	result   *perception.Result
	observer Observer // may be nil

	// its place in the sequence, which it has when it is finished
	origin    geom.Vec3     // of the sequence's frame, in the global frame
	fromModel geom.Pose     // the sequence's frame from the model's, at the set's time
	plan      timeline.Plan // the earlier sets that it is seen together with
}

// own returns a camera in the model's frame at the set's time, in its place when the
// vehicle was at globalFromEgo: the vehicle's motion between the two times is in the pose.
func (f *frame) own(c *camera, globalFromEgo geom.Pose) geom.Camera {
	here := f.set.GlobalFromEgo // and near it the numbers are small
	near := func(p geom.Pose) geom.Pose { return geom.Pose{R: p.R, T: p.T.Sub(here.T)} }
	own := c.at(near(globalFromEgo))
	own.Pose = own.Pose.RelativeTo(near(here).Mul(f.rig.egoFromModel))
	return own
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

func (d *Detector) newResult(rig *mounted, set *perception.FrameSet) *perception.Result {
	result := &perception.Result{
		Rig:            set.Rig.Name,
		Time:           set.Time,
		KeyFrame:       set.KeyFrame,
		GlobalFromEgo:  set.GlobalFromEgo,
		EgoFromModel:   rig.egoFromModel,
		Outside:        rig.outside,
		Captured:       map[string]time.Time{},
		Rejected:       map[string]string{},
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
