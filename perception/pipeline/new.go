package pipeline

import (
	"errors"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/stereo"
	"github.com/solofusion/solofusion/tensor"
)

// New loads a bundle's graphs and prepares everything that does not depend on
// the rig. The caller closes the pipeline.
func New(b *model.Bundle, o Options) (*Pipeline, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &b.Manifest
	p := &Pipeline{bundle: b, options: o, sequence: newSequence()}
	p.stages, p.decodePart = p.algorithm(), p.decodeImage
	p.pool = parallel.New(o.Threads)
	if err := p.build(m); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pipeline) build(m *model.Manifest) (err error) {
	if p.sessions, err = load(p.bundle, p.options.Providers, p.options.Threads); err != nil {
		return err
	}
	if m.HasStereo() {
		if p.matcher, err = stereo.New(stereoConfig(m), stereoWeights(&p.bundle.Weights), p.pool); err != nil {
			return err
		}
	}
	if p.lifter, err = lift.New(liftConfig(m), p.pool); err != nil {
		return err
	}
	if p.mode, p.clock, err = p.options.modes(&m.History); err != nil {
		return err
	}
	if p.history, err = history.New(p.historyConfig(m), historyWeights(&p.bundle.Weights), p.pool); err != nil {
		return err
	}
	p.decoder = decode.New(decodeConfig(m))
	return p.bindGraphs(m)
}

// bindGraphs ties the graphs of fixed size to the buffers between them.
func (p *Pipeline) bindGraphs(m *model.Manifest) (err error) {
	x, y, c := m.Grid.X.Cells(), m.Grid.Y.Cells(), m.Features.Context
	p.bevRaw = tensor.New[float32](1, y, x, c)
	if p.embed, err = bind(p.sessions[model.BEVEmbed], onnx.Tensors{"bev_raw": p.bevRaw}); err != nil {
		return err
	}
	channels := (m.History.Frames + 1) * c
	var stack any
	if in := &m.Head.Input; in.Type == "uint8" {
		p.stack = history.Stack{U8: tensor.New[uint8](1, y, x, channels), Scale: in.Scale, Zero: uint8(in.ZeroPoint)}
		stack = p.stack.U8
	} else {
		p.stack = history.Stack{F32: tensor.New[float32](1, y, x, channels)}
		stack = p.stack.F32
	}
	if p.head, err = bind(p.sessions[model.DetectHead], onnx.Tensors{"stack": stack}); err != nil {
		return err
	}
	for t := range m.Head.Tasks {
		data := func(branch string) []float32 { return p.head.outputs[model.HeadOutput(t, branch)].Data }
		p.maps = append(p.maps, decode.Maps{
			Reg: data("reg"), Height: data("height"), Dim: data("dim"),
			Rot: data("rot"), Vel: data("vel"), Heatmap: data("heatmap"),
		})
	}
	return nil
}

// Close frees the graphs and ends the pipeline's goroutines.
func (p *Pipeline) Close() error {
	p.pool.Close()
	var all []error
	if p.encoder != nil {
		all = append(all, p.encoder.close())
	}
	for _, f := range []*fixed{p.embed, p.head} {
		if f != nil {
			all = append(all, f.binding.Close())
		}
	}
	return errors.Join(append(all, p.sessions.close())...)
}

func stereoConfig(m *model.Manifest) stereo.Config {
	image := stereo.Size{Width: m.Image.Width, Height: m.Image.Height}
	reduced := func(stride int) stereo.Size {
		return stereo.Size{Width: image.Width / stride, Height: image.Height / stride}
	}
	return stereo.Config{
		Image:    image,
		Coarse:   reduced(m.Features.Stride),
		Stereo:   reduced(m.Features.StereoStride),
		Channels: m.Features.Stereo,
		Groups:   m.Stereo.Groups,
		Bins:     m.Depth.Bins,
		Samples:  m.Stereo.Samples,
		Start:    m.Depth.Start,
		Step:     m.Depth.Step,
		Sigma:    m.Stereo.SigmaBins,
	}
}

func stereoWeights(w *model.Weights) stereo.Weights {
	s := &w.Similarity
	return stereo.Weights{
		Weight0: s[0].Weight.Data, Bias0: s[0].Bias.Data,
		Weight1: s[1].Weight.Data, Bias1: s[1].Bias.Data,
		Weight2: s[2].Weight.Data, Bias2: s[2].Bias.Data,
	}
}

func liftConfig(m *model.Manifest) lift.Config {
	axis := func(a model.Axis) lift.Axis { return lift.Axis{Min: a[0], Max: a[1], Step: a[2]} }
	return lift.Config{
		Width:        m.Image.Width,
		Height:       m.Image.Height,
		CoarseWidth:  m.Image.Width / m.Features.Stride,
		CoarseHeight: m.Image.Height / m.Features.Stride,
		Bins:         m.Depth.Bins,
		Start:        m.Depth.Start,
		Step:         m.Depth.Step,
		Channels:     m.Features.Context,
		X:            axis(m.Grid.X),
		Y:            axis(m.Grid.Y),
		Z:            axis(m.Grid.Z),
	}
}

func (p *Pipeline) historyConfig(m *model.Manifest) history.Config {
	return history.Config{
		Width:        m.Grid.X.Cells(),
		Height:       m.Grid.Y.Cells(),
		Channels:     m.Features.Context,
		Frames:       m.History.Frames,
		OriginX:      m.Grid.X[0],
		OriginY:      m.Grid.Y[0],
		CellX:        m.Grid.X[2],
		CellY:        m.Grid.Y[2],
		Period:       m.History.Period,
		Mode:         p.mode,
		Clock:        p.clock,
		KeepFeatures: p.options.KeepFeatures,
	}
}

func historyWeights(w *model.Weights) history.Weights {
	if w.TimeAge == nil {
		return history.Weights{}
	}
	return history.Weights{Weight: w.Time.Weight.Data, Age: w.TimeAge.Data, Bias: w.Time.Bias.Data}
}

func decodeConfig(m *model.Manifest) decode.Config {
	c := decode.Config{
		Columns: m.Grid.X.Cells(), Rows: m.Grid.Y.Cells(),
		X: m.Grid.X[0], Y: m.Grid.Y[0], Cell: m.Grid.X[2],
		Threshold:   float32(m.Head.ScoreThreshold),
		Max:         m.Head.MaxPerClass,
		CenterLimit: geom.Vec3(m.Head.CenterLimit),
	}
	for _, task := range m.Head.Tasks {
		t := decode.Task{NMS: suppression(task.NMS)}
		for _, name := range task.Classes {
			class, _ := perception.ParseClass(name) // the manifest was checked
			t.Classes = append(t.Classes, class)
		}
		c.Tasks = append(c.Tasks, t)
	}
	return c
}

func suppression(n model.NMS) decode.NMS {
	if n.Kind == "circle" {
		return decode.Circle{Radius2: n.Radius2, Post: n.Post}
	}
	return decode.Rotated{IoU: n.IoU, Factors: n.Factors, Pre: n.Pre, Post: n.Post}
}
