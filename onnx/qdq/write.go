package qdq

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// Range is the least and the largest number that a value is to have; what is beyond is
// cut off.
type Range struct{ Low, High float32 }

// Options say how a graph is written. The zero value is the default.
type Options struct {
	// SevenBits bounds weights by 64 in place of 127: sums of two products then fit 16
	// bits, and processors without dot products of bytes get the same numbers as others.
	SevenBits bool
	// Outside has the inputs that are quantised before they reach the graph. They become
	// uint8.
	Outside map[string]Outside
}

// Outside is how an input is stored by who writes it.
type Outside struct {
	Scale
	// Factors has, for each channel, the last axis of the input, by how much its step
	// exceeds Step; nil if all have that. Layers that read the input multiply their weights by them,
	// which is the same function (quant-spec: x = Step factor q).
	Factors []float32
}

// Scale is how a value is stored: x = Step (q - Zero).
type Scale struct {
	Step float32
	Zero int
}

// Report is what Write made.
type Report struct {
	Scales   map[string]Scale // of the quantised values
	Enlarged []string         // layers with weights stored more coarsely, so that their biases fit 32 bits
}

// Write changes the plan's graph. Every value of Values, but those that are quantised
// outside, must have a range. After an error the graph is in part changed.
func (p *Plan) Write(ranges map[string]Range, o Options) (*Report, error) {
	w := &writer{Plan: p, options: o, report: Report{Scales: map[string]Scale{}}, names: map[string][2]string{}}
	for _, v := range p.Values() {
		if err := w.choose(v, ranges); err != nil {
			return nil, err
		}
	}
	for _, n := range p.g.Nodes() {
		if !p.integer[n] || !slices.Contains(weighted, n.Op) {
			continue
		}
		if err := w.layer(n); err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(p.scaled)) {
		if err := w.pair(v); err != nil {
			return nil, err
		}
	}
	p.g.Prune()
	if err := p.g.Sort(); err != nil {
		return nil, err
	}
	_, err := p.g.Infer()
	return &w.report, err
}

// writer writes a plan's graph.
type writer struct {
	*Plan
	options Options
	report  Report
	names   map[string][2]string // of the constants of a scale, by the value whose scale it is
}

// choose fixes the scale of a value.
func (w *writer) choose(v string, ranges map[string]Range) error {
	given, outside := w.options.Outside[v]
	s := given.Scale
	if !outside {
		r, ok := ranges[v]
		if !ok {
			return fmt.Errorf("value %q has no range", v)
		}
		if !(r.Low <= r.High) || math.IsInf(float64(r.Low), 0) || math.IsInf(float64(r.High), 0) {
			return fmt.Errorf("value %q: the range %v to %v is none", v, r.Low, r.High)
		}
		s = w.target.Scale(r)
	}
	w.report.Scales[v] = s
	return nil
}

// Scale returns how numbers of a range are stored, zero among them.
func (t Target) Scale(r Range) Scale {
	low, high := min(float64(r.Low), 0), max(float64(r.High), 0)
	if low == high {
		return Scale{Step: 1}
	}
	if t == TensorRT {
		return Scale{Step: float32(max(-low, high) / 127)}
	}
	step := (high - low) / 255
	return Scale{Step: float32(step), Zero: int(math.RoundToEven(-low / step))}
}

// pair puts a value's pair between what makes it and what reads it.
func (w *writer) pair(v string) error {
	if w.g.IsInput(v) {
		real := w.g.Fresh(v + "_real")
		w.g.Redirect(v, real)
		stored := v
		if _, outside := w.options.Outside[w.scaled[v]]; !outside {
			stored = w.quantise(v, v)
		} else if err := w.g.SetInputType(v, graph.Uint8); err != nil {
			return err
		}
		w.dequantise(stored, real, v)
		return nil
	}
	n := w.g.Producer(v)
	made := w.g.Fresh(v + "_made")
	n.Outputs[slices.Index(n.Outputs, v)] = made
	if w.bounds(n) {
		made = n.Inputs[0]
		w.g.Remove(n)
	}
	w.dequantise(w.quantise(made, v), v, v)
	return nil
}

// bounds reports whether a node is a Relu that its value's scale makes superfluous, as
// what is below zero is cut off.
func (w *writer) bounds(n *graph.Node) bool {
	s := w.report.Scales[w.scaled[n.Output()]]
	return n.Op == "Relu" && w.target == CPU && s.Zero == 0
}

func (w *writer) quantise(real, v string) (stored string) {
	stored = w.g.Fresh(v + "_stored")
	w.node("QuantizeLinear", stored, real, v)
	return stored
}

func (w *writer) dequantise(stored, real, v string) { w.node("DequantizeLinear", real, stored, v) }

// node adds a node of a pair, with the constants of the value's scale.
func (w *writer) node(op, output, input, v string) {
	root := w.scaled[v]
	names, ok := w.names[root]
	if !ok {
		names = w.constants(root, w.report.Scales[root])
		w.names[root] = names
	}
	w.g.Add(op, output, input, names[0], names[1]).Name = w.g.Fresh(v + "_" + op) // the maker of v may be called v
}

func (w *writer) constants(root string, s Scale) [2]string {
	step := graph.AddConstant(w.g, root+"_step", tensor.From([]float32{s.Step}))
	if w.target == TensorRT {
		return [2]string{step, graph.AddConstant(w.g, root+"_zero", tensor.From([]int8{int8(s.Zero)}))}
	}
	return [2]string{step, graph.AddConstant(w.g, root+"_zero", tensor.From([]uint8{uint8(s.Zero)}))}
}
