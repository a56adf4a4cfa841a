package rewrite_test

import (
	"testing"

	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/internal/graphtest"
	"github.com/solofusion/solofusion/onnx/rewrite"
	"github.com/solofusion/solofusion/tensor"
)

// pair adds a value's QuantizeLinear and DequantizeLinear, and returns what comes out.
func (b *builder) pair(x string, scale float32, zero uint8) string {
	s := graph.AddConstant(b.Graph, "scale", tensor.From([]float32{scale}))
	z := graph.AddConstant(b.Graph, "zero", tensor.From([]uint8{zero}))
	b.Add("QuantizeLinear", x+"_q", x, s, z)
	return b.Add("DequantizeLinear", x+"_dq", x+"_q", s, z).Output()
}

// quantisedConv adds a 1x1 convolution of whole numbers: its results are exact.
func (b *builder) quantisedConv(x, y string, weight []int8, outputs int) {
	scales := tensor.New[float32](outputs)
	for i := range scales.Data {
		scales.Data[i] = float32(i + 1)
	}
	s := graph.AddConstant(b.Graph, "weight_scale", scales)
	q := graph.AddConstant(b.Graph, "weight_q", tensor.From(weight, outputs, len(weight)/outputs, 1, 1))
	b.Add("DequantizeLinear", y+"_weight", q, s, graph.AddConstant(b.Graph, "weight_zero", tensor.New[int8](outputs))).Set("axis", 0)
	b.Add("Conv", y, x, y+"_weight")
}

// whole is a stack of whole numbers from 0 to 11.
func whole(shape ...int) *tensor.U8 {
	t := tensor.New[uint8](shape...)
	for i := range t.Data {
		t.Data[i] = uint8(i % 12)
	}
	return t
}

func TestUnquantiseGivesWhatTheNumbersStandFor(t *testing.T) {
	b := build(graph.Value{Name: "stack", Type: graph.Uint8, Shape: []int{1, 2, 3, 2}})
	b.Add("Transpose", "first", "stack").Set("perm", []int{0, 3, 1, 2})
	s := graph.AddConstant(b.Graph, "scale", tensor.From([]float32{0.5}))
	z := graph.AddConstant(b.Graph, "zero", tensor.From([]uint8{3}))
	b.Add("DequantizeLinear", "real", "first", s, z)
	b.quantisedConv("real", "signed", []int8{1, -1, -2, 1}, 2) // negative numbers, cut off by a zero point of 0
	cut := b.pair("signed", 0.5, 0)
	b.quantisedConv(cut, "y", []int8{3, -1}, 1)
	kept := b.pair("y", 0.5, 128)
	g := b.done(t, cut, kept)

	stack := whole(1, 2, 3, 2)
	want := graphtest.Run(t, g, onnx.Tensors{"stack": stack})
	if err := rewrite.Unquantise(g); err != nil {
		t.Fatal(err)
	}
	if got := operators(g); got != "Transpose Conv Relu Conv Identity" {
		t.Errorf("operators %s", got)
	}
	real := tensor.New[float32](stack.Shape...)
	for i, q := range stack.Data {
		real.Data[i] = 0.5 * (float32(q) - 3)
	}
	wantClose(t, graphtest.Run(t, again(t, g), onnx.Tensors{"stack": real}), want, 0)
}

func TestUnquantiseAddsNoSecondRelu(t *testing.T) {
	b := build(image("x", 1, 2, 3, 4))
	b.Add("Relu", "r", "x")
	b.Add("Sigmoid", "s", "x")
	b.Add("Concat", "c", "r", "s").Set("axis", 1)
	b.Add("Sigmoid", "y", b.pair("c", 0.1, 0))
	g := b.done(t, "y")
	if err := rewrite.Unquantise(g); err != nil {
		t.Fatal(err)
	}
	if got := operators(g); got != "Relu Sigmoid Concat Sigmoid" {
		t.Errorf("operators %s", got)
	}
}

// The bound is that of rounding activations in eighteen layers; the default
// bundle's head differs from its float form by 3 to 7 % of a map's mean square.
func TestUnquantiseDefaultHead(t *testing.T) {
	g := bundled(t, "head.cpu")
	v := g.Inputs()[0]
	stack := stored(graphtest.Random(3, v.Shape...), 4)
	scale := inputScale(t, g)
	want := graphtest.Run(t, g, onnx.Tensors{"stack": stack})
	if err := rewrite.Unquantise(g); err != nil {
		t.Fatal(err)
	}
	real := tensor.New[float32](v.Shape...)
	for i, q := range stack.Data {
		real.Data[i] = scale * float32(q)
	}
	wantClose(t, graphtest.Run(t, g, onnx.Tensors{"stack": real}), want, 0.4)
}

// inputScale returns the scale of the default head's input, whose zero point is 0.
func inputScale(t *testing.T, g *graph.Graph) float32 {
	t.Helper()
	s, err := graph.Constant[float32](g, g.Only("stack").Inputs[1])
	if err != nil {
		t.Fatal(err)
	}
	return s.Data[0]
}

func TestUnquantiseNamesWhatItCannotTake(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		edit       func(b *builder)
	}{
		{"another scale", "have not the same scale", func(b *builder) {
			b.Producer("r_dq").Inputs[1] = graph.AddConstant(b.Graph, "scale", tensor.From([]float32{2}))
		}},
		{"not dequantised", "is not dequantised", func(b *builder) { b.Producer("y").Inputs[0] = "r_q" }},
		{"computed", "neither quantised by a node", func(b *builder) {
			b.Add("Identity", "moved", "r_q")
			b.Producer("r_dq").Inputs[0] = "moved"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(image("x", 1, 2, 3, 4))
			b.Add("Relu", "r", "x")
			b.Add("Identity", "y", b.pair("r", 0.1, 0))
			g := b.done(t, "y")
			tt.edit(b)
			wantError(t, rewrite.Unquantise(g), tt.want)
		})
	}
}

func TestExactLeavesEightBitParts(t *testing.T) {
	g := bundled(t, "head.cpu")
	changed := rewritten(t, g)
	if got, want := count(changed, "DequantizeLinear"), count(g, "DequantizeLinear"); got != want || want == 0 {
		t.Errorf("%d values are dequantised, want %d", got, want)
	}
	if got, want := count(changed, "QuantizeLinear"), count(g, "QuantizeLinear"); got != want {
		t.Errorf("%d values are quantised, want %d", got, want)
	}
}

func count(g *graph.Graph, op string) int {
	n := 0
	for _, node := range g.Nodes() {
		if node.Op == op {
			n++
		}
	}
	return n
}
