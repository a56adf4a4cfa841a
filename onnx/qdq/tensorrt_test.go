package qdq_test

import (
	"slices"
	"testing"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/internal/graphtest"
	"github.com/solofusion/solofusion/onnx/qdq"
	"github.com/solofusion/solofusion/tensor"
)

func TestTensorRTPlaces(t *testing.T) {
	g := residual(t)
	made, report := quantised(t, g, qdq.TensorRT, inputsOf(g), qdq.Options{})
	if err := qdq.CheckTensorRT(made); err != nil {
		t.Fatal(err)
	}
	const want = "Q D Conv Relu MaxPool Q D Conv Relu Q D Conv Add Relu Q D Conv Relu DepthToSpace Concat Q D Conv Gemm Sigmoid Unsqueeze Mul Q D Conv Relu Conv"
	if got := operators(made); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if a, b := report.Scales["a"], report.Scales["both"]; a != b {
		t.Errorf("a concatenation has scale %v, its input %v", b, a)
	}
}

// TestTheShorterWayIsTheShortcut has a residual block whose shortcut is a convolution.
func TestTheShorterWayIsTheShortcut(t *testing.T) {
	for _, shortFirst := range []bool{true, false} {
		b := build(float("x", 1, 16, 6, 6))
		b.convRelu("x", "a", 16, 16)
		b.convRelu("a", "b", 16, 32)
		b.conv("b", "long", 32, 32)
		b.conv("a", "short", 16, 32)
		summands := []string{"long", "short"}
		if shortFirst {
			slices.Reverse(summands)
		}
		b.Add("Add", "sum", summands...)
		b.Add("Relu", "r", "sum")
		b.conv("r", "y", 32, 16)
		g := b.done(t, "y")
		inputs := inputsOf(g)
		made, _ := quantised(t, g, qdq.TensorRT, inputs, qdq.Options{})
		if err := qdq.CheckTensorRT(made); err != nil {
			t.Fatal(err)
		}
		for _, v := range made.Producer("sum").Inputs {
			paired := made.Producer(v).Op == "DequantizeLinear"
			if want := v != "long"; paired != want {
				t.Errorf("%q comes from a pair: %v, want %v", v, paired, want)
			}
		}
		wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.03)
	}
}

// TestASumOfReadValuesHasNoShortcut has a sum that no convolution can compute, as its result
// alone is needed, too.
func TestASumOfReadValuesHasNoShortcut(t *testing.T) {
	b := build(float("x", 1, 16, 6, 6))
	b.convRelu("x", "a", 16, 16)
	b.conv("a", "b", 16, 16)
	b.Add("Add", "sum", "b", "a")
	b.convRelu("sum", "c", 16, 16)
	b.conv("c", "y", 16, 16)
	g := b.done(t, "y", "b")
	made, _ := quantised(t, g, qdq.TensorRT, inputsOf(g), qdq.Options{})
	if err := qdq.CheckTensorRT(made); err != nil {
		t.Fatal(err)
	}
	if in := made.Producer("sum").Inputs; !slices.Equal(in, []string{"b", "a"}) {
		t.Errorf("the sum is of %v, want the values themselves", in)
	}
}

// TestJoinedLayoutsShareAScale joins a value that was laid out, and reads the joined one in
// another layout.
func TestJoinedLayoutsShareAScale(t *testing.T) {
	b := build(float("x", 1, 16, 8, 8))
	pool := func(x, y string) {
		b.Add("MaxPool", y, x).Set("kernel_shape", []int{2, 2}).Set("strides", []int{2, 2})
	}
	b.convRelu("x", "a", 16, 16)
	pool("a", "half")
	pool("x", "small")
	b.convRelu("small", "b", 16, 16)
	b.Add("Concat", "all", "half", "b").Set("axis", 1)
	pool("all", "quarter")
	b.convRelu("quarter", "c", 32, 16)
	b.convRelu("a", "d", 16, 16)
	b.conv("c", "y", 16, 16)
	b.conv("d", "z", 16, 16)
	g := b.done(t, "y", "z")
	inputs := inputsOf(g)
	made, report := quantised(t, g, qdq.TensorRT, inputs, qdq.Options{})
	if err := qdq.CheckTensorRT(made); err != nil {
		t.Fatal(err)
	}
	if report.Scales["a"] != report.Scales["all"] || report.Scales["a"].Step == 0 {
		t.Errorf("scales %v", report.Scales)
	}
	wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.03)
}

