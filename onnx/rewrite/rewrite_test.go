package rewrite_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/internal/graphtest"
	"github.com/solofusion/solofusion/onnx/rewrite"
	"github.com/solofusion/solofusion/tensor"
)

// evaluate runs a graph with ONNX Runtime on random numbers that depend on an
// input's shape only.
func evaluate(t *testing.T, g *graph.Graph) map[string]*tensor.F32 {
	t.Helper()
	inputs := onnx.Tensors{}
	for _, v := range g.Inputs() {
		real := graphtest.Random(7, graphtest.Closed(v.Shape)...)
		inputs[v.Name] = real
		if v.Type == graph.Uint8 {
			inputs[v.Name] = stored(real, 4)
		}
	}
	return graphtest.Run(t, g, inputs)
}

// stored returns the numbers times gain as uint8.
func stored(real *tensor.F32, gain float32) *tensor.U8 {
	t := tensor.New[uint8](real.Shape...)
	for i, x := range real.Data {
		t.Data[i] = uint8(max(0, min(gain*x, 255)))
	}
	return t
}

// wantClose fails if a tensor differs by more than the tolerance, relative to its
// largest value.
func wantClose(t *testing.T, got, want map[string]*tensor.F32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d outputs, want %d", len(got), len(want))
	}
	for name, w := range want {
		largest, off := 0.0, 0.0
		for i, v := range w.Data {
			largest = max(largest, math.Abs(float64(v)))
			off = max(off, math.Abs(float64(got[name].Data[i]-v)))
		}
		if !(off <= tolerance*largest) || largest == 0 {
			t.Errorf("%s is off by %.3g of at most %.3g", name, off, largest)
		}
	}
}

// exactly is the bound of exact rewrites.
const exactly = 1e-5

func operators(g *graph.Graph) string {
	var list []string
	for _, n := range g.Nodes() {
		list = append(list, n.Op)
	}
	return strings.Join(list, " ")
}

// builder makes small graphs.
type builder struct {
	*graph.Graph
	seed uint64
}

func build(inputs ...graph.Value) *builder {
	b := &builder{Graph: graph.New(20)}
	for _, v := range inputs {
		b.AddInput(v)
	}
	return b
}

func image(name string, shape ...int) graph.Value {
	return graph.Value{Name: name, Type: graph.Float32, Shape: shape}
}

func (b *builder) constant(shape ...int) string {
	b.seed++
	return graph.AddConstant(b.Graph, "weight", graphtest.Random(b.seed, shape...))
}

// conv adds a 3x3 convolution that keeps the size.
func (b *builder) conv(x, y string, inputs, outputs int) *graph.Node {
	return b.Add("Conv", y, x, b.constant(outputs, inputs, 3, 3), b.constant(outputs)).
		Set("kernel_shape", []int{3, 3}).Set("pads", []int{1, 1, 1, 1})
}

func (b *builder) deconv(x, y string, inputs, outputs, k, s int) *graph.Node {
	return b.Add("ConvTranspose", y, x, b.constant(inputs, outputs, k, k), b.constant(outputs)).
		Set("kernel_shape", []int{k, k}).Set("strides", []int{s, s})
}

// done declares outputs of the inferred shapes, and returns the graph.
func (b *builder) done(t *testing.T, outputs ...string) *graph.Graph {
	t.Helper()
	values, err := b.Infer()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range outputs {
		b.AddOutput(values[name])
	}
	return b.Graph
}

func again(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	file, err := g.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if g, err = graph.Parse(file); err != nil {
		t.Fatal(err)
	}
	return g
}

// rewritten returns the graph after all exact rewrites, whose outputs it compares.
func rewritten(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	want := evaluate(t, g)
	changed := again(t, g)
	if _, err := rewrite.Exact(changed); err != nil {
		t.Fatal(err)
	}
	wantClose(t, evaluate(t, changed), want, exactly)
	if a, b := fmt.Sprint(g.Inputs(), g.Outputs()), fmt.Sprint(changed.Inputs(), changed.Outputs()); a != b {
		t.Errorf("inputs and outputs became %s, want %s", b, a)
	}
	return changed
}

