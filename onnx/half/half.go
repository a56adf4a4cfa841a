package half

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/onnx/graph"
)

// Largest is the largest number of float16.
const Largest = 65504

// single are the operators that stay float32: the places that DeformConv and GridSample
// read are of more pixels than float16 tells apart, and of GridSample the CUDA provider
// has no other; sums of squares exceed float16 soon, and quotients lose bits twice.
var single = []string{"DeformConv", "GridSample", "ReduceL2", "Max", "Div"}

// Convert changes a graph's constants and values to float16. Magnitudes that values were
// seen to reach may be given by name; a value without one is taken to fit. The error
// names the constants and values that are beyond Largest, or an operator that is not
// known, or says that the graph is not of float32 alone; after one the graph is in part
// changed.
func Convert(g *graph.Graph, magnitudes map[string]float32) error {
	values, err := g.Infer()
	if err != nil {
		return err
	}
	c := &converter{Graph: g, values: values, half: map[string]bool{}, same: map[string]string{}, magnitudes: magnitudes}
	for _, n := range g.Nodes() {
		if err := c.check(n); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
	}
	for _, n := range g.Nodes() {
		if err := c.node(n); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
	}
	c.outputs()
	if len(c.large) > 0 {
		return fmt.Errorf("float16 ends at %d, but larger are %s", Largest, strings.Join(c.large, ", "))
	}
	g.Prune()
	_, err = g.Infer()
	return err
}

type converter struct {
	*graph.Graph
	values     map[string]graph.Value // before the change
	half       map[string]bool        // values that are float16 now
	same       map[string]string      // constants and values, to those of the other type
	magnitudes map[string]float32
	large      []string // what does not fit
}

// check returns an error if a node has what is neither float32 nor of integers.
func (c *converter) check(n *graph.Node) error {
	if n.Op == "QuantizeLinear" || n.Op == "DequantizeLinear" {
		return fmt.Errorf("the graph has 8-bit pairs, want float32")
	}
	for _, v := range slices.Concat(n.Inputs, n.Outputs) {
		if t := c.values[v].Type; t == graph.Float16 || t == graph.Bfloat16 || t == graph.Float64 {
			return fmt.Errorf("%q is %s, want float32", v, t)
		}
	}
	return nil
}

// node makes a node read and make values of its type.
func (c *converter) node(n *graph.Node) error {
	half := !slices.Contains(single, n.Op) && n.Op != "Cast"
	for i, v := range n.Inputs {
		if v == "" || c.values[v].Type != graph.Float32 || n.Op == "Resize" && i > 0 || c.half[v] == half {
			continue
		}
		switch {
		case !c.IsConstant(v):
			n.Inputs[i] = c.cast(v, half)
		case half:
			name, err := c.constant(v)
			if err != nil {
				return err
			}
			n.Inputs[i] = name
		}
	}
	for _, v := range n.Outputs {
		if half && c.values[v].Type == graph.Float32 {
			c.half[v] = true
			if c.magnitudes[v] > Largest {
				c.large = append(c.large, fmt.Sprintf("value %q with %v", v, c.magnitudes[v]))
			}
		}
	}
	return nil
}

// cast returns the name of a value in the other type.
func (c *converter) cast(v string, half bool) string {
	name, ok := c.same[v]
	if !ok {
		to, hint := graph.Float32, v+"_single"
		if half {
			to, hint = graph.Float16, v+"_half"
		}
		name = c.Fresh(hint)
		c.same[v] = name
		c.Add("Cast", name, v).Set("to", int(to))
	}
	if half && c.magnitudes[v] > Largest && !ok {
		c.large = append(c.large, fmt.Sprintf("value %q with %v", v, c.magnitudes[v]))
	}
	return name
}

// constant returns the name of a constant in float16.
func (c *converter) constant(v string) (string, error) {
	if name, ok := c.same[v]; ok {
		return name, nil
	}
	t, err := graph.Constant[float32](c.Graph, v)
	if err != nil {
		return "", err
	}
	all := make([]uint16, len(t.Data))
	for i, x := range t.Data {
		if !(math.Abs(float64(x)) <= Largest) {
			c.large = append(c.large, fmt.Sprintf("constant %q with %v", v, x))
			break
		}
		all[i] = bits(x)
	}
	name := c.AddFloat16(v+"_half", all, t.Shape...)
	c.same[v] = name
	return name, nil
}

// outputs gives the graph's outputs in float32.
func (c *converter) outputs() {
	for _, out := range c.Outputs() {
		if !c.half[out.Name] {
			continue
		}
		n, made := c.Producer(out.Name), c.Fresh(out.Name+"_made")
		n.Outputs[slices.Index(n.Outputs, out.Name)] = made
		c.Redirect(out.Name, made)
		c.Add("Cast", out.Name, made).Set("to", int(graph.Float32)).Name = c.Fresh(out.Name + "_Cast") // the maker may be called as its output
	}
}

// Exponents of float16.
const (
	fraction = 10  // bits after the leading one
	bias     = 15  // of what is stored
	lowest   = -14 // of numbers with a leading one
)

// bits returns the float16 that is nearest to a number of at most Largest, the even one of
// two.
func bits(x float32) uint16 {
	sign := uint16(math.Float32bits(x) >> 16 & 0x8000)
	_, exponent := math.Frexp(max(math.Abs(float64(x)), 0x1p-24)) // zero has none
	exponent = max(exponent-1, lowest)
	stored := uint16(math.RoundToEven(math.Ldexp(math.Abs(float64(x)), fraction-exponent)))
	return sign | uint16(exponent-lowest)<<fraction + stored // a leading one adds one to the exponent
}
