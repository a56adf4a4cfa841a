package qdq

import (
	"fmt"
	"maps"
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
)

// Target is what runs a graph.
type Target string

// The targets.
const (
	CPU      Target = "cpu"
	TensorRT Target = "tensorrt"
)

// Plan is which nodes of a graph are computed in integers.
type Plan struct {
	g       *graph.Graph
	target  Target
	shapes  map[string]graph.Value
	integer map[*graph.Node]bool
	scaled  map[string]string   // quantised values, to the measured value whose scale they have
	sharing map[string][]string // measured values that have one scale, by each of them
	places  map[string][]place  // for TensorRT, where quantised values are read from their pairs
	written bool
}

const (
	quantize   = "QuantizeLinear"
	dequantize = "DequantizeLinear"
)

// operators of graphs, by what they are to a plan.
var (
	weighted = []string{"Conv", "Gemm", "MatMul"}
	joining  = []string{"Add", "Mul", "Concat"}
	// layout operators keep a value's scale: each of their results is one of its numbers.
	layout = []string{"MaxPool", "Transpose", "Reshape", "Slice", "Split", "DepthToSpace", "SpaceToDepth", "Identity"}
	// passing operators are no layer of their own.
	passing = append([]string{"Relu", "Sigmoid", "Unsqueeze"}, layout...)
)

// oldest is the first version of ONNX' operators that have a scale for each channel.
const oldest = 13