func TestBlocks(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		k          int
		relu       bool
	}{
		{"with Relu", "Conv Relu DepthToSpace", 2, true},
		{"without", "Conv DepthToSpace", 4, false},
		{"of a pixel", "Conv", 1, false},
		{"of a pixel, with Relu", "Conv Relu", 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(image("x", -1, 5, 3, 4))
			b.deconv("x", "y", 5, 3, tt.k, tt.k)
			last := "y"
			if tt.relu {
				last = b.Add("Relu", "z", "y").Output()
			}
			if got := operators(rewritten(t, b.done(t, last))); got != tt.want {
				t.Errorf("operators %s, want %s", got, tt.want)
			}
		})
	}
}

// TestBlocksLast: channels last give the same numbers.
func TestBlocksLast(t *testing.T) {
	for _, relu := range []bool{false, true} {
		b := build(image("x", -1, 5, 3, 4))
		b.deconv("x", "y", 5, 3, 2, 2)
		last := "y"
		if relu {
			last = b.Add("Relu", "z", "y").Output()
		}
		g := rewritten(t, b.done(t, last))
		made := g.Nodes()[0].Output()
		before := evaluate(t, g)
		for _, keep := range []map[string]bool{{made: true}, nil} {
			n, err := rewrite.BlocksLast(g, keep)
			if err != nil || n != 1-len(keep) {
				t.Fatalf("%d places, %v", n, err)
			}
		}
		g.Prune()
		want := map[bool]string{false: "Conv", true: "Conv Relu"}[relu] + " Transpose Reshape Transpose Reshape Transpose"
		if got := operators(g); got != want {
			t.Errorf("operators %s, want %s", got, want)
		}
		after := evaluate(t, g)
		if !slices.Equal(before[last].Data, after[last].Data) {
			t.Errorf("%v, want %v", after[last].Data, before[last].Data)
		}
	}
}

// TestBlocksLastElsewhere: blocks of another order, or of no convolution, stay.
func TestBlocksLastElsewhere(t *testing.T) {
	blocks := func(b *builder, x string) *graph.Node { return b.Add("DepthToSpace", "z", x).Set("blocksize", 2) }
	for name, add := range map[string]func(b *builder){
		"order": func(b *builder) { blocks(b, b.conv("x", "y", 8, 8).Output()) },
		"input": func(b *builder) { blocks(b, "x").Set("mode", "CRD") },
	} {
		b := build(image("x", 1, 8, 4, 4))
		add(b)
		if n, err := rewrite.BlocksLast(b.done(t, "z"), nil); n != 0 || err != nil {
			t.Errorf("%s: %d places, %v", name, n, err)
		}
	}
}

// TestStrides: blocks of pixels give the same sums, and what is no place stays.
func TestStrides(t *testing.T) {
	strided := func(inputs, k, pad, stride int) func(b *builder) {
		return func(b *builder) {
			b.Add("Conv", "y", "x", b.constant(4, inputs, k, k), b.constant(4)).
				Set("kernel_shape", []int{k, k}).Set("strides", []int{stride, stride}).Set("pads", []int{pad, pad, pad, pad})
		}
	}
	for _, tt := range []struct {
		name   string
		x      graph.Value
		add    func(b *builder)
		places int
	}{
		{"7 x 7", image("x", -1, 3, 8, 12), strided(3, 7, 3, 2), 1},
		{"5 x 5", image("x", 2, 1, 6, 4), strided(1, 5, 2, 2), 1},
		{"3 x 3", image("x", 2, 2, 4, 4), strided(2, 3, 1, 2), 1},
		{"9 x 9", image("x", 2, 2, 10, 8), strided(2, 9, 4, 2), 1},
		{"many channels", image("x", 1, 4, 8, 8), strided(4, 7, 3, 2), 0},
		{"odd size", image("x", 1, 3, 7, 8), strided(3, 7, 3, 2), 0},
		{"padding", image("x", 1, 3, 8, 8), strided(3, 7, 2, 2), 0},
		{"no stride", image("x", 1, 3, 8, 8), strided(3, 7, 3, 1), 0},
		{"even kernel", image("x", 1, 3, 8, 8), strided(3, 4, 2, 2), 0},
	} {
		b := build(tt.x)
		tt.add(b)
		g := b.done(t, "y")
		before := evaluate(t, g)["y"]
		if n, err := rewrite.Strides(g, map[string]bool{"y": true}); n != 0 || err != nil {
			t.Errorf("%s: %d places of what is kept, %v", tt.name, n, err)
		}
		if n, err := rewrite.Strides(g, nil); n != tt.places || err != nil {
			t.Errorf("%s: %d places, %v", tt.name, n, err)
		}
		g.Prune()
		after := evaluate(t, g)["y"]
		if !slices.Equal(after.Shape, before.Shape) {
			t.Fatalf("%s: shape %v, want %v", tt.name, after.Shape, before.Shape)
		}
		for i, x := range after.Data {
			if d := math.Abs(float64(x - before.Data[i])); d > 1e-5 {
				t.Fatalf("%s: number %d is off by %g", tt.name, i, d)
			}
		}
	}
}

