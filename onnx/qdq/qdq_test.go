package qdq_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/internal/graphtest"
	"github.com/solofusion/solofusion/onnx/qdq"
	"github.com/solofusion/solofusion/onnx/rewrite"
	"github.com/solofusion/solofusion/tensor"
)

func TestScaleStoresWithinHalfAStep(t *testing.T) {
	for _, target := range []qdq.Target{qdq.CPU, qdq.TensorRT} {
		rapid.Check(t, func(t *rapid.T) {
			magnitude := math.Ldexp(1, rapid.IntRange(-120, 120).Draw(t, "magnitude"))
			a := rapid.Float64Range(-1, 1).Draw(t, "a") * magnitude
			b := rapid.Float64Range(-1, 1).Draw(t, "b") * magnitude
			r := qdq.Range{Low: float32(min(a, b)), High: float32(max(a, b))}
			s := target.Scale(r)
			least, most := 0, 255
			if target == qdq.TensorRT {
				least, most = -127, 127
			}
			if !(s.Step > 0) || s.Zero < max(least, 0) || s.Zero > most || target == qdq.TensorRT && s.Zero != 0 {
				t.Fatalf("%v: %+v", r, s)
			}
			share := rapid.Float64Range(0, 1).Draw(t, "share")
			low, high := min(float64(r.Low), 0), max(float64(r.High), 0)
			for _, x := range []float64{low, high, 0, low + share*(high-low)} {
				q := min(max(math.RoundToEven(x/float64(s.Step))+float64(s.Zero), float64(least)), float64(most))
				back := float64(s.Step) * (q - float64(s.Zero))
				if math.Abs(back-x) > 0.50001*float64(s.Step) || x == 0 && back != 0 {
					t.Fatalf("%v in %+v becomes %v", x, s, back)
				}
			}
		})
	}
}

func TestScaleOfRanges(t *testing.T) {
	for _, tt := range []struct {
		low, high     float32
		cpu, tensorrt qdq.Scale
	}{
		{0, 255, qdq.Scale{Step: 1}, qdq.Scale{Step: 255.0 / 127}},
		{5, 51, qdq.Scale{Step: 0.2}, qdq.Scale{Step: 51.0 / 127}},
		{-51, -5, qdq.Scale{Step: 0.2, Zero: 255}, qdq.Scale{Step: 51.0 / 127}},
		{-127, 128, qdq.Scale{Step: 1, Zero: 127}, qdq.Scale{Step: 128.0 / 127}},
		{0, 0, qdq.Scale{Step: 1}, qdq.Scale{Step: 1}},
	} {
		r := qdq.Range{Low: tt.low, High: tt.high}
		if got := qdq.CPU.Scale(r); got != tt.cpu {
			t.Errorf("cpu %v: %+v, want %+v", r, got, tt.cpu)
		}
		if got := qdq.TensorRT.Scale(r); got != tt.tensorrt {
			t.Errorf("tensorrt %v: %+v, want %+v", r, got, tt.tensorrt)
		}
	}
	if s := qdq.CPU.Scale(qdq.Range{High: 1e-45}); !(s.Step > 0) {
		t.Errorf("a step of %v", s.Step)
	}
}

// residual makes a small network with all that is quantised: a pool, a residual block, a
// block that is laid out, a concatenation, a product and a gate.
func residual(t testing.TB) *graph.Graph {
	b := build(float("x", -1, 16, 8, 8), float("rig", -1, 4))
	b.convRelu("x", "a", 16, 16)
	b.Add("MaxPool", "pool", "a").Set("kernel_shape", []int{2, 2}).Set("strides", []int{2, 2})
	b.convRelu("pool", "b", 16, 16)
	b.conv("b", "c", 16, 16)
	b.Add("Add", "sum", "c", "pool")
	b.Add("Relu", "d", "sum")
	b.convRelu("d", "e", 16, 64)
	b.Add("DepthToSpace", "wide", "e").Set("blocksize", 2).Set("mode", "CRD")
	b.Add("Concat", "both", "wide", "a").Set("axis", 1)
	b.conv("both", "f", 32, 16)
	b.Add("Gemm", "gate_sum", "rig", b.constant(4, 16), b.constant(16))
	b.Add("Sigmoid", "gate", "gate_sum")
	b.Add("Unsqueeze", "gate_image", "gate", graph.AddConstant(b.Graph, "axes", tensor.From([]int64{2, 3}, 2)))
	b.Add("Mul", "gated", "f", "gate_image")
	b.convRelu("gated", "g", 16, 16)
	b.conv("g", "y", 16, 3)
	return b.done(t, "y", "g")
}