// NewPlan returns the plan of a float32 graph. Nodes with an output in keep stay
// float32. The error names an operator or a value of keep that is not known, or says
// that the graph has 8-bit pairs already.
func NewPlan(g *graph.Graph, target Target, keep map[string]bool) (*Plan, error) {
	if target != CPU && target != TensorRT {
		return nil, fmt.Errorf("unknown target %q, want %s or %s", target, CPU, TensorRT)
	}
	if v := g.Version(); v < oldest {
		return nil, fmt.Errorf("the graph is of version %d of ONNX' operators, want %d or later", v, oldest)
	}
	shapes, err := g.Infer()
	if err != nil {
		return nil, err
	}
	for _, n := range g.Nodes() {
		if n.Op == quantize || n.Op == dequantize {
			return nil, fmt.Errorf("%s: the graph has 8-bit pairs already, want float32", n)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(keep)) {
		if g.Producer(v) == nil {
			return nil, fmt.Errorf("%q, which is to stay float32, is made by no node", v)
		}
	}
	p := &Plan{
		g: g, target: target, shapes: shapes, integer: map[*graph.Node]bool{},
		scaled: map[string]string{}, sharing: map[string][]string{}, places: map[string][]place{},
	}
	if target == TensorRT {
		p.placeTensorRT(keep)
	} else {
		p.placeCPU(keep)
	}
	return p, nil
}

// placeCPU puts pairs around all that integer kernels compute, in a chain as long as can be.
func (p *Plan) placeCPU(keep map[string]bool) {
	for _, n := range p.g.Nodes() {
		if !keeps(keep, n) && p.takes(n) {
			p.integer[n] = true
		}
	}
	p.spread(keep)
	p.scale()
}

// keeps reports whether an output of a node is to stay float32.
func keeps(keep map[string]bool, n *graph.Node) bool {
	return slices.ContainsFunc(n.Outputs, func(v string) bool { return keep[v] })
}

// spread takes in what only lays out a value, before a node that reads it in integers.
func (p *Plan) spread(keep map[string]bool) {
	nodes := p.g.Nodes()
	slices.Reverse(nodes)
	for _, n := range nodes {
		if !p.integer[n] {
			continue
		}
		for _, v := range p.data(n) {
			if before := laidOut(p.g, v); before != nil && !keeps(keep, before) {
				p.integer[before] = true
			}
		}
	}
}

// laidOut returns the node that makes a value of another by moving its numbers; nil if
// none does.
func laidOut(g *graph.Graph, value string) *graph.Node {
	n := g.Producer(value)
	if n == nil || !slices.Contains(layout, n.Op) || g.IsConstant(n.Inputs[0]) {
		return nil
	}
	return n
}

// takes reports whether a node is computed in integers. Those before it are decided.
func (p *Plan) takes(n *graph.Node) bool {
	switch {
	case slices.Contains(weighted, n.Op):
		return p.isLayer(n) && !p.sensitive(n.Output(), false)
	case n.Op == "Add" || n.Op == "Concat":
		return len(n.Inputs) > 0 && !slices.ContainsFunc(n.Inputs, func(v string) bool { return !p.isInteger(v) }) && !p.sensitive(n.Output(), false)
	case n.Op == "Mul":
		return slices.ContainsFunc(n.Inputs, p.isInteger) && !slices.ContainsFunc(n.Inputs, p.g.IsConstant) && !p.sensitive(n.Output(), false)
	case n.Op == "Relu" || slices.Contains(layout, n.Op):
		return p.isInteger(n.Inputs[0])
	}
	return false
}

// isInteger reports whether a node that is computed in integers makes the value.
func (p *Plan) isInteger(value string) bool {
	n := p.g.Producer(value)
	return n != nil && p.integer[n]
}

// isLayer reports whether a node is a convolution or product with float32 weights that
// integer kernels have.
func (p *Plan) isLayer(n *graph.Node) bool {
	for i := 1; i < len(n.Inputs); i++ {
		if v, ok := p.g.ConstantValue(n.Inputs[i]); n.Inputs[i] != "" && (!ok || v.Type != graph.Float32) {
			return false
		}
	}
	if len(n.Inputs) < 2 || p.g.IsConstant(n.Inputs[0]) || p.shapes[n.Inputs[0]].Type != graph.Float32 {
		return false
	}
	switch n.Op {
	case "Conv":
		return n.Int("group", 1) == 1 && len(p.shapes[n.Inputs[1]].Shape) == 4
	case "Gemm":
		return n.Int("transA", 0) == 0 && n.Float("alpha", 1) == 1 && n.Float("beta", 1) == 1
	}
	return len(p.shapes[n.Inputs[1]].Shape) == 2
}

// sensitive reports whether a value, through operators that are no layers, ends only
// where rounding costs most: in outputs of the graph, in where a deformable convolution
// samples, in a normalisation, or in a gate. A value that nothing reads is no use of it.
func (p *Plan) sensitive(value string, gate bool) bool {
	for _, n := range p.g.Readers(value) {
		switch {
		case n.Op == "ReduceL2" || n.Op == "Div" || gate && n.Op == "Mul":
		case n.Op == "DeformConv" && n.Inputs[0] != value:
		case slices.Contains(passing, n.Op) && n.Inputs[0] == value:
			for _, out := range n.Outputs {
				if !p.sensitive(out, gate || n.Op == "Sigmoid") {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}

// scale decides which values are quantised, and which of them share a scale.
func (p *Plan) scale() {
	for _, n := range p.g.Nodes() {
		if !p.integer[n] {
			continue
		}
		for _, v := range p.data(n) {
			if p.scaled[v] == "" {
				p.scaled[v] = v
			}
		}
		for _, out := range n.Outputs {
			switch {
			case out == "": // is not wanted
			case slices.Contains(layout, n.Op):
				p.scaled[out] = p.scaled[n.Inputs[0]]
			case !p.clipped(n):
				p.scaled[out] = out
			}
		}
	}
}

// data returns the values that a node computes with: its inputs but the constants.
func (p *Plan) data(n *graph.Node) (values []string) {
	switch {
	case slices.Contains(joining, n.Op):
		return n.Inputs
	case n.Op == "Relu" && p.clipped(p.g.Producer(n.Inputs[0])):
		return nil
	}
	return n.Inputs[:1]
}

// clipped reports whether a node's result is read by a Relu alone, which then is a
// bound of the scale: the value between them is not quantised.
func (p *Plan) clipped(n *graph.Node) bool {
	if n == nil || !p.integer[n] || slices.Contains(layout, n.Op) || n.Op == "Relu" {
		return false
	}
	reader := p.g.Only(n.Output())
	return reader != nil && reader.Op == "Relu" && p.integer[reader]
}

// Values returns the values whose ranges Write needs, in the order of the graph.
func (p *Plan) Values() []string {
	measured := map[string]bool{}
	for _, v := range p.scaled {
		measured[v] = true
	}
	return inOrder(p.g, measured)
}

// Measured returns the values of a float32 graph's plans for all targets, in the order of
// the graph: what has their ranges serves each. Errors are NewPlan's.
func Measured(g *graph.Graph) ([]string, error) {
	measured := map[string]bool{}
	for _, target := range []Target{CPU, TensorRT} {
		p, err := NewPlan(g, target, nil)
		if err != nil {
			return nil, err
		}
		for _, v := range p.Values() {
			measured[v] = true
		}
	}
	return inOrder(g, measured), nil
}

// inOrder returns the values of a set in the order of the graph.
func inOrder(g *graph.Graph, set map[string]bool) (names []string) {
	for _, in := range g.Inputs() {
		if set[in.Name] {
			names = append(names, in.Name)
		}
	}
	for _, n := range g.Nodes() {
		for _, v := range n.Outputs {
			if set[v] {
				names = append(names, v)
			}
		}
	}
	return names
}

// Layer is a convolution or product.
type Layer struct {
	Name    string // of its output
	Integer bool
	MACs    int64 // multiplications for one image, or for all of a graph without an open axis
}

// Layers returns the graph's convolutions and products with constant weights, in order.
func (p *Plan) Layers() (all []Layer) {
	for _, n := range p.g.Nodes() {
		if !slices.Contains(weighted, n.Op) && n.Op != "ConvTranspose" || len(n.Inputs) < 2 || !p.g.IsConstant(n.Inputs[1]) {
			continue
		}
		all = append(all, Layer{Name: n.Output(), Integer: p.integer[n], MACs: p.macs(n)})
	}
	return all
}

// macs returns the products of a layer: of each weight with each place that it comes to.
func (p *Plan) macs(n *graph.Node) int64 {
	at := p.shapes[n.Output()].Shape
	if n.Op == "ConvTranspose" {
		at = p.shapes[n.Inputs[0]].Shape
	}
	count := int64(1)
	for _, d := range p.shapes[n.Inputs[1]].Shape {
		count *= int64(d)
	}
	places := at[2:]
	if n.Op == "Gemm" || n.Op == "MatMul" {
		places = at[:len(at)-1]
	}
	for _, d := range places {
		count *= int64(max(d, 1))
	}
	return count
}
