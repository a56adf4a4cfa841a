package bench

import (
	"fmt"
	"math/rand/v2"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/perception/preprocess"
	"github.com/solofusion/solofusion/stereo"
	"github.com/solofusion/solofusion/tensor"
)

// stage is a stage between the networks, with inputs of its own.
type stage struct {
	name    string
	kernels isa.Set // that it runs; "" if it has none
	cost    func() cost
	ready   func(frame int) // makes a frame's input, not measured; may be nil
	run     func(frame int) // nil for the sum of the parts
	parts   []*stage        // measured one after the other
	beside  bool            // measured too, but no part of a frame
}

// workload makes the stages of a model.
type workload struct {
	m    *model.Manifest
	ring *ring
	with compute.Resources
	rng  *rand.Rand
}

func newWorkload(m *model.Manifest, cameras int, with compute.Resources) *workload {
	return &workload{m: m, ring: newRing(m, cameras), with: with, rng: rand.New(rand.NewPCG(1, 2))}
}

// all returns the stages of a frame in order, and variants beside them.
func (w *workload) all() (all []*stage, err error) {
	for _, stages := range []func() ([]*stage, error){w.preprocess, w.stereo, w.lift, w.histories, w.decode} {
		more, err := stages()
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// preprocess returns the stage, and beside it what is left of it once the images are
// decoded.
func (w *workload) preprocess() ([]*stage, error) {
	n, plane := w.ring.cameras, 3*w.m.Image.Size().Pixels()
	camera, err := preprocess.NewCamera(pipeline.PreprocessConfig(w.m), w.ring.picture(), w.with)
	if err != nil {
		return nil, err
	}
	images, scratch := make([]float32, n*plane), make([]preprocess.Scratch, n)
	pixels, files, faults := make([][]uint8, n), make([][]byte, n), make([]error, n)
	for i := range n {
		pixels[i] = photograph(w.rng, w.ring.source())
		if files[i], err = encoded(pixels[i], w.ring.source()); err != nil {
			return nil, err
		}
	}
	kernels := preprocess.Kernels(w.with)
	whole := func(i int) {
		_, faults[i] = camera.Image(images[i*plane:][:plane], files[i], perception.Layout{}, &scratch[i])
	}
	scale := func(i int) { camera.Pixels(images[i*plane:][:plane], pixels[i], &scratch[i]) }
	for i := range n {
		if whole(i); faults[i] != nil {
			return nil, fmt.Errorf("bench: image %d: %w", i, faults[i])
		}
	}
	return []*stage{
		{name: pipeline.Preprocess, kernels: kernels, run: func(int) { w.with.Run(n, whole) }},
		{
			name: pipeline.Preprocess + "/pixels", kernels: kernels, beside: true,
			cost: func() cost { return preprocessCost(w.m, n) },
			run:  func(int) { w.with.Run(n, scale) },
		},
	}, nil
}

func (w *workload) stereo() ([]*stage, error) {
	if !w.m.HasStereo() {
		return nil, nil
	}
	groups := w.m.Stereo.Groups
	matcher, err := stereo.New(pipeline.StereoConfig(w.m), stereo.Weights{
		Weight0: normal(w.rng, 16*groups, 0.3), Bias0: normal(w.rng, 16, 0.3),
		Weight1: normal(w.rng, 8*16, 0.3), Bias1: normal(w.rng, 8, 0.3),
		Weight2: normal(w.rng, 8, 0.3), Bias2: normal(w.rng, 1, 0.3),
	}, w.with)
	if err != nil {
		return nil, err
	}
	n := w.ring.cameras
	var mono [2]*tensor.F32
	var views [2][]stereo.View
	for i := range views {
		mono[i] = monocular(w.rng, w.m, n)
		for range n {
			views[i] = append(views[i], stereo.View{Features: descriptors(w.rng, w.m)})
		}
	}
	depth, past, last := tensor.New[float32](mono[0].Shape...), new(stereo.Past), 0
	ready := func(frame int) {
		for i, c := range w.ring.placed(frame) {
			views[frame%2][i].Camera = c
		}
	}
	run := func(frame int) {
		before := 0
		if past.Len() == 0 {
			before = stereo.Itself
		}
		matcher.Step(past, stereo.Frame{Views: views[frame%2], Before: before}, mono[frame%2], depth)
		last = frame
	}
	return []*stage{{
		name: pipeline.Stereo, kernels: matcher.Kernels(), ready: ready, run: run,
		cost: func() cost {
			return stereoCost(w.m, n, w.ring.seen(max(1, last), matcher.Samples().Data))
		},
	}}, nil
}

// lift returns the stage: each set has poses of its own, and so a table of its own.
func (w *workload) lift() ([]*stage, error) {
	lifter, err := lift.New(pipeline.LiftConfig(w.m), w.with)
	if err != nil {
		return nil, err
	}
	n, size := w.ring.cameras, w.m.Coarse()
	depth := distributions(monocular(w.rng, w.m, n))
	context := tensor.From(normal(w.rng, n*size.Pixels()*w.m.Features.Context, 1), n, size.Height, size.Width, w.m.Features.Context)
	plane := tensor.New[float32](1, w.m.Grid.Y.Cells(), w.m.Grid.X.Cells(), w.m.Features.Context)
	table, points := new(lift.Table), w.ring.points(1)
	var cameras []geom.Camera
	return []*stage{{
		name: pipeline.Lift, kernels: lifter.Kernels(),
		cost: func() cost { return placeCost(w.m, n, points).plus(splatCost(w.m, n, points)) },
		parts: []*stage{
			{
				name: pipeline.Lift + "/place", kernels: lifter.Kernels(),
				cost:  func() cost { return placeCost(w.m, n, points) },
				ready: func(frame int) { cameras = w.ring.own(frame) },
				run:   func(int) { lifter.Place(table, cameras) },
			},
			{
				name: pipeline.Lift + "/splat", kernels: lifter.Kernels(),
				cost: func() cost { return splatCost(w.m, n, points) },
				run:  func(int) { lifter.Splat(table, depth, context, plane) },
			},
		},
	}}, nil
}

// histories returns the stage as the model has it, and beside it its other modes and
// types.
func (w *workload) histories() (all []*stage, err error) {
	mode, bytes := w.mode(), w.m.Head.Input.Type == "uint8"
	other := history.Direct
	if mode == other {
		other = history.Recursive
	}
	for _, v := range []struct {
		mode  history.Mode
		bytes bool
	}{{mode, bytes}, {mode, !bytes}, {other, bytes}, {other, !bytes}} {
		s, err := w.history(v.mode, v.bytes)
		if err != nil {
			return nil, err
		}
		if s.beside = len(all) > 0; s.beside {
			s.name = fmt.Sprintf("%s/%s/%s", s.name, v.mode, stackType(v.bytes))
		}
		all = append(all, s)
	}
	return all, nil
}

// mode returns how the model aligns its history.
func (w *workload) mode() history.Mode {
	mode, err := history.ParseMode(w.m.History.Mode)
	if err != nil {
		return history.Recursive
	}
	return mode
}

func stackType(bytes bool) string {
	if bytes {
		return "uint8"
	}
	return "float32"
}

func (w *workload) history(mode history.Mode, bytes bool) (*stage, error) {
	x, y, c, t := w.m.Grid.X.Cells(), w.m.Grid.Y.Cells(), w.m.Features.Context, w.m.History.Frames
	config := pipeline.HistoryConfig(w.m)
	config.Mode = mode
	convolution, err := history.New(config, history.Weights{
		Weight: normal(w.rng, c*c, 0.3), Age: normal(w.rng, c, 0.3), Bias: normal(w.rng, c, 0.3),
	}, w.with)
	if err != nil {
		return nil, err
	}
	stack := history.Stack{F32: tensor.New[float32](1, y, x, (t+1)*c)}
	if bytes {
		stack = history.Stack{U8: tensor.New[uint8](1, y, x, (t+1)*c), Scales: []float32{0.02}}
	}
	ring, feature := convolution.NewRing(), tensor.From(normal(w.rng, x*y*c, 1), 1, y, x, c)
	places := make([]int, t)
	for i := range places {
		places[i] = i
	}
	step := func(frame int, earlier []int) {
		convolution.Step(ring, history.Frame{
			Feature: feature, GlobalFromGrid: w.ring.globalFromModel(frame), Time: w.ring.set(frame),
			Earlier: earlier, Keep: places[:max(0, min(ring.Len(), t-1))],
		}, stack)
	}
	for i := range t { // until the ring is full, in the sets before the first
		step(i-t, nil)
	}
	return &stage{
		name: pipeline.History, kernels: convolution.Kernels(),
		cost: func() cost { return historyCost(w.m, mode, history.Float32, bytes) },
		run:  func(frame int) { step(frame, places) },
	}, nil
}

func (w *workload) decode() ([]*stage, error) {
	d, maps := decode.New(pipeline.DecodeConfig(w.m), w.with), headMaps(w.rng, w.m)
	return []*stage{{
		name: pipeline.Decode, kernels: d.Kernels(),
		cost: func() cost { return decodeCost(w.m) },
		run:  func(int) { d.Append(nil, maps) },
	}}, nil
}
