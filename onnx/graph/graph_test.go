package graph_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

var bundled = []string{"image_encoder", "bev_embed", "head"}

func readBundled(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "model", "default", name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func parse(t testing.TB, file []byte) *graph.Graph {
	t.Helper()
	g, err := graph.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one with %q", err, text)
	}
}

func TestBytesAreTheSameAgain(t *testing.T) {
	for _, name := range bundled {
		first, err := parse(t, readBundled(t, name)).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		second, err := parse(t, first).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s: %d bytes became %d others", name, len(first), len(second))
		}
	}
}

func TestInferFindsDeclaredOutputs(t *testing.T) {
	for _, name := range bundled {
		g := parse(t, readBundled(t, name))
		values, err := g.Infer() // which compares the outputs
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, n := range g.Nodes() {
			if v, ok := values[n.Output()]; !ok || v.Name != n.Output() {
				t.Errorf("%s: %s has no shape", name, n)
			}
		}
	}
}

func TestWhatIsUnknownStays(t *testing.T) {
	file := readBundled(t, "bev_embed")
	text := protowire.AppendTag(nil, 6, protowire.BytesType) // a model's doc_string
	text = protowire.AppendString(text, "kept")
	out, err := parse(t, append(slices.Clone(file), text...)).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out, text) || !bytes.Contains(out, []byte("solofusion")) {
		t.Error("doc_string or producer_name is lost")
	}
}

// small is y = Relu(x + w), z = Sigmoid(x + w), both given out, in the wrong order.
func small(t testing.TB) *graph.Graph {
	g := graph.New(20)
	g.AddInput(graph.Value{Name: "x", Type: graph.Float32, Shape: []int{-1, 2}})
	g.Add("Relu", "y", "sum")
	g.Add("Sigmoid", "z", "sum")
	w := graph.AddConstant(g, "w", tensor.From([]float32{1, 2}, 1, 2))
	g.Add("Add", "sum", "x", w)
	for _, name := range []string{"y", "z"} {
		g.AddOutput(graph.Value{Name: name, Type: graph.Float32, Shape: []int{-1, 2}})
	}
	if err := g.Sort(); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestOrderAndNeighbours(t *testing.T) {
	g := small(t)
	var ops []string
	for _, n := range g.Nodes() {
		ops = append(ops, n.Op)
	}
	if got := strings.Join(ops, " "); got != "Add Relu Sigmoid" {
		t.Errorf("order %s", got)
	}
	if got := len(g.Readers("sum")); got != 2 {
		t.Errorf("sum has %d readers, want 2", got)
	}
	if g.Producer("sum").Op != "Add" || g.Producer("x") != nil || g.Producer("w") != nil {
		t.Error("wrong producers")
	}
	if g.Only("sum") != nil || g.Only("w") == nil || g.Only("y") != nil {
		t.Error("wrong only readers")
	}
	if a, b := g.Fresh("sum"), g.Fresh("sum"); a == "sum" || a == b {
		t.Errorf("fresh names %q and %q", a, b)
	}
	values, err := g.Infer()
	if err != nil || !slices.Equal(values["sum"].Shape, []int{-1, 2}) {
		t.Errorf("sum is %v, error %v", values["sum"], err)
	}
}

func TestPruneKeepsWhatOutputsNeed(t *testing.T) {
	g := small(t)
	g.Add("Relu", "unread", graph.AddConstant(g, "lost", tensor.New[float32](1)))
	g.Prune()
	if n := len(g.Nodes()); n != 3 || !slices.Equal(g.Constants(), []string{"w"}) {
		t.Errorf("%d nodes and constants %v remain", n, g.Constants())
	}
}

func TestConstants(t *testing.T) {
	g := small(t)
	name := graph.AddConstant(g, "w", tensor.From([]int8{-1, 2, 3}, 3))
	if name == "w" {
		t.Error("a second constant takes the first's name")
	}
	file, err := g.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	g = parse(t, file)
	back, err := graph.Constant[int8](g, name)
	if err != nil || !slices.Equal(back.Data, []int8{-1, 2, 3}) {
		t.Errorf("%v, error %v", back, err)
	}
	_, err = graph.Constant[float32](g, name)
	wantError(t, err, `is int8, want float32`)
	_, err = graph.Constant[float32](g, "sum")
	wantError(t, err, `"sum" is no constant`)
}

func TestAttributes(t *testing.T) {
	n := small(t).Nodes()[0]
	n.Set("axis", 0).Set("pads", []int{1, -2}).Set("alpha", float32(0.5)).Set("mode", "CRD")
	if n.Int("axis", 7) != 0 || !slices.Equal(n.Ints("pads"), []int{1, -2}) || n.Float("alpha", 0) != 0.5 || n.Text("mode", "") != "CRD" {
		t.Errorf("attributes %v read back wrong", n.Attributes())
	}
	if n.Int("absent", 3) != 3 || n.Unknown("axis", "pads", "alpha") != "mode" {
		t.Error("wrong defaults")
	}
	n.Unset("mode")
	if n.Unknown("axis", "pads", "alpha") != "" {
		t.Error("mode is still there")
	}
}

func TestFaultsAreNamed(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		edit       func(g *graph.Graph)
	}{
		{"loop", "depends on itself", func(g *graph.Graph) { g.Producer("sum").Inputs[1] = "y" }},
		{"no source", `reads "gone", which nothing makes`, func(g *graph.Graph) { g.Producer("y").Inputs[0] = "gone" }},
		{"two sources", `"sum" is made twice`, func(g *graph.Graph) { g.Add("Relu", "sum", "x") }},
		{"no output", `output "z" is made by nothing`, func(g *graph.Graph) { g.Remove(g.Producer("z")) }},
		{"operator", `node "y" (LSTM): unknown operator`, func(g *graph.Graph) { g.Producer("y").Op = "LSTM" }},
		{"attribute", `node "y" (Relu): unknown attribute slope`, func(g *graph.Graph) { g.Producer("y").Set("slope", 1) }},
		{"declared shape", `output "y" is float32 [-1 2 1]`, func(g *graph.Graph) {
			g.Producer("y").Op = "Unsqueeze"
			g.Producer("y").Inputs = append(g.Producer("y").Inputs, graph.AddConstant(g, "axes", tensor.From([]int64{-1}, 1)))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := small(t)
			tt.edit(g)
			_, err := g.Infer()
			wantError(t, err, tt.want)
		})
	}
}

