package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/tensor"
)

// encoder runs the image encoder on the first n rows of its tensors, which have a
// row for each camera of the largest rig so far.
type encoder struct {
	session  *onnx.Session
	feed     Feed                   // may be nil
	known    *Encodings             // may be nil
	size     int                    // rows
	inputs   map[string]*tensor.F32 // images, cameras
	outputs  map[string]*tensor.F32 // context, mono_logits, stereo_features
	depth    *tensor.F32            // as mono_logits: what becomes of them
	bindings []*onnx.Binding        // by the number of rows, nil until used
	cuts     map[cut]*tensor.F32
}

// cut names the first n rows of a tensor.
type cut struct {
	of *tensor.F32
	n  int
}

// reserve makes the tensors fit a rig of that many cameras.
func (e *encoder) reserve(cameras int) error {
	if cameras <= e.size {
		return nil
	}
	err := e.close()
	e.size = cameras
	e.inputs, e.outputs = allocate(e.session.Inputs(), cameras), allocate(e.session.Outputs(), cameras)
	e.depth = tensor.New[float32](e.outputs["mono_logits"].Shape...)
	e.bindings, e.cuts = make([]*onnx.Binding, cameras+1), map[cut]*tensor.F32{}
	return err
}

// allocate returns tensors of that many rows.
func allocate(ports []onnx.Port, rows int) map[string]*tensor.F32 {
	tensors := make(map[string]*tensor.F32, len(ports))
	for _, p := range ports {
		shape := []int{rows}
		for _, d := range p.Shape[1:] {
			shape = append(shape, int(d))
		}
		tensors[p.Name] = tensor.New[float32](shape...)
	}
	return tensors
}

// run encodes the first n rows of the inputs.
func (e *encoder) run(n int) error {
	if e.known.recall(e, n) {
		return nil
	}
	if err := e.encode(n); err != nil {
		return err
	}
	e.known.keep(e, n)
	return nil
}

func (e *encoder) encode(n int) error {
	first := func(tensors map[string]*tensor.F32) onnx.Tensors {
		all := onnx.Tensors{}
		for name, t := range tensors {
			all[name] = e.rows(t, n)
		}
		return all
	}
	if e.feed != nil {
		e.feed(model.ImageEncoder, first(e.inputs))
	}
	if e.bindings[n] == nil {
		b, err := e.session.Bind(first(e.inputs), first(e.outputs))
		if err != nil {
			return err
		}
		e.bindings[n] = b
	}
	return e.bindings[n].Run()
}

// output returns the first n rows of an output.
func (e *encoder) output(name string, n int) *tensor.F32 { return e.rows(e.outputs[name], n) }

// rows returns the first n rows of one of the tensors. It allocates for the first
// set with that many.
func (e *encoder) rows(t *tensor.F32, n int) *tensor.F32 {
	c := cut{t, n}
	if e.cuts[c] == nil {
		shape := append([]int{n}, t.Shape[1:]...)
		e.cuts[c] = tensor.From(t.Data[:tensor.Size(shape)], shape...)
	}
	return e.cuts[c]
}

// row returns the values of t at index i of its first axis.
func row(t *tensor.F32, i int) []float32 {
	n := len(t.Data) / t.Shape[0]
	return t.Data[i*n:][:n:n]
}

func (e *encoder) close() error {
	var all []error
	for _, b := range e.bindings {
		if b != nil {
			all = append(all, b.Close())
		}
	}
	e.bindings = nil
	return errors.Join(all...)
}

// fixed is a graph of one size, bound to its tensors.
type fixed struct {
	graph   model.Graph
	binding *onnx.Binding
	inputs  onnx.Tensors
	outputs map[string]*tensor.F32
	feed    Feed // may be nil
}

// bind allocates the outputs of a graph without open axes, but those that nobody reads,
// and ties them to the given inputs.
func (d *Detector) bind(graph model.Graph, inputs onnx.Tensors, unread ...string) (*fixed, error) {
	session := d.networks.sessions[graph]
	f := &fixed{graph: graph, inputs: inputs, outputs: map[string]*tensor.F32{}, feed: d.options.Feed}
	outputs := onnx.Tensors{}
	for _, p := range session.Outputs() {
		if slices.Contains(unread, p.Name) {
			continue
		}
		shape := make([]int, len(p.Shape))
		for i, d := range p.Shape {
			shape[i] = int(d)
		}
		f.outputs[p.Name] = tensor.New[float32](shape...)
		outputs[p.Name] = f.outputs[p.Name]
	}
	b, err := session.Bind(inputs, outputs)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	f.binding = b
	return f, nil
}

func (g *fixed) run() error {
	if g.feed != nil {
		g.feed(g.graph, g.inputs)
	}
	return g.binding.Run()
}
