package quant

import (
	"fmt"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/half"
	"github.com/solofusion/solofusion/onnx/qdq"
)

// ForTensorRT returns the bundle with graphs of symmetric int8 for TensorRT, from the same
// statistics; what is not quantised it may compute in float16. Layers in keep stay so.
func ForTensorRT(b *model.Bundle, s *Statistics, o Options) (*model.Bundle, error) {
	set := model.GraphSet{
		Files: map[model.Graph]string{}, Input: &model.Input{Type: "float32"},
		Precision: []string{"float16", "int8"},
	}
	files := map[string][]byte{}
	for _, name := range model.Graphs() {
		file, err := o.tensorRT(b, name, s)
		if err != nil {
			return nil, fmt.Errorf("model: %s: for TensorRT: %w", name, err)
		}
		set.Files[name] = fileFor(name, tensorRT)
		files[set.Files[name]] = file
	}
	set.Quantisation = record(s, o, set.Files)
	set.Quantisation.Activations = "int8, symmetric"
	return with(b, tensorRT, set, files)
}

func (o *Options) tensorRT(b *model.Bundle, name model.Graph, s *Statistics) ([]byte, error) {
	g, ranges, err := o.measured(b, name, s)
	if err != nil {
		return nil, err
	}
	if _, err := qdq.Equalise(g, ranges); err != nil {
		return nil, err
	}
	p, err := qdq.NewPlan(g, qdq.TensorRT, o.Keep[name])
	if err != nil {
		return nil, err
	}
	if _, err := p.Write(ranges, qdq.Options{}); err != nil {
		return nil, err
	}
	if err := qdq.CheckTensorRT(g); err != nil {
		return nil, err
	}
	return g.Bytes()
}

// ForCUDA returns the bundle with graphs of float16 for the CUDA provider, which computes
// no convolution in 8 bits. The error names values that float16 does not reach.
func ForCUDA(b *model.Bundle, s *Statistics) (*model.Bundle, error) {
	set := model.GraphSet{Files: map[model.Graph]string{}, Input: &model.Input{Type: "float32"}}
	files := map[string][]byte{}
	for _, name := range model.Graphs() {
		g, err := graph.Parse(b.Graph(name))
		if err == nil {
			err = half.Convert(g, magnitudes(s, name))
		}
		var file []byte
		if err == nil {
			file, err = g.Bytes()
		}
		if err != nil {
			return nil, fmt.Errorf("model: %s: for CUDA: %w", name, err)
		}
		set.Files[name] = fileFor(name, cuda)
		files[set.Files[name]] = file
	}
	return with(b, cuda, set, files)
}

// magnitudes returns how large the values of a graph got.
func magnitudes(s *Statistics, name model.Graph) map[string]float32 {
	all := map[string]float32{}
	for v, h := range s.Of[name] {
		all[v] = max(-h.Low, h.High)
	}
	return all
}

// Providers that have graphs of their own.
const (
	cpu      = "cpu"
	tensorRT = "tensorrt"
	cuda     = "cuda"
)

// Targets are the providers that graphs can be written for.
var Targets = []string{cpu, tensorRT, cuda}
