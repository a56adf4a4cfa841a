package qdq_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/internal/graphtest"
	"github.com/solofusion/solofusion/onnx/qdq"
	"github.com/solofusion/solofusion/onnx/rewrite"
	"github.com/solofusion/solofusion/tensor"
)

// inputsOf returns random numbers for a float32 graph. Those of a stack are not negative, as
// what a Relu makes.
func inputsOf(g *graph.Graph) map[string]*tensor.F32 {
	all := map[string]*tensor.F32{}
	for _, v := range g.Inputs() {
		all[v.Name] = graphtest.Random(7, graphtest.Closed(v.Shape)...)
		if v.Name == "stack" {
			for i, x := range all[v.Name].Data {
				all[v.Name].Data[i] = max(x, 0)
			}
		}
	}
	return all
}

func bytesOf(t testing.TB, g *graph.Graph) []byte {
	t.Helper()
	file, err := g.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func copyOf(t testing.TB, g *graph.Graph) *graph.Graph {
	t.Helper()
	g, err := graph.Parse(bytesOf(t, g))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// run evaluates a graph with ONNX Runtime. An input that the graph has as uint8 is stored in
// the scale first.
func run(t testing.TB, g *graph.Graph, inputs map[string]*tensor.F32, outside map[string]qdq.Outside) map[string]*tensor.F32 {
	t.Helper()
	given := onnx.Tensors{}
	for _, v := range g.Inputs() {
		given[v.Name] = inputs[v.Name]
		if v.Type == graph.Uint8 {
			given[v.Name] = stored(inputs[v.Name], outside[v.Name])
		}
	}
	return graphtest.Run(t, g, given)
}

func stored(real *tensor.F32, o qdq.Outside) *tensor.U8 {
	t := tensor.New[uint8](real.Shape...)
	for i, x := range real.Data {
		step := float64(o.Step)
		if n := len(o.Factors); n > 0 {
			step *= float64(o.Factors[i%n])
		}
		t.Data[i] = uint8(min(max(math.RoundToEven(float64(x)/step)+float64(o.Zero), 0), 255))
	}
	return t
}

// runPlain evaluates a graph without any of ONNX Runtime's changes to it.
func runPlain(t testing.TB, g *graph.Graph, inputs map[string]*tensor.F32) map[string]*tensor.F32 {
	t.Helper()
	if _, err := onnx.Open(""); err != nil {
		t.Fatal(err)
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		t.Fatal(err)
	}
	defer options.Destroy()
	if err := options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelDisableAll); err != nil {
		t.Fatal(err)
	}
	var in, out []string
	var given, made []ort.Value
	results := map[string]*tensor.F32{}
	value := func(x *tensor.F32) ort.Value {
		shape := ort.Shape{}
		for _, d := range x.Shape {
			shape = append(shape, int64(d))
		}
		v, err := ort.NewTensor(shape, x.Data)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Destroy() })
		return v
	}
	for _, v := range g.Inputs() {
		in, given = append(in, v.Name), append(given, value(inputs[v.Name]))
	}
	for _, v := range g.Outputs() {
		results[v.Name] = tensor.New[float32](graphtest.Closed(v.Shape)...)
		out, made = append(out, v.Name), append(made, value(results[v.Name]))
	}
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(bytesOf(t, g), in, out, options)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Destroy()
	if err := session.Run(given, made); err != nil {
		t.Fatal(err)
	}
	return results
}

// measure returns the ranges of the named values for the inputs.
func measure(t testing.TB, g *graph.Graph, names []string, inputs map[string]*tensor.F32) map[string]qdq.Range {
	t.Helper()
	exposed := copyOf(t, g)
	values, err := exposed.Infer()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range names {
		if !exposed.IsInput(v) && !exposed.IsOutput(v) {
			exposed.AddOutput(values[v])
		}
	}
	results := run(t, exposed, inputs, nil)
	ranges := map[string]qdq.Range{}
	for _, v := range names {
		x := results[v]
		if x == nil {
			x = inputs[v]
		}
		ranges[v] = qdq.Range{Low: slices.Min(x.Data), High: slices.Max(x.Data)}
	}
	return ranges
}