func TestSmallGraph(t *testing.T) {
	g := residual(t)
	inputs := inputsOf(g)
	want := run(t, g, inputs, nil)
	for _, tt := range []struct {
		name   string
		target qdq.Target
		o      qdq.Options
		bound  float64
	}{
		{"cpu", qdq.CPU, qdq.Options{}, 0.025},
		{"cpu, seven bits", qdq.CPU, qdq.Options{SevenBits: true}, 0.03},
		{"tensorrt", qdq.TensorRT, qdq.Options{}, 0.03},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made, _ := quantised(t, g, tt.target, inputs, tt.o)
			got := run(t, made, inputs, nil)
			wantNear(t, got, want, tt.bound)
			if tt.target == qdq.CPU {
				wantNear(t, runPlain(t, made, inputs), got, 0.01) // microsoft/onnxruntime#24711
			}
		})
	}
}

func TestSmallGraphsLayers(t *testing.T) {
	g := residual(t)
	made, _ := quantised(t, g, qdq.CPU, inputsOf(g), qdq.Options{})
	for _, n := range g.Nodes() {
		if n.Op != "Conv" && n.Op != "Gemm" {
			continue
		}
		float := n.Output() == "y" || n.Output() == "gate_sum"
		if got := slices.ContainsFunc(made.Nodes(), func(m *graph.Node) bool {
			return m.Name == n.Name && made.Producer(m.Inputs[1]) != nil
		}); got == float {
			t.Errorf("%s is in integers: %v", n, got)
		}
	}
}