func message(number protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(parts, nil))
}

func TestParseRefusesWhatItCannotEdit(t *testing.T) {
	file := readBundled(t, "bev_embed")
	relu := [][]byte{message(1, []byte("x")), message(2, []byte("y")), message(4, []byte("Relu"))}
	inner := message(7, message(1, append(relu, message(5, message(6)))...))
	elsewhere := append(message(8, []byte("w")), protowire.AppendVarint(protowire.AppendTag(nil, 14, protowire.VarintType), 1)...)
	for _, tt := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "no ONNX", nil},
		{"cut short", "no ONNX", file[:1000]},
		{"text", "no ONNX", []byte("not a graph")},
		{"a function", "functions of its own", append(slices.Clone(file), message(25, message(1, []byte("f")))...)},
		{"an inner graph", "holds a graph of its own", inner},
		{"another file", "lies in another file", message(7, message(1, relu...), message(5, elsewhere))},
		{"twice", "is there twice", message(7, message(1, relu...), message(5, message(8, []byte("w"))), message(5, message(8, []byte("w"))))},
		{"a default", "has a default value", message(7, message(1, relu...), message(5, message(8, []byte("x"))), message(11, message(1, []byte("x"))))},
		{"sparse", "sparse constants", message(7, message(1, relu...), message(15))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := graph.Parse(tt.file)
			wantError(t, err, tt.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	file, err := small(f).Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(readBundled(f, "bev_embed")[:3000])
	f.Fuzz(func(t *testing.T, file []byte) {
		g, err := graph.Parse(file)
		if err != nil {
			return
		}
		_, _ = g.Infer()
		for _, name := range g.Constants() {
			_, _ = graph.Constant[float32](g, name)
		}
		first, err := g.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := graph.Parse(first); err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
	})
}

// TestNodesOfOneName: the later ones are numbered, past names that are taken.
func TestNodesOfOneName(t *testing.T) {
	g := graph.New(20)
	g.AddInput(graph.Value{Name: "x", Type: graph.Float32, Shape: []int{1}})
	x := "x"
	for i, name := range []string{"a", "a", "a_2", "", "", "a"} {
		n := g.Add("Relu", "y"+strconv.Itoa(i), x)
		n.Name, x = name, n.Output()
	}
	g.AddOutput(graph.Value{Name: x, Type: graph.Float32, Shape: []int{1}})
	file, err := g.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := graph.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range again.Nodes() {
		names = append(names, n.Name)
	}
	if want := []string{"a", "a_3", "a_2", "", "", "a_4"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}