func TestBlocksKeepAReluThatIsNotAlone(t *testing.T) {
	b := build(image("x", 1, 2, 3, 4))
	b.deconv("x", "y", 2, 3, 2, 2)
	b.Add("Relu", "z", "y")
	got := operators(rewritten(t, b.done(t, "y", "z")))
	if got != "Conv DepthToSpace Relu" {
		t.Errorf("operators %s", got)
	}
}

func TestWhatIsNoPlaceStays(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(b *builder)
	}{
		{"overlapping windows", func(b *builder) { b.deconv("x", "y", 8, 8, 3, 2) }},
		{"padding", func(b *builder) { b.deconv("x", "y", 8, 8, 2, 2).Set("pads", []int{1, 1, 1, 1}) }},
		{"groups", func(b *builder) {
			b.Add("ConvTranspose", "y", "x", b.constant(8, 2, 2, 2)).Set("strides", []int{2, 2}).Set("group", 2)
		}},
		{"output padding", func(b *builder) { b.deconv("x", "y", 8, 8, 2, 2).Set("output_padding", []int{1, 1}) }},
		{"many outputs", func(b *builder) { b.conv("x", "y", 8, 6) }},
		{"few outputs, stride", func(b *builder) { b.conv("x", "y", 8, 1).Set("strides", []int{2, 2}) }},
		{"few outputs, one pixel", func(b *builder) { b.Add("Conv", "y", "x", b.constant(1, 8, 1, 1)) }},
		{"few outputs, wide padding", func(b *builder) { b.conv("x", "y", 8, 1).Set("pads", []int{3, 3, 3, 3}) }},
		{"few outputs, computed weights", func(b *builder) {
			b.Add("Relu", "w", b.constant(1, 8, 3, 3))
			b.Add("Conv", "y", "x", "w")
		}},
		{"few inputs, channels last", func(b *builder) {
			b.Add("Transpose", "t", "x").Set("perm", []int{0, 3, 1, 2})
			b.Add("Conv", "y", "t", b.constant(16, 8, 1, 1))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(image("x", 1, 8, 8, 8))
			tt.make(b)
			g := b.done(t, "y")
			if got, want := operators(rewritten(t, g)), operators(g); got != want {
				t.Errorf("operators %s, want %s", got, want)
			}
		})
	}
}

func TestProducts(t *testing.T) {
	for _, relu := range []bool{true, false} {
		b := build(image("stack", 1, 4, 5, 600))
		b.Add("Transpose", "first", "stack").Set("perm", []int{0, 3, 1, 2})
		b.Add("Conv", "fused", "first", b.constant(16, 600, 1, 1), b.constant(16))
		last, want := "fused", "Reshape Gemm Reshape Transpose"
		if relu {
			last, want = b.Add("Relu", "relu", "fused").Output(), "Reshape Gemm Relu Reshape Transpose"
		}
		if got := operators(rewritten(t, b.done(t, last))); got != want {
			t.Errorf("operators %s, want %s", got, want)
		}
	}
}

// head adds branches of hidden and last convolutions with that many outputs each.
func (b *builder) head(x string, inputs, hidden int, outputs ...int) []string {
	var names []string
	for i, n := range outputs {
		h, r, name := fmt.Sprintf("hidden_%d", i), fmt.Sprintf("relu_%d", i), fmt.Sprintf("head_%d", i)
		b.conv(x, h, inputs, hidden)
		b.Add("Relu", r, h)
		b.conv(r, name, hidden, n)
		names = append(names, name)
	}
	return names
}

