package graph_test

import (
	"fmt"
	"testing"

	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// maker makes the node "y" of a graph with the float32 input "x".
type maker struct{ *graph.Graph }

func (m maker) floats(shape ...int) string {
	return graph.AddConstant(m.Graph, "w", tensor.New[float32](shape...))
}

func (m maker) ints(list ...int64) string {
	return graph.AddConstant(m.Graph, "n", tensor.From(list, len(list)))
}

func (m maker) add(op string, inputs ...string) *graph.Node { return m.Add(op, "y", inputs...) }

// operatorCases are the operators with what they make of an image of 2 x 6 x 4 x 5.
var operatorCases = []struct {
	name, want string
	make       func(m maker)
}{
	{"Relu", "float32 [2 6 4 5]", func(m maker) { m.add("Relu", "x") }},
	{"Clip", "float32 [2 6 4 5]", func(m maker) { m.add("Clip", "x", m.floats()) }},
	{"Add, fewer axes", "float32 [2 6 4 5]", func(m maker) { m.add("Add", "x", m.floats(4, 1)) }},
	{"Mul, more axes", "float32 [3 2 6 4 5]", func(m maker) { m.add("Mul", "x", m.floats(3, 1, 1, 1, 1)) }},
	{"Max of three", "float32 [2 6 4 5]", func(m maker) { m.add("Max", "x", m.floats(5), m.floats()) }},
	{"Conv", "float32 [2 8 2 2]", func(m maker) {
		m.add("Conv", "x", m.floats(8, 3, 3, 3), m.floats(8)).Set("group", 2).Set("strides", []int{2, 2}).Set("pads", []int{1, 0, 1, 0})
	}},
	{"Conv, dilated", "float32 [2 8 2 3]", func(m maker) { m.add("Conv", "x", m.floats(8, 6, 2, 2)).Set("dilations", []int{2, 2}) }},
	{"ConvTranspose", "float32 [2 6 9 10]", func(m maker) {
		m.add("ConvTranspose", "x", m.floats(6, 3, 3, 3)).Set("group", 2).Set("strides", []int{2, 2}).Set("pads", []int{0, 1, 1, 1}).Set("output_padding", []int{1, 1})
	}},
	{"DeformConv", "float32 [2 7 4 5]", func(m maker) {
		m.add("DeformConv", "x", m.floats(7, 6, 3, 3), m.floats(2, 18, 4, 5)).Set("pads", []int{1, 1, 1, 1})
	}},
	{"MaxPool", "float32 [2 6 2 3]", func(m maker) {
		m.add("MaxPool", "x").Set("kernel_shape", []int{3, 3}).Set("strides", []int{2, 2}).Set("pads", []int{1, 1, 1, 1})
	}},
	{"GlobalAveragePool", "float32 [2 6 1 1]", func(m maker) { m.add("GlobalAveragePool", "x") }},
	{"MatMul", "float32 [2 6 4 7]", func(m maker) { m.add("MatMul", "x", m.floats(5, 7)) }},
	{"Gemm", "float32 [240 3]", func(m maker) {
		m.Add("Reshape", "r", "x", m.ints(1, -1))
		m.add("Gemm", "r", m.floats(3, 1)).Set("transA", 1).Set("transB", 1)
	}},
	{"Concat", "float32 [2 6 7 5]", func(m maker) { m.add("Concat", "x", m.floats(2, 6, 3, 5)).Set("axis", -2) }},
	{"Split", "float32 [2 1 4 5]", func(m maker) {
		m.add("Split", "x", m.ints(1, 5)).Set("axis", 1).Outputs = []string{"y", "rest"}
	}},
	{"Transpose", "float32 [2 4 5 6]", func(m maker) { m.add("Transpose", "x").Set("perm", []int{0, 2, 3, 1}) }},
	{"Transpose, reversed", "float32 [5 4 6 2]", func(m maker) { m.add("Transpose", "x") }},
	{"Reshape", "float32 [2 3 40]", func(m maker) { m.add("Reshape", "x", m.ints(0, 3, -1)) }},
	{"Slice", "float32 [2 2 4 3]", func(m maker) { m.add("Slice", "x", m.ints(-3, 1), m.ints(-1, 4), m.ints(1, 3)) }},
	{"Slice, all axes", "float32 [1 6 4 2]", func(m maker) { m.add("Slice", "x", m.ints(1, 0, 0, 0), m.ints(9, 9, 9, 2)) }},
	{"Unsqueeze", "float32 [1 2 6 4 5 1]", func(m maker) { m.add("Unsqueeze", "x", m.ints(-1, 0)) }},
	{"ReduceL2", "float32 [2 1 4 5]", func(m maker) { m.add("ReduceL2", "x", m.ints(1)) }},
	{"DepthToSpace", "float32 [2 1 8 10]", func(m maker) {
		m.Add("Slice", "four", "x", m.ints(0), m.ints(4), m.ints(1))
		m.add("DepthToSpace", "four").Set("blocksize", 2).Set("mode", "CRD")
	}},
	{"SpaceToDepth", "float32 [2 24 2 2]", func(m maker) {
		m.Add("Slice", "even", "x", m.ints(0), m.ints(4), m.ints(3))
		m.add("SpaceToDepth", "even").Set("blocksize", 2)
	}},
	{"GridSample", "float32 [2 6 3 7]", func(m maker) { m.add("GridSample", "x", m.floats(2, 3, 7, 2)).Set("mode", "linear") }},
	{"Resize by scales", "float32 [2 6 8 7]", func(m maker) {
		s := graph.AddConstant(m.Graph, "s", tensor.From([]float32{1, 1, 2, 1.5}, 4))
		m.add("Resize", "x", "", s).Set("mode", "nearest")
	}},
	{"Resize to sizes", "float32 [2 6 3 3]", func(m maker) { m.add("Resize", "x", "", "", m.ints(2, 6, 3, 3)).Set("mode", "linear") }},
	{"Cast, there and back", "float32 [2 6 4 5]", func(m maker) {
		m.Add("Cast", "h", "x").Set("to", int(graph.Float16))
		m.Add("Add", "s", "h", m.AddFloat16("one", []uint16{0x3c00, 0x3c00, 0x3c00, 0x3c00, 0x3c00}, 5))
		m.add("Cast", "s").Set("to", int(graph.Float32))
	}},
	{"QuantizeLinear", "int8 [2 6 4 5]", func(m maker) {
		m.add("QuantizeLinear", "x", m.one(), graph.AddConstant(m.Graph, "z", tensor.New[int8]()))
	}},
	{"QuantizeLinear, default", "uint8 [2 6 4 5]", func(m maker) { m.add("QuantizeLinear", "x", m.one()) }},
	{"DequantizeLinear", "float32 [2 6 4 5]", func(m maker) {
		m.Add("QuantizeLinear", "q", "x", m.one())
		m.add("DequantizeLinear", "q", m.one())
	}},
}

// one adds a scale.
func (m maker) one() string {
	return graph.AddConstant(m.Graph, "one", tensor.From([]float32{1}))
}

// TestInferAgreesWithONNXRuntime declares the inferred outputs: the library refuses
// another rank or type when it loads, and another size when it runs.
func TestInferAgreesWithONNXRuntime(t *testing.T) {
	for _, tt := range operatorCases {
		t.Run(tt.name, func(t *testing.T) {
			g := graph.New(20)
			g.AddInput(graph.Value{Name: "x", Type: graph.Float32, Shape: []int{2, 6, 4, 5}})
			tt.make(maker{g})
			values, err := g.Infer()
			if err != nil {
				t.Fatal(err)
			}
			y := values["y"]
			if got := fmt.Sprint(y.Type, " ", y.Shape); got != tt.want {
				t.Errorf("y is %s, want %s", got, tt.want)
			}
			g.AddOutput(y)
			run(t, g, y)
		})
	}
}

func run(t *testing.T, g *graph.Graph, y graph.Value) {
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
	var out any = tensor.New[float32](y.Shape...)
	switch y.Type {
	case graph.Uint8:
		out = tensor.New[uint8](y.Shape...)
	case graph.Int8:
		out = tensor.New[int8](y.Shape...)
	}
	if err := session.Run(onnx.Tensors{"x": tensor.New[float32](2, 6, 4, 5)}, onnx.Tensors{"y": out}); err != nil {
		t.Error(err)
	}
}

func TestInferKeepsTheOpenAxis(t *testing.T) {
	g := graph.New(20)
	g.AddInput(graph.Value{Name: "x", Type: graph.Float32, Shape: []int{-1, 6, 4, 5}})
	m := maker{g}
	m.Add("Conv", "c", "x", m.floats(8, 6, 1, 1))
	m.Add("Reshape", "r", "c", m.ints(0, 2, 4, 4, -1))
	m.Add("Mul", "y", "r", m.floats(1, 1, 1, 1, 5))
	values, err := g.Infer()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(values["y"].Shape); got != "[-1 2 4 4 5]" {
		t.Errorf("y has shape %s", got)
	}
}

func TestInferNamesWhatDoesNotFit(t *testing.T) {
	for _, tt := range []struct {
		want string
		make func(m maker)
	}{
		{"do not fit the weight", func(m maker) { m.add("Conv", "x", m.floats(8, 5, 1, 1)) }},
		{"larger than the image", func(m maker) { m.add("Conv", "x", m.floats(8, 6, 5, 5)) }},
		{"auto_pad is set", func(m maker) { m.add("Conv", "x", m.floats(8, 6, 1, 1)).Set("auto_pad", "SAME_UPPER") }},
		{"shapes [2 6 4 5] and [3] do not fit", func(m maker) { m.add("Add", "x", m.floats(3)) }},
		{"want one type", func(m maker) { m.add("Add", "x", m.ints(3)) }},
		{"shape [7 -1] of [2 6 4 5]", func(m maker) { m.add("Reshape", "x", m.ints(7, -1)) }},
		{`"x" is no constant`, func(m maker) { m.add("Reshape", "x", "x") }},
		{"parts [1 2] of [2 6 4 5] along axis 1", func(m maker) { m.add("Split", "x", m.ints(1, 2)).Set("axis", 1) }},
		{"axis 4 of 4", func(m maker) { m.add("Concat", "x", "x").Set("axis", 4) }},
		{"blocks of 4 x 4", func(m maker) { m.add("DepthToSpace", "x").Set("blocksize", 4) }},
		{"blocks of 16 in", func(m maker) { m.add("SpaceToDepth", "x").Set("blocksize", 16) }},
		{"perm [0 0 1 2] of 4 axes", func(m maker) { m.add("Transpose", "x").Set("perm", []int{0, 0, 1, 2}) }},
		{"1 inputs, want at least 2", func(m maker) { m.add("MatMul", "x") }},
		{"matrices [2 6 4 5] and [4 5] do not fit", func(m maker) { m.add("MatMul", "x", m.floats(4, 5)) }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			g := graph.New(20)
			g.AddInput(graph.Value{Name: "x", Type: graph.Float32, Shape: []int{2, 6, 4, 5}})
			tt.make(maker{g})
			_, err := g.Infer()
			wantError(t, err, tt.want)
		})
	}
}
