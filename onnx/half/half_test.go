package half_test

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
	"github.com/solofusion/solofusion/onnx/half"
	"github.com/solofusion/solofusion/onnx/internal/graphtest"
	"github.com/solofusion/solofusion/onnx/rewrite"
	"github.com/solofusion/solofusion/tensor"
)

// run evaluates a graph on random numbers with ONNX Runtime's CPU provider, which computes
// in float32 and rounds values to float16.
func run(t *testing.T, g *graph.Graph) map[string]*tensor.F32 {
	t.Helper()
	inputs := onnx.Tensors{}
	for _, v := range g.Inputs() {
		inputs[v.Name] = graphtest.Random(7, graphtest.Closed(v.Shape)...)
	}
	return graphtest.Run(t, g, inputs)
}

func copyOf(t *testing.T, g *graph.Graph) *graph.Graph {
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

// wantNear fails unless outputs differ, as float16 is coarser, and by no more than the bound
// as a root mean square, relative to the output's.
func wantNear(t *testing.T, got, want map[string]*tensor.F32, bound float64) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d outputs, want %d", len(got), len(want))
	}
	for name, w := range want {
		sum, all := 0.0, 0.0
		for i, x := range w.Data {
			sum += math.Pow(float64(got[name].Data[i]-x), 2)
			all += math.Pow(float64(x), 2)
		}
		if e := math.Sqrt(sum / all); !(e > 0 && e <= bound) {
			t.Errorf("%s: noise %.3g, want some, at most %.3g", name, e, bound)
		}
	}
}

func bundled(t *testing.T, name string) *graph.Graph {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "model", "default", name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Parse(file)
	if err == nil && rewrite.IsQuantised(g) {
		err = rewrite.Unquantise(g)
	}
	if err == nil {
		_, err = rewrite.Exact(g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var float32Alone = []string{"DeformConv", "GridSample", "ReduceL2", "Max", "Div"}

func TestDefaultBundle(t *testing.T) {
	for _, name := range []string{"bev_embed", "image_encoder", "head"} {
		t.Run(name, func(t *testing.T) {
			g := bundled(t, name)
			made := copyOf(t, g)
			if err := half.Convert(made, nil); err != nil {
				t.Fatal(err)
			}
			if a, b := fmt.Sprint(g.Inputs(), g.Outputs()), fmt.Sprint(made.Inputs(), made.Outputs()); a != b {
				t.Errorf("inputs and outputs became %s, want %s", b, a)
			}
			values, err := made.Infer()
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range made.Nodes() {
				want := graph.Float16
				if slices.Contains(float32Alone, n.Op) {
					want = graph.Float32
				}
				if got := values[n.Output()].Type; n.Op != "Cast" && got != want {
					t.Errorf("%s is of %s, want %s", n, got, want)
				}
			}
			wantNear(t, run(t, made), run(t, g), 0.005)
		})
	}
}

func float(name string, shape ...int) graph.Value {
	return graph.Value{Name: name, Type: graph.Float32, Shape: shape}
}

func add(g *graph.Graph, t *tensor.F32) string { return graph.AddConstant(g, "constant", t) }

// small has a value that both types read and the graph gives out, a constant of both, and
// a Resize, whose scales stay float32.
func small(t *testing.T) *graph.Graph {
	g := graph.New(20)
	g.AddInput(float("x", 1, 8, 4, 4))
	c := graph.AddConstant(g, "shared", graphtest.Random(7, 1, 8, 1, 1))
	g.Add("Conv", "y", "x", graph.AddConstant(g, "w", graphtest.Random(7, 8, 8, 1, 1)), graph.AddConstant(g, "b", graphtest.Random(7, 8)))
	g.Add("Max", "m", "y", c)
	g.Add("Add", "s", "y", c)
	g.Add("Resize", "r", "s", "", add(g, tensor.From([]float32{1, 1, 2, 2}, 4))).Set("mode", "nearest")
	g.Add("Add", "x_more", "x", "m")
	for name, size := range map[string]int{"y": 4, "m": 4, "r": 8, "x_more": 4} {
		g.AddOutput(float(name, 1, 8, size, size))
	}
	if _, err := g.Infer(); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSmallGraph(t *testing.T) {
	g := small(t)
	made := copyOf(t, g)
	if err := half.Convert(made, map[string]float32{"y": 65504}); err != nil {
		t.Fatal(err)
	}
	wantNear(t, run(t, made), run(t, g), 0.002)
}

func TestWhatDoesNotFitIsNamed(t *testing.T) {
	g := small(t)
	err := half.Convert(g, map[string]float32{"y": 1e5, "s": 7e4, "m": 1e6, "x": 9e4})
	for _, want := range []string{"float16 ends at 65504", `value "x" with 90000`, `value "y" with 100000`, `value "s" with 70000`, `value "m" with 1e+06`} {
		wantError(t, err, want)
	}
	for _, x := range []float64{65505, math.Inf(-1), math.NaN()} {
		g := small(t)
		w := graphtest.Random(7, 8, 8, 1, 1)
		w.Data[5] = float32(x)
		g.Producer("y").Inputs[1] = graph.AddConstant(g, "large", w)
		wantError(t, half.Convert(g, nil), fmt.Sprintf("constant \"large\" with %v", float32(x)))
	}
}

func TestConvertRefuses(t *testing.T) {
	g := small(t)
	g.Producer("s").Op = "HardSwish"
	wantError(t, half.Convert(g, nil), "unknown operator")
	g = small(t)
	if err := half.Convert(g, nil); err != nil {
		t.Fatal(err)
	}
	wantError(t, half.Convert(g, nil), "is float16, want float32")
	g = small(t)
	g.Add("QuantizeLinear", "q", "r", add(g, tensor.From([]float32{1})))
	g.AddOutput(graph.Value{Name: "q", Type: graph.Uint8, Shape: []int{1, 8, 8, 8}})
	wantError(t, half.Convert(g, nil), "8-bit pairs, want float32")
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one with %q", err, text)
	}
}