func TestLayersSayWhatIsCounted(t *testing.T) {
	b := build(float("x", -1, 4, 6, 6))
	b.convRelu("x", "a", 4, 8)
	b.Add("ConvTranspose", "up", "a", b.constant(8, 5, 2, 2)).Set("strides", []int{2, 2})
	b.Add("GlobalAveragePool", "mean", "up")
	b.Add("Reshape", "row", "mean", graph.AddConstant(b.Graph, "shape", tensor.From([]int64{0, 5}, 2)))
	b.Add("Gemm", "y", "row", b.constant(5, 3))
	got := plan(t, b.done(t, "y"), qdq.CPU).Layers()
	want := []qdq.Layer{{"a_sum", true, 4 * 8 * 9 * 36}, {"up", false, 8 * 5 * 4 * 36}, {"y", false, 15}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// chain returns conv, relu, conv, relu, conv.
func chain(t testing.TB) *graph.Graph {
	b := build(float("x", 1, 16, 6, 6))
	b.convRelu("x", "a", 16, 16)
	b.convRelu("a", "b", 16, 16)
	b.conv("b", "y", 16, 16)
	return b.done(t, "y")
}

func TestReluIsDroppedIfZeroIsLeast(t *testing.T) {
	ranges := func(low float32) map[string]qdq.Range {
		return map[string]qdq.Range{"x": {-3, 3}, "a": {low, 40}, "b": {0, 900}}
	}
	for _, tt := range []struct {
		low  float32
		want string
	}{
		{0, "Q D Conv Q D Conv Q D Conv"},
		{3, "Q D Conv Q D Conv Q D Conv"},
		{-0.01, "Q D Conv Q D Conv Q D Conv"},
		{-1, "Q D Conv Relu Q D Conv Q D Conv"},
	} {
		g := chain(t)
		report, err := plan(t, g, qdq.CPU).Write(ranges(tt.low), qdq.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := operators(g); got != tt.want {
			t.Errorf("from %v, zero at %d: %s, want %s", tt.low, report.Scales["a"].Zero, got, tt.want)
		}
	}
}

func TestAReluBetweenReadersKeepsBothValues(t *testing.T) {
	b := build(float("x", 1, 16, 6, 6))
	b.convRelu("x", "a", 16, 16)
	b.conv("a", "b", 16, 16)
	b.conv("a_sum", "c", 16, 16)
	b.Add("Add", "d", "b", "c")
	b.convRelu("d", "e", 16, 16)
	b.conv("e", "y", 16, 4)
	g := b.done(t, "y", "a_sum")
	inputs := inputsOf(g)
	made, report := quantised(t, g, qdq.CPU, inputs, qdq.Options{})
	wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.02)
	if report.Scales["a_sum"].Zero == 0 || report.Scales["a"].Zero != 0 {
		t.Errorf("scales %v of a sum and %v of its Relu", report.Scales["a_sum"], report.Scales["a"])
	}
}

func TestInputQuantisedOutside(t *testing.T) {
	b := build(float("stack", 1, 6, 6, 32))
	b.Add("Transpose", "first", "stack").Set("perm", []int{0, 3, 1, 2})
	b.convRelu("first", "a", 32, 16)
	b.conv("a", "y", 16, 16)
	g := b.done(t, "y")
	inputs := inputsOf(g)
	outside := map[string]qdq.Outside{"stack": {Scale: qdq.Scale{Step: slices.Max(inputs["stack"].Data) / 255}}}
	made, report := quantised(t, g, qdq.CPU, inputs, qdq.Options{Outside: outside})
	if in := made.Inputs()[0]; in.Type != graph.Uint8 || !slices.Equal(in.Shape, []int{1, 6, 6, 32}) {
		t.Errorf("input %v, want uint8", in)
	}
	if got, want := operators(made), "D Transpose Q D Conv Q D Conv"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if report.Scales["stack"] != outside["stack"].Scale {
		t.Errorf("scale %v, want %v", report.Scales["stack"], outside["stack"])
	}
	wantNear(t, run(t, made, inputs, outside), run(t, g, inputs, nil), 0.02)
}

// TestChannelsWithScalesOfTheirOwn: what is read of a channel is multiplied by its factor,
// so that the function stays.
func TestChannelsWithScalesOfTheirOwn(t *testing.T) {
	b := build(float("stack", 1, 6, 6, 32))
	b.Add("Transpose", "first", "stack").Set("perm", []int{0, 3, 1, 2})
	b.convRelu("first", "a", 32, 16)
	b.conv("a", "y", 16, 16)
	g := b.done(t, "y")
	inputs := inputsOf(g)
	o := qdq.Outside{Scale: qdq.Scale{Step: slices.Max(inputs["stack"].Data) / 255}}
	for c := range 32 {
		o.Factors = append(o.Factors, 1/float32(1+c%3))
		for i := c; i < len(inputs["stack"].Data); i += 32 {
			inputs["stack"].Data[i] *= o.Factors[c]
		}
	}
	outside := map[string]qdq.Outside{"stack": o}
	made, _ := quantised(t, g, qdq.CPU, inputs, qdq.Options{Outside: outside})
	wantNear(t, run(t, made, inputs, outside), run(t, g, inputs, nil), 0.02)
	o.Factors = o.Factors[:31]
	p := plan(t, copyOf(t, g), qdq.CPU)
	_, err := p.Write(measure(t, g, p.Values(), inputs), qdq.Options{Outside: map[string]qdq.Outside{"stack": o}})
	wantError(t, err, "31 factors for 32 input channels")
}

func TestOutsideIsChecked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target qdq.Target
		scale  qdq.Scale
		want   string
	}{
		{"x", qdq.TensorRT, qdq.Scale{Step: 1}, `input "x" is quantised outside, want float32 for tensorrt`},
		{"a", qdq.CPU, qdq.Scale{Step: 1}, `"a" is quantised outside, but is no input`},
		{"stack", qdq.CPU, qdq.Scale{Step: 1}, `"stack" is quantised outside, but is no input`},
		{"x", qdq.CPU, qdq.Scale{}, "want a positive one"},
		{"x", qdq.CPU, qdq.Scale{Step: float32(math.NaN())}, "want a positive one"},
		{"x", qdq.CPU, qdq.Scale{Step: 1, Zero: 256}, "zero at 0 to 255"},
	} {
		_, err := plan(t, chain(t), tt.target).Write(map[string]qdq.Range{"x": {}, "a": {}, "b": {}}, qdq.Options{Outside: map[string]qdq.Outside{tt.name: {Scale: tt.scale}}})
		wantError(t, err, tt.want)
	}
}

// numbers returns the stored numbers and the scales of a layer's input 1 or 2.
func numbers[T tensor.Elem](t *testing.T, g *graph.Graph, layer string, input int) (*tensor.Dense[T], []float32) {
	t.Helper()
	n := layerOf(g, layer)
	dq := g.Producer(n.Inputs[input])
	data, err := graph.Constant[T](g, dq.Inputs[0])
	if err != nil {
		t.Fatal(err)
	}
	scale, err := graph.Constant[float32](g, dq.Inputs[1])
	if err != nil {
		t.Fatal(err)
	}
	return data, scale.Data
}

