package rewrite

import (
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

const (
	quantize   = "QuantizeLinear"
	dequantize = "DequantizeLinear"
)

// IsQuantised reports whether a graph has 8-bit pairs.
func IsQuantised(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Nodes(), func(n *graph.Node) bool { return n.Op == quantize || n.Op == dequantize })
}

// Unquantise takes a graph of pairs of QuantizeLinear and DequantizeLinear back to
// float32: constants become the numbers that they stand for, pairs are left out,
// and an input that is dequantised becomes a float32 one of real values. Where a
// pair's zero point is the least number it cut off what is negative, as the Relu
// did that quantisers leave out there; it is put back, unless the value cannot be
// negative. The float graph is the quantised one without the rounding of
// activations, and without its bounds. The error names a node that is not of that
// form; the graph is then in part rewritten.
func Unquantise(g *graph.Graph) error {
	if err := unquantiseConstants(g); err != nil {
		return err
	}
	for _, n := range g.Nodes() {
		if n.Op != dequantize {
			continue
		}
		if err := unquantiseValue(g, n); err != nil {
			return err
		}
	}
	g.Prune()
	for _, n := range g.Nodes() {
		if n.Op == quantize {
			return fmt.Errorf("%s: what it makes is not dequantised", n)
		}
	}
	return g.Sort()
}

// unquantiseConstants replaces DequantizeLinear of a constant by its result.
func unquantiseConstants(g *graph.Graph) error {
	for _, n := range g.Nodes() {
		if n.Op != dequantize || !g.IsConstant(n.Inputs[0]) {
			continue
		}
		real, err := realConstant(g, n)
		if err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
		output := n.Output()
		if g.IsOutput(output) {
			return fmt.Errorf("%s: an output of the graph is a constant", n)
		}
		g.Remove(n)
		g.Redirect(output, graph.AddConstant(g, output, real))
	}
	return nil
}

func realConstant(g *graph.Graph, n *graph.Node) (*tensor.F32, error) {
	v, _ := g.ConstantValue(n.Inputs[0])
	switch v.Type {
	case graph.Int8:
		return realNumbers[int8](g, n)
	case graph.Uint8:
		return realNumbers[uint8](g, n)
	case graph.Int32:
		return realNumbers[int32](g, n)
	}
	return nil, fmt.Errorf("constant %q is %s, want int8, uint8 or int32", v.Name, v.Type)
}

// realNumbers returns scale (stored - zero point), scale and zero point being one
// number each or one for each place on the node's axis.
func realNumbers[T int8 | uint8 | int32](g *graph.Graph, n *graph.Node) (*tensor.F32, error) {
	if name := n.Unknown("axis"); name != "" {
		return nil, fmt.Errorf("unknown attribute %s", name)
	}
	stored, err := graph.Constant[T](g, n.Inputs[0])
	if err != nil {
		return nil, err
	}
	scale, err := graph.Constant[float32](g, n.Input(1))
	if err != nil {
		return nil, err
	}
	zero := tensor.New[T](scale.Shape...)
	if n.Input(2) != "" {
		if zero, err = graph.Constant[T](g, n.Input(2)); err != nil {
			return nil, err
		}
	}
	inner, places, err := along(stored.Shape, n.Int("axis", 1), len(scale.Data))
	if err != nil || len(zero.Data) != len(scale.Data) {
		return nil, fmt.Errorf("%d scales and %d zero points do not fit %v", len(scale.Data), len(zero.Data), stored.Shape)
	}
	real := tensor.New[float32](stored.Shape...)
	for i, q := range stored.Data {
		at := i / inner % places
		real.Data[i] = float32(int64(q)-int64(zero.Data[at])) * scale.Data[at]
	}
	return real, nil
}

// along returns how many elements share a place on the axis in a row, and how many
// places it has.
func along(shape []int, axis, scales int) (inner, places int, err error) {
	if scales == 1 {
		return 1, 1, nil
	}
	if axis < 0 {
		axis += len(shape)
	}
	if axis < 0 || axis >= len(shape) || shape[axis] != scales {
		return 0, 0, fmt.Errorf("axis %d of %v", axis, shape)
	}
	return tensor.Size(shape[axis+1:]), scales, nil
}

// unquantiseValue takes out a DequantizeLinear of an activation.
func unquantiseValue(g *graph.Graph, n *graph.Node) error {
	pair := g.Producer(n.Inputs[0])
	if pair == nil || pair.Op != quantize {
		return unquantiseInput(g, n)
	}
	if pair.Input(1) != n.Input(1) || pair.Input(2) != n.Input(2) {
		return fmt.Errorf("%s and %s have not the same scale and zero point", pair, n)
	}
	cut, err := cutsNegative(g, pair)
	if err != nil {
		return fmt.Errorf("%s: %w", pair, err)
	}
	source, output := pair.Inputs[0], n.Output()
	g.Remove(n)
	switch {
	case cut && !neverNegative(g, source):
		g.Add("Relu", output, source).Name = n.Name // what makes the source may have the output's
	case g.IsOutput(output):
		g.Add("Identity", output, source).Name = n.Name
	default:
		g.Redirect(output, source)
	}
	return nil
}

// cutsNegative reports whether a pair's zero point is the least number of its type.
func cutsNegative(g *graph.Graph, pair *graph.Node) (bool, error) {
	zero, ok := g.ConstantValue(pair.Input(2))
	switch {
	case pair.Input(2) == "":
		return true, nil // the default is a uint8 0
	case !ok:
		return false, fmt.Errorf("zero point %q is no constant", pair.Input(2))
	case zero.Type == graph.Uint8:
		t, err := graph.Constant[uint8](g, zero.Name)
		return err == nil && !slices.ContainsFunc(t.Data, func(z uint8) bool { return z != 0 }), err
	case zero.Type == graph.Int8:
		t, err := graph.Constant[int8](g, zero.Name)
		return err == nil && !slices.ContainsFunc(t.Data, func(z int8) bool { return z != -128 }), err
	}
	return false, fmt.Errorf("zero point %q is %s, want uint8 or int8", zero.Name, zero.Type)
}

// neverNegative reports whether a value comes from a Relu or a Sigmoid by moving
// numbers only.
func neverNegative(g *graph.Graph, value string) bool {
	n := g.Producer(value)
	if n == nil {
		return false
	}
	switch n.Op {
	case "Relu", "Sigmoid":
		return true
	case "Concat":
		return !slices.ContainsFunc(n.Inputs, func(v string) bool { return !neverNegative(g, v) })
	case "MaxPool", "DepthToSpace", "SpaceToDepth", "Transpose", "Reshape", "Split", "Slice":
		return neverNegative(g, n.Inputs[0])
	}
	return false
}

// unquantiseInput makes an 8-bit input a float32 one: it may only be moved before
// it is dequantised.
func unquantiseInput(g *graph.Graph, n *graph.Node) error {
	value := n.Inputs[0]
	for !g.IsInput(value) {
		before := g.Producer(value)
		if before == nil || !slices.Contains([]string{"Transpose", "Reshape", "Identity"}, before.Op) || g.Only(value) == nil {
			return fmt.Errorf("%s: %q is neither quantised by a node before it nor an input", n, n.Inputs[0])
		}
		value = before.Inputs[0]
	}
	if g.Only(value) == nil {
		return fmt.Errorf("%s: input %q has other readers", n, value)
	}
	if g.IsOutput(n.Output()) {
		return fmt.Errorf("%s: an output of the graph is an input", n)
	}
	g.Remove(n)
	g.Redirect(n.Output(), n.Inputs[0])
	return g.SetInputType(value, graph.Float32)
}
