package qdq

import (
	"fmt"
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
	scaled  map[string]string // quantised values, to the value whose scale they have
}

// operators of graphs, by what they are to a plan.
var (
	weighted = []string{"Conv", "Gemm", "MatMul"}
	joining  = []string{"Add", "Mul", "Concat"}
	// layout operators keep a value's scale: each of their results is one of its numbers.
	layout = []string{"MaxPool", "Transpose", "Reshape", "Slice", "Split", "DepthToSpace", "Identity"}
	// passing operators are no layer of their own.
	passing = append([]string{"Relu", "Sigmoid", "Unsqueeze"}, layout...)
)

// NewPlan returns the plan of a float32 graph. Nodes with an output in keep stay
// float32. The error names an operator that is not known, or that the graph has 8-bit
// pairs already.
func NewPlan(g *graph.Graph, target Target, keep map[string]bool) (*Plan, error) {
	if err := g.Sort(); err != nil {
		return nil, err
	}
	shapes, err := g.Infer()
	if err != nil {
		return nil, err
	}
	p := &Plan{g: g, target: target, shapes: shapes, integer: map[*graph.Node]bool{}, scaled: map[string]string{}}
	for _, n := range g.Nodes() {
		if n.Op == "QuantizeLinear" || n.Op == "DequantizeLinear" {
			return nil, fmt.Errorf("%s: the graph has 8-bit pairs already, want float32", n)
		}
	}
	for _, n := range g.Nodes() {
		if !keep[n.Output()] && p.takes(n) {
			p.integer[n] = true
		}
	}
	p.spread(keep)
	p.scale()
	return p, nil
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
			if before := p.g.Producer(v); before != nil && slices.Contains(layout, before.Op) && !keep[before.Output()] {
				p.integer[before] = true
			}
		}
	}
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
	if len(n.Inputs) < 2 || p.shapes[n.Inputs[0]].Type != graph.Float32 {
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
// samples, in a normalisation, or in a gate.
func (p *Plan) sensitive(value string, gate bool) bool {
	readers := p.g.Readers(value)
	if len(readers) == 0 {
		return p.g.IsOutput(value)
	}
	for _, n := range readers {
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
func (p *Plan) Values() (names []string) {
	for _, in := range p.g.Inputs() {
		if p.scaled[in.Name] == in.Name {
			names = append(names, in.Name)
		}
	}
	for _, n := range p.g.Nodes() {
		for _, v := range n.Outputs {
			if p.scaled[v] == v {
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
