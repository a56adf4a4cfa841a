package quant

import (
	"fmt"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/qdq"
	"github.com/solofusion/solofusion/quant/histogram"
	"github.com/solofusion/solofusion/tensor"
)

// probe is a graph that gives out all values that may be stored in eight bits, for one
// image at a time.
type probe struct {
	name    model.Graph
	session *onnx.Session
	binding *onnx.Binding
	inputs  map[string]*tensor.F32 // of one image
	outputs map[string]*tensor.F32
	values  []string // inputs and outputs of which histograms are kept
}

// newProbe loads the graph of a float32 bundle.
func newProbe(b *model.Bundle, name model.Graph, threads int) (*probe, error) {
	file, values, err := exposed(b.Graph(name))
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", name, err)
	}
	runtime, err := onnx.Open("")
	if err != nil {
		return nil, err
	}
	p := &probe{name: name, values: values}
	if p.session, err = runtime.Load(string(name), file, onnx.Placement{Provider: "cpu", Threads: threads}); err != nil {
		return nil, err
	}
	p.inputs, p.outputs = single(p.session.Inputs()), single(p.session.Outputs())
	p.binding, err = p.session.Bind(bound(p.inputs), bound(p.outputs))
	return p, err
}

// exposed returns a graph whose values that may be quantised are outputs, and their names.
func exposed(file []byte) ([]byte, []string, error) {
	g, err := graph.Parse(file)
	if err != nil {
		return nil, nil, err
	}
	names, err := qdq.Measured(g)
	if err != nil {
		return nil, nil, err
	}
	shapes, err := g.Infer()
	if err != nil {
		return nil, nil, err
	}
	for _, v := range names {
		if !g.IsInput(v) && !g.IsOutput(v) {
			g.AddOutput(shapes[v])
		}
	}
	file, err = g.Bytes()
	return file, names, err
}

// single returns tensors of ports, of one image where an axis is open.
func single(ports []onnx.Port) map[string]*tensor.F32 {
	all := map[string]*tensor.F32{}
	for _, p := range ports {
		shape := make([]int, len(p.Shape))
		for i, d := range p.Shape {
			shape[i] = max(int(d), 1)
		}
		all[p.Name] = tensor.New[float32](shape...)
	}
	return all
}

func bound(tensors map[string]*tensor.F32) onnx.Tensors {
	all := onnx.Tensors{}
	for name, t := range tensors {
		all[name] = t
	}
	return all
}

// take adds the values that the graph has for the inputs, image by image.
func (p *probe) take(inputs onnx.Tensors, into map[string]*histogram.Histogram, stack *histogram.Peaks) error {
	if t, ok := inputs[stackInput].(*tensor.F32); ok {
		stack.Add(t.Data, t.Shape[len(t.Shape)-1])
	}
	for image := range p.images(inputs) {
		for name, t := range p.inputs {
			copy(t.Data, inputs[name].(*tensor.F32).Data[image*len(t.Data):])
		}
		if err := p.binding.Run(); err != nil {
			return err
		}
		if err := p.add(into); err != nil {
			return err
		}
	}
	return nil
}

// images returns how many images inputs are of.
func (p *probe) images(inputs onnx.Tensors) int {
	for name, t := range p.inputs {
		return len(inputs[name].(*tensor.F32).Data) / len(t.Data)
	}
	return 0
}

func (p *probe) add(into map[string]*histogram.Histogram) error {
	for _, v := range p.values {
		t := p.outputs[v]
		if t == nil {
			t = p.inputs[v]
		}
		if into[v] == nil {
			into[v] = new(histogram.Histogram)
		}
		if err := into[v].Add(t.Data); err != nil {
			return fmt.Errorf("%s: value %q: %w", p.name, v, err)
		}
	}
	return nil
}

func (p *probe) close() {
	if p == nil {
		return
	}
	if p.binding != nil {
		_ = p.binding.Close()
	}
	if p.session != nil {
		_ = p.session.Close()
	}
}

// probes are those of all graphs.
type probes map[model.Graph]*probe

func newProbes(b *model.Bundle, threads int) (probes, error) {
	all := probes{}
	for _, name := range model.Graphs() {
		p, err := newProbe(b, name, threads)
		all[name] = p
		if err != nil {
			all.close()
			return nil, err
		}
	}
	return all, nil
}

func (p probes) close() {
	for _, one := range p {
		one.close()
	}
}
