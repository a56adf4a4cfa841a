package pipeline

import (
	"errors"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/stereo"
	"github.com/solofusion/solofusion/tensor"
)

// back is the stages that need a rig's memory, with the buffers of the set under way. It
// serves any rig and keeps nothing of it.
type back struct {
	matcher     *stereo.Matcher // nil in a model without stereo
	monocular   *stereo.Monocular
	lifter      *lift.Lifter
	embedding   *fixed
	shadow      *shadow // nil if cells of lost images are empty
	convolution *history.Convolution
	detection   *fixed
	decoder     *decode.Decoder

	stereoViews []stereo.View

	depths depths
	raw    plane // of the lift
	plane  plane // of the embedding
	stack  stack
	maps   maps
}

func newBack(d *Detector) (w *back, err error) {
	m, weights := &d.bundle.Manifest, &d.bundle.Weights
	w = &back{shadow: newShadow(m, d.options.Lost)}
	if w.lifter, err = lift.New(LiftConfig(m), d.with); err != nil {
		return w, err
	}
	w.monocular = stereo.NewMonocular(d.with)
	if m.HasStereo() {
		if w.matcher, err = stereo.New(StereoConfig(m), stereoWeights(weights), d.with); err != nil {
			return w, err
		}
	}
	if w.convolution, err = history.New(d.historyConfig(), historyWeights(weights), d.with); err != nil {
		return w, err
	}
	w.decoder = decode.New(DecodeConfig(m), d.with)
	return w, w.bind(d, m)
}

// bind ties the graphs of fixed size to the buffers between them.
func (w *back) bind(d *Detector, m *model.Manifest) (err error) {
	n := d.networks
	y, x, c := m.Grid.Y.Cells(), m.Grid.X.Cells(), m.Features.Context
	w.raw = plane{"bev_raw", tensor.New[float32](1, y, x, c)}
	if w.embedding, err = d.bind(model.BEVEmbed, onnx.Tensors{"bev_raw": w.raw.values}); err != nil {
		return err
	}
	w.plane = plane{"bev", w.embedding.outputs["bev"]}
	w.stack = newStack(&n.set.Input, y, x, m.History.Frames+1, c)
	var unread []string
	if d.options.Observer == nil && n.provider != "cpu" {
		unread = []string{fused} // it stays on the GPU
	}
	if w.detection, err = d.bind(model.DetectHead, onnx.Tensors{"stack": w.stack.tensor()}, unread...); err != nil {
		return err
	}
	outputs := w.detection.outputs
	w.maps = newMaps(m, outputs, newBoxes(n.sessions[model.Boxes], m, outputs[model.HeadFeatures]))
	return nil
}

func (w *back) close() error {
	if w == nil {
		return nil
	}
	var all []error
	for _, f := range []*fixed{w.embedding, w.detection} {
		if f != nil {
			all = append(all, f.binding.Close())
		}
	}
	return errors.Join(all...)
}

func stereoWeights(w *model.Weights) stereo.Weights {
	s := &w.Similarity
	return stereo.Weights{
		Weight0: s[0].Weight.Data, Bias0: s[0].Bias.Data,
		Weight1: s[1].Weight.Data, Bias1: s[1].Bias.Data,
		Weight2: s[2].Weight.Data, Bias2: s[2].Bias.Data,
	}
}

func historyWeights(w *model.Weights) history.Weights {
	if w.TimeAge == nil {
		return history.Weights{}
	}
	return history.Weights{Weight: w.Time.Weight.Data, Age: w.TimeAge.Data, Bias: w.Time.Bias.Data}
}

func (d *Detector) historyConfig() history.Config {
	c := HistoryConfig(&d.bundle.Manifest)
	c.Mode, c.Clock, c.Storage, c.KeepFeatures = d.mode, d.clock, d.storage, d.options.KeepFeatures
	return c
}
