package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/tensor"
)

// admit checks a set and prepares its rig where that is new. Until it succeeds
// nothing of the pipeline changes.
func (p *Pipeline) admit(set *perception.FrameSet) error {
	if err := check(set); err != nil {
		return err
	}
	if p.rig != nil && sameCalibration(p.rig, set.Rig) {
		return nil
	}
	cameras, err := prepareRig(&p.bundle.Manifest, set.Rig)
	if err != nil {
		return err
	}
	if p.rig != nil {
		p.sequence.end("the calibration changed")
	}
	return p.install(set.Rig, cameras)
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

// install makes the pipeline ready for a rig.
func (p *Pipeline) install(rig *perception.Rig, cameras []camera) error {
	if len(cameras) != len(p.cameras) {
		if p.encoder != nil {
			if err := p.encoder.close(); err != nil {
				return err
			}
		}
		p.encoder = newEncoder(p.sessions[model.ImageEncoder], len(cameras))
		if p.matcher != nil {
			p.kept = tensor.New[float32](p.encoder.outputs["stereo_features"].Shape...)
		}
		p.depth = tensor.New[float32](p.encoder.outputs["mono_logits"].Shape...)
		p.faults = make([]error, len(cameras))
		p.cuts = map[cut]*tensor.F32{}
	}
	p.rig, p.cameras = rig, cameras
	return nil
}

// begin clears what belongs to a set and decides whether history goes on.
func (p *Pipeline) begin(set *perception.FrameSet) {
	reset := p.sequence.next(set.Time, set.NewSequence, p.options.MaxGap)
	p.frame = frame{
		set:    set,
		first:  reset != "",
		places: p.frame.places[:0],
		views:  p.frame.views[:0],
		result: &perception.Result{
			Rig:            set.Rig.Name,
			Time:           set.Time,
			GlobalFromEgo:  set.GlobalFromEgo,
			EgoFromLidar:   set.Rig.EgoFromLidar.Pose(),
			Captured:       map[string]time.Time{},
			Rejected:       map[string]string{},
			Reset:          reset,
			Model:          p.bundle.ID(),
			Quantisation:   p.bundle.Quantisation(),
			StageDurations: map[string]time.Duration{},
		},
	}
}

// finish completes the result.
func (p *Pipeline) finish() *perception.Result {
	r := p.frame.result
	for i := range p.frame.set.Rig.Cameras {
		name := p.frame.set.Rig.Cameras[i].Name
		if _, used := r.Captured[name]; !used {
			r.Missing = append(r.Missing, name)
		}
	}
	p.frame.set, p.frame.result = nil, nil
	return r
}
