package pipeline

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/stereo"
	"github.com/solofusion/solofusion/tensor"
)

// Pipeline is the detector. It owns every buffer; one call at a time.
type Pipeline struct {
	bundle   *model.Bundle
	options  Options
	mode     history.Mode
	clock    history.Clock
	pool     *parallel.Pool
	stages   []stage
	sequence sequence

	sessions sessions
	encoder  *encoder // for the rig's number of cameras
	embed    *fixed
	head     *fixed
	matcher  *stereo.Matcher // nil in a model without stereo
	lifter   *lift.Lifter
	history  *history.Ring
	decoder  *decode.Decoder

	rig        *perception.Rig // that cameras were prepared for
	cameras    []camera        // in the order of the encoder's rows
	faults     []error         // of each camera's image in this set
	decodePart func(camera int)
	previous   []stereo.View // of the last set; their features are in kept
	kept       *tensor.F32
	depth      *tensor.F32 // N h w D
	bevRaw     *tensor.F32 // 1 Y X C
	stack      history.Stack
	maps       []decode.Maps // of the head's outputs
	cuts       map[cut]*tensor.F32
	frame      frame
}

// frame is what is known of the set under way. Its lists have an entry for each
// camera with a usable image, in the order of the encoder's rows.
type frame struct {
	set    *perception.FrameSet
	first  bool // of a sequence
	places []lift.Camera
	views  []stereo.View
	result *perception.Result
}

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

// stage is one part of a Step and, for an observer, what it made.
type stage struct {
	name    string
	run     func() error
	outputs func() []Output
}

// algorithm is the whole of it, in order.
func (p *Pipeline) algorithm() []stage {
	return []stage{
		{Preprocess, p.readImages, p.images}, // encoded images → network images, camera numbers
		{ImageEncoder, p.encode, p.features}, // → context, monocular logits, stereo features
		{Stereo, p.match, p.depths},          // features against the last set's → depth
		{Lift, p.splat, p.raw},               // depth x context → bird's-eye plane
		{BEVEmbed, p.embedPlane, p.embedded}, // → the set's feature
		{History, p.remember, p.aligned},     // with the earlier ones', aligned → stack
		{Head, p.detect, p.headMaps},         // → box maps
		{Decode, p.decode, noOutputs},        // → detections
	}
}

// Step detects what a set shows and takes it into the history. A *SetError
// means that nothing was taken; after any other, history starts anew. The
// Result is the caller's.
func (p *Pipeline) Step(set *perception.FrameSet) (*perception.Result, error) {
	if err := p.admit(set); err != nil {
		return nil, &SetError{Time: set.Time, Reason: err}
	}
	p.begin(set)
	for i := range p.stages {
		if err := p.run(&p.stages[i]); err != nil {
			p.Reset("a failure in " + p.stages[i].name)
			return nil, fmt.Errorf("pipeline: %s: %w", p.stages[i].name, err)
		}
	}
	return p.finish(), nil
}

// Modes returns how history is aligned and timed.
func (p *Pipeline) Modes() (history.Mode, history.Clock) { return p.mode, p.clock }

// Reset makes history start anew with the next set; its result says why.
func (p *Pipeline) Reset(reason string) { p.sequence.end(reason) }

// run runs a stage, takes its time and tells the observer.
func (p *Pipeline) run(s *stage) error {
	o := p.options.Observer
	if o != nil {
		o.Begin(s.name)
	}
	start := time.Now()
	if err := s.run(); err != nil {
		return err
	}
	p.frame.result.StageDurations[s.name] = time.Since(start)
	if o != nil {
		o.End(s.name, s.outputs)
	}
	return nil
}

// readImages decodes the cameras' images and takes what is usable into the set.
func (p *Pipeline) readImages() error {
	p.pool.Run(len(p.cameras), p.decodePart)
	for i, fault := range p.faults {
		switch {
		case fault == nil:
			p.use(i)
		case fault != errMissing:
			p.frame.result.Rejected[p.cameras[i].Name] = fault.Error()
		}
	}
	return nil
}

func (p *Pipeline) encode() error {
	if p.used() == 0 {
		return nil
	}
	return p.encoder.run(p.used())
}

// match leaves the depth distributions in depth. The first set of a sequence is
// matched against itself.
func (p *Pipeline) match() error {
	if p.matcher == nil {
		stereo.Monocular(p.encoded("mono_logits"), p.usedDepth())
		return nil
	}
	previous := p.previous
	if p.frame.first {
		previous = p.frame.views
	}
	p.matcher.Step(p.frame.views, previous, p.encoded("mono_logits"), p.usedDepth())
	p.keepViews()
	return nil
}

func (p *Pipeline) splat() error {
	p.lifter.Place(p.frame.places)
	p.lifter.Splat(p.usedDepth(), p.encoded("context"), p.bevRaw)
	return nil
}

func (p *Pipeline) embedPlane() error { return p.embed.binding.Run() }

func (p *Pipeline) remember() error {
	f := &p.frame
	reach := p.history.Step(history.Frame{
		Feature:         p.embed.outputs["bev"],
		GlobalFromLidar: f.set.GlobalFromLidar(),
		Time:            f.set.Time,
		First:           f.first,
	}, p.stack)
	f.result.HistoryDepth, f.result.HistoryAge = reach.Frames, reach.Age
	return nil
}

func (p *Pipeline) detect() error { return p.head.binding.Run() }

func (p *Pipeline) decode() error {
	p.frame.result.Detections = p.decoder.Append(nil, p.maps)
	return nil
}
