package pipeline

import (
	"errors"
	"fmt"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/tensor"
)

// sessions are the bundle's graphs, loaded.
type sessions map[model.Graph]*onnx.Session

// load makes the sessions and compares their ports with the manifest.
func load(b *model.Bundle, providers []string, threads int) (sessions, error) {
	runtime, err := onnx.Open("")
	if err != nil {
		return nil, err
	}
	s := sessions{}
	for _, g := range []model.Graph{model.ImageEncoder, model.BEVEmbed, model.DetectHead} {
		if s[g], err = runtime.Load(string(g), b.Graph(g), providers, threads); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if err := b.Verify(s.inspect); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// Verify loads a bundle's graphs and compares their ports with its manifest.
func Verify(b *model.Bundle) error {
	s, err := load(b, []string{"cpu"}, 1)
	if err != nil {
		return err
	}
	return s.close()
}

func (s sessions) inspect(g model.Graph) (inputs, outputs []model.Port, err error) {
	convert := func(ports []onnx.Port) []model.Port {
		list := make([]model.Port, len(ports))
		for i, p := range ports {
			list[i] = model.Port(p)
		}
		return list
	}
	return convert(s[g].Inputs()), convert(s[g].Outputs()), nil
}

func (s sessions) close() error {
	var all []error
	for _, session := range s {
		if session != nil {
			all = append(all, session.Close())
		}
	}
	return errors.Join(all...)
}

// encoder runs the image encoder on the first n rows of its tensors.
type encoder struct {
	session  *onnx.Session
	inputs   map[string]*tensor.F32 // images, cameras
	outputs  map[string]*tensor.F32 // context, mono_logits, stereo_features
	bindings []*onnx.Binding        // by the number of rows, nil until used
}

// newEncoder allocates tensors of that many rows.
func newEncoder(session *onnx.Session, rows int) *encoder {
	allocate := func(ports []onnx.Port) map[string]*tensor.F32 {
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
	return &encoder{
		session:  session,
		inputs:   allocate(session.Inputs()),
		outputs:  allocate(session.Outputs()),
		bindings: make([]*onnx.Binding, rows+1),
	}
}

func (e *encoder) run(n int) error {
	if e.bindings[n] == nil {
		cut := func(tensors map[string]*tensor.F32) onnx.Tensors {
			first := onnx.Tensors{}
			for name, t := range tensors {
				first[name] = rows(t, n)
			}
			return first
		}
		b, err := e.session.Bind(cut(e.inputs), cut(e.outputs))
		if err != nil {
			return err
		}
		e.bindings[n] = b
	}
	return e.bindings[n].Run()
}

func (e *encoder) close() error {
	var all []error
	for _, b := range e.bindings {
		if b != nil {
			all = append(all, b.Close())
		}
	}
	return errors.Join(all...)
}

// fixed is a graph of one size, bound to its tensors.
type fixed struct {
	binding *onnx.Binding
	outputs map[string]*tensor.F32
}

// bind allocates the outputs of a graph without open axes and ties them to the
// given inputs.
func bind(session *onnx.Session, inputs onnx.Tensors) (*fixed, error) {
	f := &fixed{outputs: map[string]*tensor.F32{}}
	outputs := onnx.Tensors{}
	for _, p := range session.Outputs() {
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