func TestWeightsAreWithinHalfAStep(t *testing.T) {
	for _, sevenBits := range []bool{false, true} {
		g := residual(t)
		made, _ := quantised(t, g, qdq.CPU, inputsOf(g), qdq.Options{SevenBits: sevenBits})
		want, most := 127, 0
		if sevenBits {
			want = 64
		}
		for _, name := range []string{"a_sum", "e_sum", "f"} {
			data, scale := numbers[int8](t, made, nameOfLayer(made, name), 1)
			real, err := graph.Constant[float32](g, g.Producer(name).Inputs[1])
			if err != nil {
				t.Fatal(err)
			}
			each := len(data.Data) / len(scale)
			for i, q := range data.Data {
				most = max(most, int(q), -int(q))
				if off := math.Abs(float64(float32(q)*scale[i/each] - real.Data[i])); off > 0.50001*float64(scale[i/each]) {
					t.Fatalf("%s: weight %d is off by %v with a step of %v", name, i, off, scale[i/each])
				}
			}
		}
		if most != want {
			t.Errorf("largest stored weight %d, want %d", most, want)
		}
	}
}

// nameOfLayer returns the output of the layer that was called so before it was quantised.
func nameOfLayer(g *graph.Graph, name string) string {
	for _, n := range g.Nodes() {
		if n.Name == name {
			return n.Output()
		}
	}
	return name
}

func TestProductsHaveScalesOfTheirColumns(t *testing.T) {
	for _, tt := range []struct {
		op    string
		shape []int
		trans int
	}{{"Gemm", []int{24, 16}, 0}, {"Gemm", []int{16, 24}, 1}, {"MatMul", []int{24, 16}, 0}} {
		for _, target := range []qdq.Target{qdq.CPU, qdq.TensorRT} {
			t.Run(fmt.Sprint(tt.op, tt.trans, target), func(t *testing.T) {
				b := build(float("x", 40, 24))
				weight := graphtest.Random(3, tt.shape...)
				for i := range weight.Data { // outputs of very different sizes
					o := i % 16
					if tt.trans == 1 {
						o = i / 24
					}
					weight.Data[i] *= float32(math.Exp2(float64(o)))
				}
				n := b.Add(tt.op, "a", "x", graph.AddConstant(b.Graph, "w", weight))
				if tt.op == "Gemm" {
					n.Inputs = append(n.Inputs, b.constant(1, 16))
					n.Set("transB", tt.trans)
				}
				b.Add("Relu", "r", "a")
				b.Add("MatMul", "y", "r", b.constant(16, 4))
				b.Add("GlobalAveragePool", "z", "x4")
				b.AddInput(float("x4", 1, 1, 1, 1))
				g := b.done(t, "y", "r")
				inputs := inputsOf(g)
				made := copyOf(t, g)
				p, err := qdq.NewPlan(made, target, nil)
				if err != nil {
					t.Fatal(err)
				}
				ranges := measure(t, g, p.Values(), inputs)
				if _, err := p.Write(ranges, qdq.Options{}); err != nil {
					t.Fatal(err)
				}
				_, scale := numbers[int8](t, made, nameOfLayer(made, "a"), 1)
				if len(scale) != 16 || scale[15] < 1000*scale[0] {
					t.Errorf("scales %v", scale)
				}
				wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.02)
			})
		}
	}
}

// layer returns two convolutions, the first with that weight and bias.
func layer(t *testing.T, change func(weight, bias []float32)) *graph.Graph {
	t.Helper()
	b := build(float("x", 1, 16, 5, 5))
	weight, bias := graphtest.Random(1, 16, 16, 3, 3), graphtest.Random(2, 16)
	change(weight.Data, bias.Data)
	b.Add("Conv", "a", "x", graph.AddConstant(b.Graph, "w", weight), graph.AddConstant(b.Graph, "b", bias)).Set("pads", []int{1, 1, 1, 1})
	b.Add("Relu", "r", "a")
	b.conv("r", "y", 16, 16)
	return b.done(t, "y")
}

