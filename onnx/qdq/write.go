package qdq

import (
	"errors"
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

// Write changes the plan's graph, once. Every value of Values, but those that are quantised
// outside, must have a range. The error names a value without one, or a layer that cannot
// be stored; after one the graph is in part changed.
func (p *Plan) Write(ranges map[string]Range, o Options) (*Report, error) {
	if p.written {
		return nil, errors.New("the plan was written already, want a plan of another graph")
	}
	p.written = true
	w := &writer{Plan: p, options: o, report: Report{Scales: map[string]Scale{}}, names: map[string][2]string{}}
	if err := w.choose(ranges); err != nil {
		return nil, err
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

// choose fixes the scales of the measured values.
func (w *writer) choose(ranges map[string]Range) error {
	for _, v := range slices.Sorted(maps.Keys(w.options.Outside)) {
		if err := w.checkOutside(v); err != nil {
			return err
		}
	}
	for _, v := range w.Values() {
		given, outside := w.options.Outside[v]
		s := given.Scale
		if !outside {
			r, err := w.rangeOf(v, ranges)
			if err != nil {
				return err
			}
			s = w.target.Scale(r)
		}
		w.report.Scales[v] = s
	}
	return nil
}

// checkOutside returns an error unless a value can be quantised before it reaches the graph.
func (w *writer) checkOutside(v string) error {
	s := w.options.Outside[v]
	switch {
	case w.target != CPU:
		return fmt.Errorf("input %q is quantised outside, want float32 for %s", v, w.target)
	case !w.g.IsInput(v) || w.scaled[v] == "":
		return fmt.Errorf("%q is quantised outside, but is no input that is read in integers", v)
	case !(s.Step >= tiny) || math.IsInf(float64(s.Step), 0) || s.Zero < 0 || s.Zero > 255:
		return fmt.Errorf("input %q: a scale of %v with zero at %d, want a positive one with zero at 0 to 255", v, s.Step, s.Zero)
	}
	return nil
}

// rangeOf returns the range of a value and of those that share its scale.
func (w *writer) rangeOf(v string, ranges map[string]Range) (all Range, err error) {
	for _, name := range append([]string{v}, w.sharing[v]...) {
		r, ok := ranges[name]
		if !ok {
			return Range{}, fmt.Errorf("value %q has no range", name)
		}
		if !(r.Low <= r.High) || math.IsInf(float64(r.Low), 0) || math.IsInf(float64(r.High), 0) {
			return Range{}, fmt.Errorf("value %q: the range %v to %v is none", name, r.Low, r.High)
		}
		all = Range{min(all.Low, r.Low), max(all.High, r.High)}
	}
	return all, nil
}

// tiny is the least scale: what is smaller some processors take for zero.
const tiny = 0x1p-126

// Scale returns how numbers of a range are stored, zero among them.
func (t Target) Scale(r Range) Scale {
	low, high := min(float64(r.Low), 0), max(float64(r.High), 0)
	switch {
	case low == high:
		return Scale{Step: 1}
	case t == TensorRT:
		return Scale{Step: max(float32(max(-low, high)/127), tiny)}
	}
	step := max(float32((high-low)/255), tiny)
	return Scale{Step: step, Zero: int(math.RoundToEven(-low / float64(step)))}
}

// pair puts a value's pair between what makes it and what reads it.
func (w *writer) pair(v string) error {
	if w.target == TensorRT {
		w.pairAtPlaces(v)
		return nil
	}
	if w.g.IsInput(v) {
		return w.pairOfInput(v)
	}
	n := w.g.Producer(v)
	made := w.g.Fresh(v + "_made")
	n.Outputs[slices.Index(n.Outputs, v)] = made
	if w.bounds(n, v) {
		made = n.Inputs[0]
		w.g.Remove(n)
	}
	w.dequantise(w.quantise(made, v), v, v)
	return nil
}

// pairOfInput makes all readers of an input read its pair, or dequantises one that is
// quantised outside.
func (w *writer) pairOfInput(v string) error {
	real, stored := w.g.Fresh(v+"_real"), v
	w.g.Redirect(v, real)
	if _, outside := w.options.Outside[v]; !outside {
		stored = w.quantise(v, v)
	} else if err := w.g.SetInputType(v, graph.Uint8); err != nil {
		return err
	}
	w.dequantise(stored, real, v)
	return nil
}

// bounds reports whether a node is a Relu that its value's scale makes superfluous, as
// what is below zero is cut off.
func (w *writer) bounds(n *graph.Node, v string) bool {
	return n.Op == "Relu" && w.report.Scales[w.scaled[v]].Zero == 0
}

func (w *writer) quantise(real, v string) (stored string) {
	stored = w.g.Fresh(v + "_stored")
	w.node(quantize, stored, real, v)
	return stored
}

func (w *writer) dequantise(stored, real, v string) { w.node(dequantize, real, stored, v) }

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
