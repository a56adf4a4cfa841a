package qdq

import (
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
)

// place is where a node reads a value.
type place struct {
	node  *graph.Node
	input int
}

// placeTensorRT puts pairs where TensorRT's builder looks for them (NVIDIA's
// documentation of explicit quantisation, and the placement of its Model Optimizer): on
// what convolutions and products read, and on the shortcut of a residual sum, whose other
// summand comes from a convolution that computes the sum too. What only moves, joins or
// bounds numbers has no pair of its own: the builder moves those after it to before it.
func (p *Plan) placeTensorRT(keep map[string]bool) {
	for _, n := range p.g.Nodes() {
		if slices.Contains(weighted, n.Op) && !keeps(keep, n) && p.isLayer(n) && p.wide(n) && !p.sensitive(n.Output(), false) {
			p.integer[n] = true
			p.readAt(n, 0)
		}
	}
	depths := depthsOf(p.g)
	for _, n := range p.g.Nodes() {
		if i := p.shortcut(n, depths); i >= 0 && !keeps(keep, n) {
			p.integer[n] = true
			p.readAt(n, i)
		}
	}
	p.share()
}

// readAt makes a node read a value from its pair. Its scale is of the value that it is
// laid out from.
func (p *Plan) readAt(n *graph.Node, input int) {
	v := n.Inputs[input]
	p.places[v] = append(p.places[v], place{n, input})
	p.scaled[v] = rootOf(p.g, v)
}

// rootOf returns the value whose numbers a value has in another layout.
func rootOf(g *graph.Graph, v string) string {
	for before := laidOut(g, v); before != nil; before = laidOut(g, v) {
		v = before.Inputs[0]
	}
	return v
}

// wide reports whether a layer has as many channels as integer kernels need.
func (p *Plan) wide(n *graph.Node) bool {
	if n.Op != "Conv" {
		return true
	}
	return wideConvolution(p.shapes[n.Inputs[1]].Shape, first(p.g, n))
}

// wideConvolution reports whether a convolution with a weight of that shape, o c a b, pays
// in integers: with 16 channels on both sides or, with a square window, 16 on one and a
// multiple of 8 on the other, or as the graph's first.
func wideConvolution(w []int, first bool) bool {
	const least, multiple = 16, 8
	outputs, inputs := w[0], w[1]
	if outputs >= least && inputs >= least {
		return true
	}
	one := inputs%multiple == 0 && outputs >= least || outputs%multiple == 0 && inputs >= least
	return w[2] == w[3] && (one || first)
}

// first reports whether a node reads an input of the graph, perhaps in another layout.
func first(g *graph.Graph, n *graph.Node) bool {
	v := rootOf(g, n.Inputs[0])
	for dq := g.Producer(v); dq != nil && (dq.Op == quantize || dq.Op == dequantize); dq = g.Producer(v) {
		v = rootOf(g, dq.Inputs[0])
	}
	return g.IsInput(v)
}

// shortcut returns which input of a sum is the shortcut beside a convolution or product in
// integers that nothing else reads; -1 if there is none. Of two such the one with fewer
// nodes before it is the shortcut.
func (p *Plan) shortcut(n *graph.Node, depths map[string]int) int {
	main := residual(p.g, n, depths, func(before *graph.Node) bool { return p.integer[before] })
	if main < 0 || !slices.Equal(p.shapes[n.Inputs[0]].Shape, p.shapes[n.Inputs[1]].Shape) {
		return -1
	}
	return 1 - main
}

// residual returns which summand is computed with the sum; -1 if n is no such sum.
func residual(g *graph.Graph, n *graph.Node, depths map[string]int, integer func(*graph.Node) bool) int {
	if n.Op != "Add" || n.Inputs[0] == n.Inputs[1] || slices.ContainsFunc(n.Inputs, g.IsConstant) {
		return -1
	}
	main := -1
	for i, v := range n.Inputs {
		before := g.Producer(v)
		if before == nil || !slices.Contains(weighted, before.Op) || !integer(before) || g.Only(v) != n {
			continue
		}
		if main < 0 || depths[v] > depths[n.Inputs[main]] {
			main = i
		}
	}
	return main
}

// depthsOf returns the number of nodes on the longest way to each value.
func depthsOf(g *graph.Graph) map[string]int {
	depths := map[string]int{}
	for _, n := range g.Nodes() {
		d := 0
		for _, v := range n.Inputs {
			d = max(d, depths[v])
		}
		for _, v := range n.Outputs {
			depths[v] = d + 1
		}
	}
	return depths
}

// share gives the quantised values that a concatenation reads and makes one scale, so that
// it need not store anything anew.
func (p *Plan) share() {
	group := map[string]int{} // of measured values
	for _, v := range p.Values() {
		group[v] = len(group)
	}
	for _, n := range p.g.Nodes() {
		if n.Op != "Concat" {
			continue
		}
		joined := -1
		for _, v := range append(slices.Clone(n.Inputs), n.Output()) {
			switch at, ok := group[rootOf(p.g, v)]; {
			case !ok: // not quantised
			case joined < 0:
				joined = at
			default:
				merge(group, at, joined)
			}
		}
	}
	for _, v := range p.Values() {
		for _, u := range p.Values() {
			if u != v && group[u] == group[v] {
				p.sharing[v] = append(p.sharing[v], u)
			}
		}
	}
}

func merge(group map[string]int, from, to int) {
	for v, g := range group {
		if g == from {
			group[v] = to
		}
	}
}

// pairAtPlaces makes a value's places, and nothing else, read its pair.
func (w *writer) pairAtPlaces(v string) {
	real := w.g.Fresh(v + "_real")
	w.dequantise(w.quantise(v, v), real, v)
	for _, at := range w.places[v] {
		at.node.Inputs[at.input] = real
	}
}