func plan(t testing.TB, g *graph.Graph, target qdq.Target) *qdq.Plan {
	t.Helper()
	p, err := qdq.NewPlan(g, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// quantised returns a graph in 8 bits, with ranges of those inputs.
func quantised(t testing.TB, g *graph.Graph, target qdq.Target, inputs map[string]*tensor.F32, o qdq.Options) (*graph.Graph, *qdq.Report) {
	t.Helper()
	made := copyOf(t, g)
	p := plan(t, made, target)
	report, err := p.Write(measure(t, g, p.Values(), inputs), o)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(g.Outputs()), fmt.Sprint(made.Outputs()); a != b {
		t.Errorf("outputs became %s, want %s", b, a)
	}
	return made, report
}

// noise returns the root mean square of the difference of two tensors, relative to that of
// the second.
func noise(got, want *tensor.F32) float64 {
	sum, all := 0.0, 0.0
	for i, w := range want.Data {
		sum += math.Pow(float64(got.Data[i]-w), 2)
		all += math.Pow(float64(w), 2)
	}
	return math.Sqrt(sum / all)
}

// wantNear fails if an output's noise is not below the bound.
func wantNear(t testing.TB, got, want map[string]*tensor.F32, bound float64) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d outputs, want %d", len(got), len(want))
	}
	worst := 0.0
	for name, w := range want {
		e := noise(got[name], w)
		worst = max(worst, e)
		if !(e <= bound) {
			t.Errorf("%s: noise %.4g, want at most %.3g", name, e, bound)
		}
	}
	t.Logf("noise at most %.4g", worst)
}

func bundled(t testing.TB, name string) *graph.Graph {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "model", "default", name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if rewrite.IsQuantised(g) {
		if err := rewrite.Unquantise(g); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func rewritten(t testing.TB, g *graph.Graph) *graph.Graph {
	t.Helper()
	g = copyOf(t, g)
	if _, err := rewrite.Exact(g); err != nil {
		t.Fatal(err)
	}
	return g
}

// bundledNames are the default bundle's graphs, the largest last.
var bundledNames = []string{"bev_embed", "image_encoder", "head"}

// eachBundled runs a test on the default bundle's graphs, as exported and rewritten.
func eachBundled(t *testing.T, test func(t *testing.T, g *graph.Graph)) {
	for _, name := range bundledNames {
		t.Run(name, func(t *testing.T) { test(t, bundled(t, name)) })
		t.Run(name+" rewritten", func(t *testing.T) { test(t, rewritten(t, bundled(t, name))) })
	}
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

func float(name string, shape ...int) graph.Value {
	return graph.Value{Name: name, Type: graph.Float32, Shape: shape}
}

// constant adds numbers that keep the size of values: a layer's inputs are what is not its
// first axis.
func (b *builder) constant(shape ...int) string {
	b.seed++
	t := graphtest.Random(b.seed, shape...)
	for i := range t.Data {
		t.Data[i] *= float32(math.Sqrt(2 / float64(tensor.Size(shape[1:]))))
	}
	return graph.AddConstant(b.Graph, "weight", t)
}

// conv adds a 3x3 convolution that keeps the size.
func (b *builder) conv(x, y string, inputs, outputs int) *graph.Node {
	return b.Add("Conv", y, x, b.constant(outputs, inputs, 3, 3), b.constant(outputs)).
		Set("kernel_shape", []int{3, 3}).Set("pads", []int{1, 1, 1, 1})
}

// convRelu adds a convolution and a Relu.
func (b *builder) convRelu(x, y string, inputs, outputs int) {
	b.conv(x, y+"_sum", inputs, outputs)
	b.Add("Relu", y, y+"_sum")
}

// done declares outputs of the inferred shapes, and returns the graph.
func (b *builder) done(t testing.TB, outputs ...string) *graph.Graph {
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

// operators lists a graph's, those of pairs as Q and D, those of constants left out.
func operators(g *graph.Graph) string {
	var list []string
	for _, n := range g.Nodes() {
		switch {
		case n.Op == "QuantizeLinear":
			list = append(list, "Q")
		case n.Op == "DequantizeLinear" && !g.IsConstant(n.Inputs[0]):
			list = append(list, "D")
		case n.Op != "DequantizeLinear":
			list = append(list, n.Op)
		}
	}
	return strings.Join(list, " ")
}

func wantError(t testing.TB, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one with %q", err, text)
	}
}

// layerOf returns the layer that makes a value, before or behind its pair.
func layerOf(g *graph.Graph, v string) *graph.Node {
	n := g.Producer(v)
	for slices.Contains([]string{"DequantizeLinear", "QuantizeLinear"}, n.Op) {
		n = g.Producer(n.Inputs[0])
	}
	return n
}