func TestBranches(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		hidden     int
		outputs    []int
	}{
		{"one group", "Conv Relu ConvTranspose Split", 16, []int{2, 1, 3, 2}},
		{"equal widths", "Conv Relu ConvTranspose Split", 16, []int{2, 2}},
		{"two groups", "Conv Relu Conv Relu ConvTranspose Split ConvTranspose Split", 32, []int{2, 1, 3, 2}},
		{"too wide to merge", "Conv Relu Conv Relu ConvTranspose ConvTranspose", 64, []int{2, 1}},
		{"a wide map", "Conv Relu Split Conv Conv", 16, []int{10, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(image("x", 1, 8, 6, 7))
			names := b.head("x", 8, tt.hidden, tt.outputs...)
			if got := operators(rewritten(t, b.done(t, names...))); got != tt.want {
				t.Errorf("operators %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSiblingsOfOtherFormsStay(t *testing.T) {
	b := build(image("x", 1, 8, 6, 6))
	names := b.head("x", 8, 16, 8, 8)
	b.Producer("hidden_1").Set("pads", []int{2, 2, 2, 2})
	g := b.done(t, names...)
	if got, want := operators(rewritten(t, g)), operators(g); got != want {
		t.Errorf("operators %s, want %s", got, want)
	}
}

func TestTransposes(t *testing.T) {
	for _, tt := range []struct {
		name, want    string
		first, second []int
	}{
		{"undone", "Relu Sigmoid", []int{0, 3, 1, 2}, []int{0, 2, 3, 1}},
		{"joined", "Relu Transpose Sigmoid", []int{0, 3, 1, 2}, []int{0, 3, 1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(image("x", 1, 2, 3, 4))
			b.Add("Relu", "r", "x")
			b.Add("Transpose", "a", "r").Set("perm", tt.first)
			b.Add("Transpose", "b", "a").Set("perm", tt.second)
			b.Add("Sigmoid", "y", "b")
			if got := operators(rewritten(t, b.done(t, "y"))); got != tt.want {
				t.Errorf("operators %s, want %s", got, tt.want)
			}
		})
	}
}

func TestUnknownOperatorIsAnError(t *testing.T) {
	b := build(image("x", 1, 2, 3, 4))
	b.Add("Relu", "y", "x")
	g := b.done(t, "y")
	g.Producer("y").Op = "HardSwish"
	_, err := rewrite.Exact(g)
	wantError(t, err, `node "y" (HardSwish): unknown operator`)
}

func TestOldOperatorsAreAnError(t *testing.T) {
	g := graph.New(11)
	g.AddInput(image("x", 1))
	g.Add("Relu", "y", "x")
	g.AddOutput(image("y", 1))
	_, err := rewrite.Exact(g)
	wantError(t, err, "version 11 of ONNX' operators, want 13 or later")
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one with %q", err, text)
	}
}

// bundled returns a graph of the default bundle.
func bundled(t *testing.T, name string) *graph.Graph {
	t.Helper()
	return parsed(t, embedded(name))
}

func embedded(name string) string { return filepath.Join("..", "..", "model", "default", name+".onnx") }

// exported returns the file of a graph of random weights, as training writes it.
func exported(name string) string {
	return filepath.Join("..", "..", "internal", "testbundle", "bundle", name+".onnx")
}

func parsed(t *testing.T, path string) *graph.Graph {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestExportedGraphs: the graphs of a bundle as exported are rewritten, those of the default
// bundle were.
func TestExportedGraphs(t *testing.T) {
	for path, want := range map[string]map[string]int{
		exported("image_encoder"): {},
		exported("head"):          {"convolutions of few outputs transposed": 36},
		embedded("image_encoder"): {},
		embedded("head"):          {},
	} {
		t.Run(path, func(t *testing.T) {
			g := parsed(t, path)
			if rewrite.IsQuantised(g) {
				if err := rewrite.Unquantise(g); err != nil {
					t.Fatal(err)
				}
			}
			rewritten(t, g)
			done, err := rewrite.Exact(g)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, d := range done {
				got[d.Name] = d.Count
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("done %v, want %v", got, want)
			}
			if done, err = rewrite.Exact(g); err != nil || len(done) > 0 {
				t.Errorf("a second time: %v, error %v", done, err)
			}
		})
	}
}
