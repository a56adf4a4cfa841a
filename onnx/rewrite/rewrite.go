package rewrite

import (
	"fmt"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// oldest is the first version of ONNX' operators in which those that the rewrites
// make have the inputs that they are given.
const oldest = 13

// Done is a rewrite and how often a graph had a place for it.
type Done struct {
	Name  string `yaml:"name"`
	Count int    `yaml:"count"`
}

// exact are the rewrites in the order in which one makes place for the next.
var exact = []struct {
	name  string
	apply func(*graph.Graph) (int, error)
}{
	{"transposes joined", Transposes},
	{"first convolution as a product", Products},
	{"transposed convolutions as blocks", Blocks},
	{"sibling convolutions merged", Siblings},
	{"convolutions of few outputs transposed", Branches},
}

// Exact applies all exact rewrites, and returns those that found a place. They are
// of convolutions with float32 constants: in a graph of 8-bit pairs, where moving a
// rounding would change results, the others stay, and [Unquantise] makes them such.
// An operator that shapes cannot be inferred of is an error; after one the graph is
// in part rewritten.
func Exact(g *graph.Graph) ([]Done, error) {
	if v := g.Version(); v < oldest {
		return nil, fmt.Errorf("the graph is of version %d of ONNX' operators, want %d or later", v, oldest)
	}
	var list []Done
	for _, r := range exact {
		n, err := r.apply(g)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		g.Prune()
		if _, err := g.Infer(); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		if n > 0 {
			list = append(list, Done{r.name, n})
		}
	}
	return list, nil
}

// window is a convolution with constant weights, read with all its attributes.
type window struct {
	node                    *graph.Node
	weight                  *tensor.F32
	bias                    []float32 // zeros if it has none
	strides, pads, dilation []int
	group                   int
}

// convolution reads a float32 Conv or ConvTranspose of two axes; nil if the node is
// no such, or has an attribute that is not known here.
func convolution(g *graph.Graph, n *graph.Node, op string) (*window, error) {
	if n == nil || n.Op != op || n.Domain != "" || !g.IsConstant(n.Input(1)) ||
		n.Unknown("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad") != "" || n.Text("auto_pad", "NOTSET") != "NOTSET" {
		return nil, nil
	}
	v, _ := g.ConstantValue(n.Input(1))
	bias := n.Input(2)
	if v.Type != graph.Float32 || len(v.Shape) != 4 || bias != "" && !g.IsConstant(bias) {
		return nil, nil
	}
	w := &window{
		node: n, strides: n.Ints("strides", 1, 1), pads: n.Ints("pads", 0, 0, 0, 0),
		dilation: n.Ints("dilations", 1, 1), group: n.Int("group", 1),
	}
	var err error
	if w.weight, err = graph.Constant[float32](g, n.Input(1)); err != nil {
		return nil, fmt.Errorf("%s: %w", n, err)
	}
	w.bias = make([]float32, w.outputs())
	if bias != "" {
		t, err := graph.Constant[float32](g, bias)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		w.bias = t.Data
	}
	return w, nil
}

// outputs returns the number of output channels.
func (w *window) outputs() int {
	if w.node.Op == "ConvTranspose" {
		return w.weight.Shape[1] * w.group
	}
	return w.weight.Shape[0]
}

func (w *window) kernel() [2]int { return [2]int{w.weight.Shape[2], w.weight.Shape[3]} }

// plain reports whether the window moves by one and has neither gaps nor groups.
func (w *window) plain() bool {
	return w.group == 1 && all(w.strides, 1) && all(w.dilation, 1)
}

func all(list []int, want int) bool {
	for _, v := range list {
		if v != want {
			return false
		}
	}
	return true
}

// then returns the Relu that alone reads a node's output; nil if none does.
func then(g *graph.Graph, n *graph.Node) *graph.Node {
	if r := g.Only(n.Output()); r != nil && r.Op == "Relu" && r.Domain == "" {
		return r
	}
	return nil
}
