package quant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/tensor"
)

// samples are inputs of the graphs, with what the float32 graphs make of them.
type samples map[model.Graph][]example

type example struct {
	inputs  onnx.Tensors // of one image
	outputs map[string]*tensor.F32
}

// sample returns n examples of each graph from drives, of sets with a full history if there are
// any, each of another drive as far as there are.
func sample(ctx context.Context, b *model.Bundle, drives []Drive, n int, o Run) (samples, error) {
	s, taking := samples{}, false
	feed := func(g model.Graph, inputs onnx.Tensors) {
		if taking {
			s[g] = append(s[g], example{inputs: oneImage(inputs, len(s[g]))})
		}
	}
	d, err := pipeline.New(b, pipeline.Options{Threads: o.Threads, Kernels: o.Kernels, Feed: feed})
	if err != nil {
		return nil, err
	}
	for _, drive := range drives[:min(n, len(drives))] {
		m, last := d.NewMemory(), min(len(drive.Scene.Samples), b.Manifest.History.Frames+2)-1
		err = drive.each(ctx, recorded, func(index int, set *perception.FrameSet) error {
			if taking = index == last; index > last {
				return errFull
			}
			_, err := d.Step(m, set)
			return err
		})
		if err != nil && !errors.Is(err, errFull) {
			return nil, errors.Join(fmt.Errorf("quant: scene %s: %w", drive.Scene.Name, err), d.Close())
		}
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return s, s.expect(b, o.Threads)
}

// oneImage copies the inputs of one of the images, or all if they are not by image.
func oneImage(inputs onnx.Tensors, turn int) onnx.Tensors {
	one := onnx.Tensors{}
	for name, t := range inputs {
		x := t.(*tensor.F32)
		n := len(x.Data) / x.Shape[0]
		at := turn % x.Shape[0] * n
		one[name] = tensor.From(slices.Clone(x.Data[at:at+n]), append([]int{1}, x.Shape[1:]...)...)
	}
	return one
}

// expect runs the float32 graphs on the examples.
func (s samples) expect(b *model.Bundle, threads int) error {
	for g, examples := range s {
		run, err := newRunner(string(g), b.Graph(g), threads)
		if err != nil {
			return err
		}
		for i := range examples {
			if examples[i].outputs, err = run.on(examples[i].inputs); err != nil {
				return errors.Join(err, run.close())
			}
		}
		if err := run.close(); err != nil {
			return err
		}
	}
	return nil
}

// error returns how far a graph's outputs are off, on the mean of the examples and outputs:
// the square of the difference over that of the float32 graph's.
func (s samples) error(g model.Graph, e *eight, threads int) (float64, error) {
	run, err := newRunner(string(g), e.file, threads)
	if err != nil {
		return 0, err
	}
	sum, n := 0.0, 0
	for _, x := range s[g] {
		got, err := run.on(stored(x.inputs, &e.input))
		if err != nil {
			return 0, errors.Join(err, run.close())
		}
		sum += off(got, x.outputs)
		n++
	}
	return sum / float64(max(n, 1)), run.close()
}

// off returns the mean over the outputs of what they are off. Objects are rare: of what the
// head makes the cells count in which its float32 form sees something, as those of the
// rest outnumber them a thousand to one, and nothing depends on them.
func off(got, want map[string]*tensor.F32) float64 {
	sum, n := 0.0, 0
	for _, name := range slices.Sorted(maps.Keys(want)) { // sums depend on their order
		g, w := got[name], want[name]
		if cells, ok := decoded(name, want); ok {
			g, w = at(cells, g, name == model.HeadFeatures), at(cells, w, name == model.HeadFeatures)
		} else if name == fused {
			continue
		}
		sum += noise(g.Data, w.Data)
		n++
	}
	return sum / float64(max(n, 1))
}

// fused is an output of the head that nothing is made of.
const fused = "fused"

// decoded returns the cells of one of the head's outputs that boxes are made of; false if
// the name is of another output.
func decoded(name string, outputs map[string]*tensor.F32) (cells []int, ok bool) {
	if name == model.HeadFeatures {
		return seen(outputs), true
	}
	if !strings.HasPrefix(name, "head_") {
		return nil, false
	}
	heatmap := name[:strings.LastIndex(name, "_")+1] + model.Heatmap
	return seen(map[string]*tensor.F32{heatmap: outputs[heatmap]}), true
}

// least is the logit from which on a cell may hold an object: a score of 0.1, which is the least
// that is decoded.
var least = float32(math.Log(0.1 / 0.9))

// seen returns the cells in which one of the heatmaps' classes is seen.
func seen(outputs map[string]*tensor.F32) (cells []int) {
	var any []bool
	for name, t := range outputs {
		if !strings.HasSuffix(name, "_"+model.Heatmap) {
			continue
		}
		size := t.Shape[2] * t.Shape[3]
		if any == nil {
			any = make([]bool, size)
		}
		for i, logit := range t.Data {
			if !(logit < least) {
				any[i%size] = true
			}
		}
	}
	for cell, is := range any {
		if is {
			cells = append(cells, cell)
		}
	}
	return cells
}

// at returns a map's numbers in cells.
func at(cells []int, t *tensor.F32, channelsLast bool) *tensor.F32 {
	channels, size := t.Shape[1], t.Shape[2]*t.Shape[3]
	if channelsLast {
		channels, size = t.Shape[3], t.Shape[1]*t.Shape[2]
	}
	var all []float32
	for _, cell := range cells {
		for c := range channels {
			i := c*size + cell
			if channelsLast {
				i = cell*channels + c
			}
			all = append(all, t.Data[i])
		}
	}
	return tensor.From(all, len(all))
}

// stored returns the inputs with the stack as the head reads it.
func stored(inputs onnx.Tensors, in *model.Input) onnx.Tensors {
	real, ok := inputs[stackInput].(*tensor.F32)
	if !ok || in.Type != "uint8" {
		return inputs
	}
	scales := in.AllScales()
	width := real.Shape[len(real.Shape)-1] / len(scales) // channels that share a scale
	t := tensor.New[uint8](real.Shape...)
	for i, x := range real.Data {
		q := math.RoundToEven(float64(x)/float64(scales[i/width%len(scales)])) + float64(*in.ZeroPoint)
		t.Data[i] = uint8(min(max(q, 0), 255))
	}
	return onnx.Tensors{stackInput: t}
}

// noise returns the sum of squared differences over that of the squares of want.
func noise(got, want []float32) float64 {
	var off, size float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		off += d * d
		size += float64(w) * float64(w)
	}
	if off == 0 {
		return 0
	}
	return off / size
}

// runner runs a graph on one image.
type runner struct{ session *onnx.Session }

func newRunner(name string, file []byte, threads int) (*runner, error) {
	runtime, err := onnx.Open("")
	if err != nil {
		return nil, err
	}
	r := &runner{}
	if r.session, err = runtime.Load(name, file, onnx.Placement{Provider: "cpu", Threads: threads}); err != nil {
		return nil, err
	}
	return r, nil
}

// on returns the graph's outputs for inputs, which are the caller's.
func (r *runner) on(inputs onnx.Tensors) (map[string]*tensor.F32, error) {
	outputs := single(r.session.Outputs())
	return outputs, r.session.Run(inputs, bound(outputs))
}

func (r *runner) close() error { return r.session.Close() }