func TestNarrowConvolutionsStayFloat(t *testing.T) {
	for _, tt := range []struct {
		inputs, outputs, k int
		first, want        bool
	}{
		{16, 16, 3, false, true}, {17, 19, 3, false, true}, {8, 16, 3, false, true}, {24, 8, 3, false, true},
		{8, 8, 3, false, false}, {12, 16, 3, false, false}, {16, 12, 3, false, false}, {15, 64, 3, false, false},
		{8, 16, 1, false, true}, {3, 24, 3, true, true}, {3, 4, 3, true, true},
	} {
		for _, square := range []bool{true, false} {
			b := build(float("x", 1, tt.inputs, 8, 8))
			b.Add("Sigmoid", "s", "x")
			x := "s"
			if tt.first {
				x = "x"
			}
			height := tt.k
			if !square {
				height++
			}
			b.Add("Conv", "a", x, b.constant(tt.outputs, tt.inputs, height, tt.k))
			b.Add("Relu", "r", "a")
			b.Add("Conv", "y", "r", b.constant(4, tt.outputs, 1, 1))
			g := b.done(t, "y", "s")
			want := tt.want && (square || tt.inputs >= 16 && tt.outputs >= 16)
			if got := plan(t, g, qdq.TensorRT).Layers()[0].Integer; got != want {
				t.Errorf("%+v, square %v: in integers %v, want %v", tt, square, got, want)
			}
		}
	}
}

func TestTensorRTDefaultBundle(t *testing.T) {
	eachBundled(t, func(t *testing.T, g *graph.Graph) {
		inputs := inputsOf(g)
		made, report := quantised(t, g, qdq.TensorRT, inputs, qdq.Options{})
		if err := qdq.CheckTensorRT(made); err != nil {
			t.Error(err)
		}
		cpu := plan(t, g, qdq.CPU).Values()
		for v := range report.Scales {
			if !slices.Contains(cpu, v) {
				t.Errorf("%q is not measured for the CPU: one file of statistics must serve both", v)
			}
		}
		wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.15)
	})
}

func TestAZeroChannelPassesTheCheck(t *testing.T) {
	g := layer(t, func(w, b []float32) { clear(w[:16*9]) })
	inputs := inputsOf(g)
	made, _ := quantised(t, g, qdq.TensorRT, inputs, qdq.Options{})
	if err := qdq.CheckTensorRT(made); err != nil {
		t.Error(err)
	}
	wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.03)
}

func scalar[T tensor.Elem](g *graph.Graph, x T) string {
	return graph.AddConstant(g, "scalar", tensor.From([]T{x}))
}

