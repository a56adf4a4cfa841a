// Package graphtest runs graphs that tests make or change.
//
//	want := graphtest.Run(t, g, onnx.Tensors{"x": graphtest.Random(7, graphtest.Closed(shape)...)})
package graphtest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// cameras is the size of open axes.
const cameras = 2

// Closed returns a shape without open axes.
func Closed(shape []int) []int {
	shape = slices.Clone(shape)
	for i, d := range shape {
		if d < 0 {
			shape[i] = cameras
		}
	}
	return shape
}

// Random returns numbers of a normal distribution, the same for the same seed.
func Random(seed uint64, shape ...int) *tensor.F32 {
	source := rand.New(rand.NewPCG(seed, 1))
	t := tensor.New[float32](shape...)
	for i := range t.Data {
		t.Data[i] = float32(source.NormFloat64())
	}
	return t
}

// Run returns the float32 outputs that a graph has for inputs on ONNX Runtime's CPU provider.
func Run(t testing.TB, g *graph.Graph, inputs onnx.Tensors) map[string]*tensor.F32 {
	t.Helper()
	file, err := g.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := onnx.Open("")
	if err != nil {
		t.Fatal(err)
	}
	session, err := runtime.Load("graph", file, onnx.Placement{Provider: "cpu", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	results, outputs := map[string]*tensor.F32{}, onnx.Tensors{}
	for _, v := range g.Outputs() {
		results[v.Name] = tensor.New[float32](Closed(v.Shape)...)
		outputs[v.Name] = results[v.Name]
	}
	if err := session.Run(inputs, outputs); err != nil {
		t.Fatal(err)
	}
	return results
}