func TestChannelsOfSmallWeightsAndLargeBiases(t *testing.T) {
	const channel = 16 * 9
	for _, tt := range []struct {
		name     string
		change   func(weight, bias []float32)
		enlarged bool
	}{
		{"zero weights", func(w, b []float32) { clear(w[:channel]) }, false},
		{"all zero", func(w, b []float32) { clear(w); clear(b) }, false},
		{"zero weights, large bias", func(w, b []float32) { clear(w[:channel]); b[0] = 1e9 }, false},
		{"weights that are hardly numbers", func(w, b []float32) {
			for i := range w[:channel] {
				w[i] = 2e-45 * float32(i)
			}
			b[0] = 0
		}, true},
		{"large bias", func(w, b []float32) {
			for i := range w[:channel] {
				w[i] *= 1e-12
			}
			b[0] = 5
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := layer(t, tt.change)
			inputs := inputsOf(g)
			made, report := quantised(t, g, qdq.CPU, inputs, qdq.Options{})
			if got := slices.Contains(report.Enlarged, "a"); got != tt.enlarged {
				t.Errorf("enlarged %v", report.Enlarged)
			}
			name := nameOfLayer(made, "a")
			_, scale := numbers[int8](t, made, name, 1)
			bias, biasScale := numbers[int32](t, made, name, 2)
			for c, s := range scale {
				if !(s >= 0x1p-126) || !(biasScale[c] >= 0x1p-127) {
					t.Fatalf("channel %d: scales %v and %v", c, s, biasScale[c])
				}
				if want := report.Scales["x"].Step * s; math.Abs(float64(biasScale[c]/want-1)) > 1e-6 {
					t.Fatalf("channel %d: bias in steps of %v, want %v", c, biasScale[c], want)
				}
			}
			if real, _ := graph.Constant[float32](g, "b"); math.Abs(float64(float32(bias.Data[0])*biasScale[0]-real.Data[0])) > 1e-2*math.Abs(float64(real.Data[0])) {
				t.Errorf("bias %v of %v", float32(bias.Data[0])*biasScale[0], real.Data[0])
			}
			if tt.name != "all zero" {
				wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.03)
			}
		})
	}
}

func TestLayersThatCannotBeStored(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		change     func(w, b []float32)
	}{
		{"NaN", `node "a" (Conv): weight 3 of 2304 is NaN`, func(w, b []float32) { w[3] = float32(math.NaN()) }},
		{"Inf", `node "a" (Conv): bias 1 of 16 is -Inf`, func(w, b []float32) { b[1] = float32(math.Inf(-1)) }},
		{"huge", "too large for float32 scales", func(w, b []float32) { w[0] = math.MaxFloat32 }},
	} {
		g := layer(t, tt.change)
		_, err := plan(t, g, qdq.CPU).Write(map[string]qdq.Range{"x": {-1e6, 1e6}, "r": {0, 1}}, qdq.Options{})
		wantError(t, err, tt.want)
	}
	b := build(float("x", 4, 16))
	b.Add("Gemm", "a", "x", b.constant(16, 8), b.constant(1))
	b.Add("Relu", "r", "a")
	b.Add("Gemm", "y", "r", b.constant(8, 8))
	_, err := plan(t, b.done(t, "y"), qdq.CPU).Write(map[string]qdq.Range{"x": {}, "r": {}}, qdq.Options{})
	wantError(t, err, `node "a" (Gemm): 1 biases for 8 channels`)
}

func TestWriteRefuses(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, tt := range []struct {
		r    qdq.Range
		want string
	}{
		{qdq.Range{Low: nan}, `value "x": the range NaN to 0 is none`},
		{qdq.Range{High: nan}, `value "x"`},
		{qdq.Range{High: inf}, `value "x"`},
		{qdq.Range{Low: -inf}, `value "x"`},
		{qdq.Range{Low: 2, High: 1}, `value "x": the range 2 to 1 is none`},
	} {
		_, err := plan(t, chain(t), qdq.CPU).Write(map[string]qdq.Range{"x": tt.r, "a": {}, "b": {}}, qdq.Options{})
		wantError(t, err, tt.want)
	}
	p := plan(t, chain(t), qdq.CPU)
	_, err := p.Write(map[string]qdq.Range{"x": {}, "a": {}}, qdq.Options{})
	wantError(t, err, `value "b" has no range`)
	_, err = p.Write(nil, qdq.Options{})
	wantError(t, err, "written already")
}