// TestCheckTensorRTRefuses breaks each rule.
func TestCheckTensorRTRefuses(t *testing.T) {
	pair := func(g *graph.Graph, v string) string {
		stored, real := g.Fresh(v+"_q"), g.Fresh(v+"_d")
		g.Add("QuantizeLinear", stored, v, scalar(g, float32(0.1)), scalar(g, int8(0)))
		g.Add("DequantizeLinear", real, stored, scalar(g, float32(0.1)), scalar(g, int8(0)))
		return real
	}
	// both changes a scale or zero point of a value's pair in both nodes.
	both := func(g *graph.Graph, v string, input int, name string) {
		for _, n := range append(g.Readers(v+"_stored"), g.Producer(v+"_stored")) {
			n.Inputs[input] = name
		}
	}
	for _, tt := range []struct {
		name, want string
		spoil      func(g *graph.Graph)
	}{
		{"negative scale", "a scale is -1, want a positive one", func(g *graph.Graph) { both(g, "x", 1, scalar(g, float32(-1))) }},
		{"scale of zero", "a scale is 0, want a positive one", func(g *graph.Graph) {
			n := g.Producer(g.Producer("c").Inputs[1])
			n.Inputs[1] = graph.AddConstant(g, "zeros", tensor.New[float32](16))
		}},
		{"zero point", "a zero point is not 0", func(g *graph.Graph) { both(g, "b", 2, scalar(g, int8(3))) }},
		{"uint8", "zero point: constant", func(g *graph.Graph) { both(g, "b", 2, scalar(g, uint8(0))) }},
		{"no zero point", "zero point: value", func(g *graph.Graph) { both(g, "b", 2, "") }},
		{"two scales of a pair", "its scale is not that of", func(g *graph.Graph) { g.Producer("b_real").Inputs[1] = scalar(g, float32(2)) }},
		{"scales by channel", "16 scales of one value, want one", func(g *graph.Graph) {
			s := tensor.New[float32](16)
			for i := range s.Data {
				s.Data[i] = 1
			}
			both(g, "b", 1, graph.AddConstant(g, "steps", s))
			both(g, "b", 2, graph.AddConstant(g, "zeros", tensor.New[int8](16)))
		}},
		{"bias", "its bias is quantised", func(g *graph.Graph) {
			n := g.Producer("c")
			n.Inputs[2] = pair(g, n.Inputs[2])
		}},
		{"weight alone", "its weight is quantised, but not its input", func(g *graph.Graph) { g.Producer("c").Inputs[0] = "b" }},
		{"input alone", "its input is quantised, but not its weight", func(g *graph.Graph) {
			g.Producer("c").Inputs[1] = graph.AddConstant(g, "w", graphtest.Random(1, 16, 16, 3, 3))
		}},
		{"computed weight", "no constant", func(g *graph.Graph) {
			g.Add("Relu", "w", graph.AddConstant(g, "w_given", graphtest.Random(1, 16, 16, 3, 3)))
			n := g.Producer("c")
			dq := g.Producer(n.Inputs[1])
			dq.Inputs[1], dq.Inputs[2] = scalar(g, float32(1)), scalar(g, int8(0))
			g.Add("QuantizeLinear", "w_q", "w", dq.Inputs[1], dq.Inputs[2])
			dq.Inputs[0] = "w_q"
		}},
		{"one scale of a weight", "want one for each output channel", func(g *graph.Graph) {
			dq := g.Producer(g.Producer("c").Inputs[1])
			dq.Inputs[1], dq.Inputs[2] = scalar(g, float32(1)), scalar(g, int8(0))
		}},
		{"scales of input channels", "want one for each output channel", func(g *graph.Graph) {
			g.Producer(g.Producer("c").Inputs[1]).Set("axis", 1)
		}},
		{"pair on a Relu", "from a pair", func(g *graph.Graph) { g.Producer("b").Inputs[0] = pair(g, "b_sum") }},
		{"pair on a concatenation", "from a pair", func(g *graph.Graph) { g.Producer("both").Inputs[0] = pair(g, "wide") }},
		{"pair on a gate", "from a pair", func(g *graph.Graph) { g.Producer("gated").Inputs[1] = pair(g, "gate_image") }},
		{"both summands", "comes from no layer in int8", func(g *graph.Graph) { g.Producer("sum").Inputs[0] = pair(g, "c") }},
		{"no shortcut", "its shortcut \"pool\" is not quantised", func(g *graph.Graph) { g.Producer("sum").Inputs[1] = "pool" }},
		{"two scales of a concatenation", "want one", func(g *graph.Graph) { both(g, "both", 1, scalar(g, float32(0.5))) }},
		{"narrow", "too few channels", func(g *graph.Graph) {
			dq := g.Producer(g.Producer("b_sum").Inputs[1])
			dq.Inputs[0] = graph.AddConstant(g, "narrow", tensor.New[int8](4, 16, 3, 3))
			dq.Inputs[1] = graph.AddConstant(g, "steps", tensor.From([]float32{1, 1, 1, 1}, 4))
			dq.Inputs[2] = graph.AddConstant(g, "zeros", tensor.New[int8](4))
			g.Producer("b_sum").Inputs[2] = ""
			g.Producer(g.Producer("c").Inputs[1]).Inputs[0] = graph.AddConstant(g, "next", tensor.New[int8](16, 4, 3, 3))
		}},
		{"output of a layer", "an output of the graph is quantised", func(g *graph.Graph) {
			real := pair(g, "y")
			g.AddOutput(float(real, -1, 3, 8, 8))
		}},
		{"integer output", "an output of the graph is int8", func(g *graph.Graph) {
			g.AddOutput(graph.Value{Name: "b_stored", Type: graph.Int8, Shape: []int{-1, 16, 4, 4}})
		}},
		{"integers beside pairs", "reads int8, want DequantizeLinear", func(g *graph.Graph) {
			g.Add("Identity", "moved", "b_stored")
			g.Producer("b_real").Inputs[0] = "moved"
		}},
		{"integer input", "want what QuantizeLinear makes", func(g *graph.Graph) {
			g.AddInput(graph.Value{Name: "given", Type: graph.Int8, Shape: []int{-1, 16, 4, 4}})
			g.Producer("b_real").Inputs[0] = "given"
		}},
		{"unknown operator", "unknown operator", func(g *graph.Graph) { g.Producer("d").Op = "HardSwish" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := residual(t)
			p := plan(t, g, qdq.TensorRT)
			ranges := map[string]qdq.Range{}
			for _, v := range p.Values() {
				ranges[v] = qdq.Range{Low: -1, High: 1}
			}
			if _, err := p.Write(ranges, qdq.Options{}); err != nil {
				t.Fatal(err)
			}
			tt.spoil(g)
			wantError(t, qdq.CheckTensorRT(g), tt.want)
		})
	}
}
