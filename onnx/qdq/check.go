package qdq

import (
	"errors"
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// CheckTensorRT returns an error with the first node of a quantised graph that TensorRT
// would refuse, or not compute as it is meant. It wants:
//
//   - pairs of int8 with zero points 0 and positive scales, one for each value, one for
//     each output channel of a weight
//   - pairs on what convolutions and products read, with constant weights in int8 and
//     float32 biases, and nowhere else but on the shortcut of a residual sum
//   - the other summand straight from a convolution or product in int8
//   - one scale for all that a concatenation reads and makes
//   - convolutions of enough channels, 16 as a rule
func CheckTensorRT(g *graph.Graph) error {
	shapes, err := g.Infer()
	if err != nil {
		return err
	}
	c := checker{g, shapes}
	for _, n := range g.Nodes() {
		if err := c.node(n); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
	}
	return nil
}

type checker struct {
	*graph.Graph
	shapes map[string]graph.Value
}

func (c checker) node(n *graph.Node) error {
	switch {
	case n.Op == quantize:
		return c.quantised(n)
	case n.Op == dequantize && c.ofConstant(n):
		return c.scaled(n)
	case n.Op == dequantize:
		return c.dequantised(n)
	case slices.Contains(weighted, n.Op):
		return c.layer(n)
	case n.Op == "Add":
		return c.sum(n)
	}
	for _, v := range n.Inputs {
		if c.pairOf(v) != nil {
			return fmt.Errorf("it reads %q from a pair, want the value itself", v)
		}
	}
	if n.Op == "Concat" {
		return c.concat(n)
	}
	return nil
}

// pairOf returns the node that gives a value out of int8; nil if none does.
func (c checker) pairOf(v string) *graph.Node {
	if n := c.Producer(v); n != nil && n.Op == dequantize {
		return n
	}
	return nil
}

// ofConstant reports whether a DequantizeLinear gives a constant, in int8 or from a pair.
func (c checker) ofConstant(n *graph.Node) bool {
	before := c.Producer(n.Inputs[0])
	return c.IsConstant(n.Inputs[0]) || before != nil && before.Op == quantize && c.IsConstant(before.Inputs[0])
}

// scaled checks the scale and zero point of a node.
func (c checker) scaled(n *graph.Node) error {
	scale, err := graph.Constant[float32](c.Graph, n.Input(1))
	if err != nil {
		return fmt.Errorf("scale: %w", err)
	}
	for _, s := range scale.Data {
		if !(s > 0) || s-s != 0 {
			return fmt.Errorf("a scale is %v, want a positive one", s)
		}
	}
	zero, err := graph.Constant[int8](c.Graph, n.Input(2))
	if err != nil {
		return fmt.Errorf("zero point: %w", err)
	}
	if slices.ContainsFunc(zero.Data, func(z int8) bool { return z != 0 }) {
		return errors.New("a zero point is not 0")
	}
	return nil
}

// scales returns the scale of a node that scaled has passed.
func (c checker) scales(n *graph.Node) *tensor.F32 {
	scale, err := graph.Constant[float32](c.Graph, n.Inputs[1])
	if err != nil {
		return tensor.New[float32](0)
	}
	return scale
}

// quantised checks the first node of a pair.
func (c checker) quantised(n *graph.Node) error {
	if err := c.scaled(n); err != nil {
		return err
	}
	if size := len(c.scales(n).Data); size != 1 && !c.IsConstant(n.Inputs[0]) {
		return fmt.Errorf("%d scales of one value, want one", size)
	}
	if c.IsOutput(n.Output()) {
		return errors.New("an output of the graph is int8, want float32")
	}
	for _, r := range c.Readers(n.Output()) {
		if r.Op != dequantize {
			return fmt.Errorf("%s reads int8, want DequantizeLinear", r)
		}
	}
	return nil
}

// dequantised checks the second node of a value's pair.
func (c checker) dequantised(n *graph.Node) error {
	if err := c.scaled(n); err != nil {
		return err
	}
	first := c.Producer(n.Inputs[0])
	if first == nil || first.Op != quantize {
		return fmt.Errorf("it reads %q, want what QuantizeLinear makes", n.Inputs[0])
	}
	if !slices.Equal(c.scales(first).Data, c.scales(n).Data) {
		return fmt.Errorf("its scale is not that of %s", first)
	}
	if c.IsOutput(n.Output()) {
		return errors.New("an output of the graph is quantised, want only what layers read")
	}
	return nil // of its readers each is checked
}

// layer checks a convolution or product.
func (c checker) layer(n *graph.Node) error {
	if c.pairOf(n.Input(2)) != nil {
		return errors.New("its bias is quantised, want float32")
	}
	input, weight := c.pairOf(n.Inputs[0]), c.pairOf(n.Inputs[1])
	switch {
	case input == nil && weight == nil:
		return nil
	case input == nil:
		return errors.New("its weight is quantised, but not its input")
	case weight == nil:
		return errors.New("its input is quantised, but not its weight, which must be constant")
	case !c.ofConstant(weight):
		return errors.New("its quantised weight is no constant")
	}
	shape, axis := c.shapes[n.Inputs[1]].Shape, outputAxis(n)
	if at := (weight.Int("axis", 1) + len(shape)) % len(shape); at != axis || len(c.scales(weight).Data) != shape[axis] {
		return fmt.Errorf("%d scales on axis %d of its weight %v, want one for each output channel", len(c.scales(weight).Data), at, shape)
	}
	if n.Op == "Conv" && !wideConvolution(shape, first(c.Graph, n)) {
		return fmt.Errorf("its weight %v has too few channels for int8", shape)
	}
	return nil
}

// sum checks that one summand is a shortcut from a pair exactly if the other comes from a
// layer in int8.
func (c checker) sum(n *graph.Node) error {
	main := residual(c.Graph, n, depthsOf(c.Graph), func(before *graph.Node) bool { return c.pairOf(before.Inputs[0]) != nil })
	for i, v := range n.Inputs {
		switch pair := c.pairOf(v) != nil; {
		case pair && (main < 0 || i == main):
			return fmt.Errorf("it reads %q from a pair, but its other input comes from no layer in int8", v)
		case !pair && main >= 0 && i != main && slices.Equal(c.shapes[n.Inputs[0]].Shape, c.shapes[n.Inputs[1]].Shape):
			return fmt.Errorf("its shortcut %q is not quantised", v)
		}
	}
	return nil
}

// concat checks that the pairs on what a concatenation reads and makes have one scale.
func (c checker) concat(n *graph.Node) error {
	roots := []string{n.Output()}
	for _, v := range n.Inputs {
		roots = append(roots, rootOf(c.Graph, v))
	}
	var one []float32
	for _, q := range c.Nodes() {
		if q.Op != quantize || !slices.Contains(roots, rootOf(c.Graph, q.Inputs[0])) {
			continue
		}
		if s := c.scales(q).Data; one != nil && !slices.Equal(one, s) {
			return fmt.Errorf("values that it reads or makes have scales %v and %v, want one", one, s)
		} else {
			one = s
		}
	}
	return nil
}
