package qdq_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/qdq"
)

// scaleLayer multiplies a layer's constants.
func scaleLayer(t testing.TB, g *graph.Graph, output string, factor float32) {
	t.Helper()
	n := g.Producer(output)
	for i := 1; i < len(n.Inputs); i++ {
		w, err := graph.Constant[float32](g, n.Inputs[i])
		if err != nil {
			t.Fatal(err)
		}
		for k := range w.Data {
			w.Data[k] *= factor
		}
		n.Inputs[i] = graph.AddConstant(g, "scaled", w)
	}
}

// branches joins four branches of very different ranges: a convolution, one laid out, one
// with a second reader, and a transposed one. Two layers read what is joined.
func branches(t testing.TB) *graph.Graph {
	b := build(float("x", 1, 16, 8, 8))
	b.convRelu("x", "a", 16, 16)
	b.convRelu("x", "b", 16, 64)
	b.Add("MaxPool", "pooled", "b").Set("kernel_shape", []int{2, 2}).Set("strides", []int{2, 2})
	b.Add("DepthToSpace", "wide", "pooled").Set("blocksize", 2).Set("mode", "CRD")
	b.convRelu("x", "c", 16, 16)
	b.Add("MaxPool", "half", "x").Set("kernel_shape", []int{2, 2}).Set("strides", []int{2, 2})
	b.Add("ConvTranspose", "d_sum", "half", b.constant(16, 16, 2, 2), b.constant(16)).Set("strides", []int{2, 2})
	b.Add("Relu", "d", "d_sum")
	b.Add("Concat", "all", "a", "wide", "c", "d").Set("axis", 1)
	b.convRelu("all", "e", 64, 16)
	b.Add("ConvTranspose", "f", "all", b.constant(64, 16, 1, 1))
	b.conv("a", "beside", 16, 16)
	b.Add("Add", "sum", "f", "beside")
	b.Add("Relu", "sum_relu", "sum")
	b.conv("sum_relu", "y", 16, 16)
	b.conv("e", "z", 16, 16)
	g := b.done(t, "y", "z")
	scaleLayer(t, g, "b_sum", 0.013)
	scaleLayer(t, g, "c_sum", 7)
	scaleLayer(t, g, "d_sum", 0.3)
	return g
}