func TestNewPlanRefuses(t *testing.T) {
	_, err := qdq.NewPlan(chain(t), "gpu", nil)
	wantError(t, err, `unknown target "gpu", want cpu or tensorrt`)
	_, err = qdq.NewPlan(chain(t), qdq.CPU, map[string]bool{"conv_99": true})
	wantError(t, err, `"conv_99", which is to stay float32, is made by no node`)

	g := chain(t)
	g.Producer("a").Op = "HardSwish"
	_, err = qdq.NewPlan(g, qdq.CPU, nil)
	wantError(t, err, `node "a" (HardSwish): unknown operator`)

	g = chain(t)
	made, _ := quantised(t, g, qdq.CPU, inputsOf(g), qdq.Options{})
	_, err = qdq.NewPlan(made, qdq.CPU, nil)
	wantError(t, err, "has 8-bit pairs already, want float32")

	old := graph.New(11)
	old.AddInput(float("x", 1))
	old.Add("Relu", "y", "x")
	old.AddOutput(float("y", 1))
	_, err = qdq.NewPlan(old, qdq.CPU, nil)
	wantError(t, err, "version 11 of ONNX' operators, want 13 or later")
}

func TestKeep(t *testing.T) {
	g := chain(t)
	p, err := qdq.NewPlan(g, qdq.CPU, map[string]bool{"b_sum": true})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Values()); got != "[x a]" {
		t.Errorf("values %s, want x and what its layer makes", got)
	}
	if got := p.Layers(); !got[0].Integer || got[1].Integer || got[2].Integer {
		t.Errorf("layers %v", got)
	}
}

// TestConstantsAndUnusedPartsAreNoValues has a convolution of a constant image, one of
// constants that are laid out, and a part of a split that nothing reads.
func TestConstantsAndUnusedPartsAreNoValues(t *testing.T) {
	b := build(float("x", 1, 32, 6, 6))
	b.Add("Identity", "moved", b.constant(1, 16, 6, 6))
	b.conv("moved", "a", 16, 16)
	b.conv(b.constant(1, 16, 6, 6), "b", 16, 16)
	b.convRelu("x", "c", 32, 32)
	split := b.Add("Split", "part", "c", graph.AddConstant(b.Graph, "sizes", tensor.From([]int64{16, 16}, 2))).Set("axis", 1)
	split.Outputs = []string{"part", "rest"}
	b.conv("part", "d", 16, 16)
	b.conv("a", "e", 16, 16)
	b.conv("b", "f", 16, 16)
	b.conv("d", "h", 16, 16)
	g := b.done(t, "e", "f", "h")
	inputs := inputsOf(g)
	made, _ := quantised(t, g, qdq.CPU, inputs, qdq.Options{})
	wantNear(t, run(t, made, inputs, nil), run(t, g, inputs, nil), 0.02)
}

// sensitive are the layers that stay float32 in the default bundle as exported: context,
// the gate, offsets and masks, the depth's logits, unit features, the plane that history
// keeps, and the last ones.
var sensitive = map[string][]string{
	"image_encoder": {"conv_109", "gemm_113", "conv_153", "conv_168", "conv_192"},
	"bev_embed":     {"conv_29"},
}

func TestSensitiveLayersStayFloat(t *testing.T) {
	for _, name := range bundledNames {
		for _, target := range []qdq.Target{qdq.CPU, qdq.TensorRT} {
			g := bundled(t, name)
			var got []string
			last := 0
			for _, l := range plan(t, g, target).Layers() {
				switch n := g.Producer(l.Name); {
				case l.Integer:
				case n.Op == "ConvTranspose":
					last++
				default:
					got = append(got, l.Name)
				}
			}
			if name == "head" {
				if len(got) > 0 || last != 1 {
					t.Errorf("head for %s: %v and %d last layers stay float, want the heat maps' joined last one alone", target, got, last)
				}
				continue
			}
			if !slices.Equal(got, sensitive[name]) {
				t.Errorf("%s for %s: %v stay float, want %v", name, target, got, sensitive[name])
			}
		}
	}
}

// TestDefaultBundle bounds the noise of untrained inputs: a scale, an axis or a zero point
// that is wrong makes it about 1.
func TestDefaultBundle(t *testing.T) {
	eachBundled(t, func(t *testing.T, g *graph.Graph) {
		inputs := inputsOf(g)
		made, report := quantised(t, g, qdq.CPU, inputs, qdq.Options{SevenBits: true})
		if !rewrite.IsQuantised(made) || len(report.Scales) == 0 {
			t.Error("nothing is quantised")
		}
		got := run(t, made, inputs, nil)
		wantNear(t, got, run(t, g, inputs, nil), 0.1)
		wantNear(t, runPlain(t, made, inputs), got, 0.05)
	})
}
