package pipeline

import (
	"errors"
	"sync"
	"time"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/preprocess"
	"github.com/solofusion/solofusion/perception/timeline"
)

// Detector is the model at work: the networks, the weights and the
// goroutines. A process has one, which serves any number of rigs; what it keeps
// of a rig is in the rig's [Memory]. Several goroutines may call Look and Finish, which
// run one set's each at a time, side by side.
type Detector struct {
	bundle   *model.Bundle
	options  Options
	mode     history.Mode
	clock    history.Clock
	storage  history.Storage
	rule     timeline.Rule
	with     compute.Resources
	networks *networks

	looking sync.Mutex // held while a set is looked at
	fronts  fronts

	turn sync.Mutex // holds the back
	back *back
}

// New loads a bundle's graphs and prepares everything that does not depend on
// a rig. The caller closes the detector.
func New(b *model.Bundle, o Options) (*Detector, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	d := &Detector{bundle: b, options: o, rule: rule(&b.Manifest)}
	if d.mode, d.clock, err = o.modes(&b.Manifest.History); err != nil {
		return nil, err
	}
	if d.storage, err = history.ParseStorage(o.Storage); err != nil {
		return nil, err
	}
	if d.networks, err = load(b, &o); err != nil {
		return nil, err
	}
	d.with = compute.Resources{Kernels: o.Kernels, Pool: parallel.New(o.Threads)}
	d.fronts.fill(d)
	if d.back, err = newBack(d); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// rule returns how the model wants its frames. Stereo alone wants one earlier frame.
func rule(m *model.Manifest) timeline.Rule {
	r := timeline.Rule{Interval: time.Duration(m.History.Period * float64(time.Second)), Frames: m.History.Frames}
	if r.Frames == 0 && m.HasStereo() {
		r.Frames = 1
	}
	return r
}

// Close frees the graphs and ends the detector's goroutines. No set may be
// under way or follow.
func (d *Detector) Close() error {
	d.with.Pool.Close()
	return errors.Join(d.fronts.close(), d.back.close(), d.networks.close())
}

// Modes returns how history is aligned and timed.
func (d *Detector) Modes() (history.Mode, history.Clock) { return d.mode, d.clock }

// Storage returns how planes of the history are kept.
func (d *Detector) Storage() history.Storage { return d.storage }

// Provider returns which provider of ONNX Runtime runs the graphs.
func (d *Detector) Provider() string { return d.networks.provider }

// Graphs returns which of the bundle's graphs run.
func (d *Detector) Graphs() *model.Set { return d.networks.set }

// Overlap reports whether threads are left for a set that is looked at while another is
// finished.
func (d *Detector) Overlap() bool { return d.options.Overlap }

// Kernels returns, for each stage that has kernels, the set that runs.
func (d *Detector) Kernels() map[string]isa.Set {
	b := d.back
	kernels := map[string]isa.Set{
		Preprocess: preprocess.Kernels(d.with),
		Stereo:     b.monocular.Kernels(),
		Lift:       b.lifter.Kernels(),
		History:    b.convolution.Kernels(),
		Decode:     b.decoder.Kernels(),
	}
	if b.matcher != nil {
		kernels[Stereo] = b.matcher.Kernels()
	}
	return kernels
}

// NewMemory returns the memory of a rig that has seen nothing.
func (d *Detector) NewMemory() *Memory {
	return &Memory{detector: d, sequence: newSequence(), ring: d.back.convolution.NewRing()}
}