func measured(t testing.TB, g *graph.Graph) []string {
	t.Helper()
	names, err := qdq.Measured(g)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// wantBits fails unless outputs are the same to the bit.
func wantBits(t *testing.T, g, changed *graph.Graph) {
	t.Helper()
	inputs := inputsOf(g)
	got, want := run(t, changed, inputs, nil), run(t, g, inputs, nil)
	for name := range want {
		if !slices.Equal(got[name].Data, want[name].Data) {
			t.Errorf("%s differs, noise %.3g", name, noise(got[name], want[name]))
		}
	}
}

func TestEqualise(t *testing.T) {
	g := branches(t)
	inputs := inputsOf(g)
	ranges := measure(t, g, measured(t, g), inputs)
	changed := copyOf(t, g)
	done, err := qdq.Equalise(changed, ranges)
	if err != nil {
		t.Fatal(err)
	}
	wantBits(t, g, changed)
	var names []string
	for _, e := range done {
		names = append(names, e.Value)
	}
	if fmt.Sprint(names) != "[a wide]" { // d, of a layer that stays float32, is not measured
		t.Errorf("scaled %v", done)
	}
	if before := measure(t, g, []string{"all"}, inputs); ranges["all"] != before["all"] {
		t.Errorf("what is joined reaches %v, want %v as before", ranges["all"], before["all"])
	}
	after := measure(t, changed, []string{"a", "b", "c", "all"}, inputs)
	for v, r := range after {
		if !(r.High > after["all"].High/2) || ranges[v] != (qdq.Range{High: after["all"].High}) {
			t.Errorf("%s: range %v given as %v, all that is joined %v", v, r, ranges[v], after["all"])
		}
	}
}

// TestEqualisedGraphsLoseLess compares the noise of 8 bits with and without.
func TestEqualisedGraphsLoseLess(t *testing.T) {
	for _, target := range []qdq.Target{qdq.CPU, qdq.TensorRT} {
		g := branches(t)
		// What reads the branch of small numbers makes much of it.
		e, err := graph.Constant[float32](g, g.Producer("e_sum").Inputs[1])
		if err != nil {
			t.Fatal(err)
		}
		for i := range e.Data {
			if c := i / 9 % 64; c >= 16 && c < 32 {
				e.Data[i] *= 100
			} else {
				e.Data[i] /= 10
			}
		}
		g.Producer("e_sum").Inputs[1] = graph.AddConstant(g, "e_weight", e)
		inputs := inputsOf(g)
		want := run(t, g, inputs, nil)
		plain, _ := quantised(t, g, target, inputs, qdq.Options{})
		before := noise(run(t, plain, inputs, nil)["z"], want["z"])

		changed := copyOf(t, g)
		ranges := measure(t, g, measured(t, g), inputs)
		if _, err := qdq.Equalise(changed, ranges); err != nil {
			t.Fatal(err)
		}
		if _, err := plan(t, changed, target).Write(ranges, qdq.Options{}); err != nil {
			t.Fatal(err)
		}
		after := noise(run(t, changed, inputs, nil)["z"], want["z"])
		if t.Logf("%s: noise %.4g, equalised %.4g", target, before, after); !(after < before/2) {
			t.Errorf("%s: noise %.4g, equalised %.4g", target, before, after)
		}
	}
}

func TestWhatCannotBeEqualisedStays(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(b *builder)
	}{
		{"a joined value that is given out", func(b *builder) { b.AddOutput(float("all", 1, 32, 8, 8)) }},
		{"a branch that is given out", func(b *builder) { b.AddOutput(float("a", 1, 16, 8, 8)) }},
		{"another reader of the branch", func(b *builder) {
			b.Add("Sigmoid", "s", "a")
			b.AddOutput(float("s", 1, 16, 8, 8))
		}},
		{"another reader of what is joined", func(b *builder) {
			b.Add("Sigmoid", "s", "all")
			b.AddOutput(float("s", 1, 32, 8, 8))
		}},
		{"groups", func(b *builder) {
			n := b.Producer("y")
			n.Inputs[1] = b.constant(16, 16, 3, 3)
			n.Set("group", 2)
		}},
		{"a branch that is no layer's", func(b *builder) { b.Producer("all").Inputs[0] = "x" }},
		{"a gate", func(b *builder) { b.Producer("a").Op = "Sigmoid" }},
		{"twice", func(b *builder) {
			b.Producer("all").Inputs = []string{"a", "a", "b"}
			b.Producer("y").Inputs[1] = b.constant(16, 48, 3, 3)
		}},
		{"weights that are hardly numbers", func(b *builder) {
			n := b.Producer("y")
			w, _ := graph.Constant[float32](b.Graph, n.Inputs[1])
			w.Data[0] = 1.1e-38
			n.Inputs[1] = graph.AddConstant(b.Graph, "w", w)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(float("x", 1, 16, 8, 8))
			b.convRelu("x", "a", 16, 16)
			b.convRelu("x", "b", 16, 16)
			b.Add("Concat", "all", "a", "b").Set("axis", 1)
			b.conv("all", "y", 32, 16)
			b.done(t, "y")
			tt.change(b)
			g := copyOf(t, b.Graph)
			ranges := map[string]qdq.Range{"x": {-0.1, 0.1}, "a": {0, 0.1}, "b": {0, 30}, "all": {0, 30}}
			done, err := qdq.Equalise(g, ranges)
			if err != nil || len(done) > 0 {
				t.Errorf("scaled %v, error %v", done, err)
			}
			if ranges["a"] != (qdq.Range{High: 0.1}) {
				t.Errorf("range %v", ranges["a"])
			}
			wantBits(t, b.Graph, g)
		})
	}
}

func TestEqualiseDefaultBundle(t *testing.T) {
	eachBundled(t, func(t *testing.T, g *graph.Graph) {
		ranges := measure(t, g, measured(t, g), inputsOf(g))
		changed := copyOf(t, g)
		done, err := qdq.Equalise(changed, ranges)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(done)
		wantBits(t, g, changed)
	})
}
