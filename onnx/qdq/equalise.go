package qdq

import (
	"fmt"
	"math"
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// Equalised is a branch of a concatenation that was scaled.
type Equalised struct {
	Value  string // that is joined
	Factor float32
}

// Equalise scales branches of concatenations so that they use the same range, which a
// joined value has but one of (Q-Diffusion, arXiv 2302.04304, section 4.2, splits them
// instead). For any λ > 0
//
//	W [relu(V x + b); …] = [W₁/λ …] [relu(λ V x + λ b); …]
//
// λ is a power of two, so that the graph's outputs keep their bits, in float32; it brings
// the largest magnitude of a branch to more than half of that of the widest. Ranges of the
// values on the way are scaled with them, and those of what is joined become one, so that
// it need not be stored anew. A branch stays as it is if its value has no range, is read or
// given out where it cannot be divided again, or its weights would lose bits. The ranges
// are of the values that Measured returns.
func Equalise(g *graph.Graph, ranges map[string]Range) ([]Equalised, error) {
	values, err := g.Infer()
	if err != nil {
		return nil, err
	}
	var all []Equalised
	for _, n := range g.Nodes() {
		if n.Op != "Concat" || len(values[n.Output()].Shape) != 4 || n.Int("axis", 0) != 1 && n.Int("axis", 0) != -3 {
			continue
		}
		e := equaliser{Graph: g, values: values, ranges: ranges}
		done, err := e.equalise(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		all = append(all, done...)
	}
	return all, nil
}

type equaliser struct {
	*graph.Graph
	values map[string]graph.Value
	ranges map[string]Range
}

// branch is what leads from a layer to a concatenation.
type branch struct {
	value      string
	begin, end int           // of its channels in the joined value
	source     *graph.Node   // the layer; nil if the branch cannot be scaled
	path       []string      // values from the joined one to the layer's
	readers    []*graph.Node // of the path, beside it
	measured   string        // the value on the path whose range is the branch's
	largest    float64       // magnitude of that
	factor     float32
}

// homogeneous operators give λ y for λ x, by λ > 0.
var homogeneous = []string{"Relu", "MaxPool", "DepthToSpace", "Transpose", "Reshape", "Slice", "Identity"}

func (e equaliser) equalise(concat *graph.Node) (done []Equalised, err error) {
	readers, ok := e.layersOf(concat.Output())
	if !ok || len(readers) == 0 {
		return nil, nil
	}
	branches, all := e.branches(concat)
	widest := magnitude(all)
	for _, b := range branches {
		b.factor = 1
		if b.source != nil && b.largest > 0 {
			b.factor = float32(math.Exp2(math.Floor(math.Log2(widest / b.largest))))
		}
		if b.factor == 1 {
			continue
		}
		if ok, err := e.scale(b, readers); err != nil {
			return nil, err
		} else if ok {
			done = append(done, Equalised{b.value, b.factor})
		} else {
			b.factor = 1
		}
	}
	if len(done) > 0 {
		e.unite(concat, branches, all)
	}
	return done, nil
}

func magnitude(r Range) float64 { return max(-float64(r.Low), float64(r.High)) }

// union returns the range of zero and of two ranges.
func union(a, b Range) Range { return Range{min(a.Low, b.Low, 0), max(a.High, b.High, 0)} }

// branches returns those of a concatenation, and the range of all: the joined value's too
// if it is needed, as that of a branch is not known.
func (e equaliser) branches(concat *graph.Node) (list []*branch, all Range) {
	at, known := 0, true
	for _, v := range concat.Inputs {
		b := e.branch(v, concat)
		b.begin, b.end = at, at+e.values[v].Shape[1]
		at = b.end
		list = append(list, b)
		if b.measured != "" {
			all = union(all, e.ranges[b.measured])
		} else {
			known = false
		}
	}
	joined, ok := e.ranges[concat.Output()]
	switch {
	case known:
	case ok:
		all = union(all, joined)
	default:
		return nil, Range{}
	}
	return list, all
}

// branch follows a joined value up to the layer that it comes from. Its source is nil if it
// cannot be scaled.
func (e equaliser) branch(v string, concat *graph.Node) *branch {
	b := &branch{value: v}
	scalable, next := true, concat
	for {
		if r, ok := e.ranges[v]; ok && b.measured == "" {
			b.measured, b.largest = v, magnitude(r)
		}
		b.path = append(b.path, v)
		others, ok := e.othersOf(v, next)
		b.readers = append(b.readers, others...)
		n := e.Producer(v)
		scalable = scalable && ok && n != nil && len(n.Outputs) == 1 && count(next.Inputs, v) == 1
		if n == nil || !slices.Contains(homogeneous, n.Op) {
			if scalable && e.isLayer(n) {
				b.source = n
			}
			return b
		}
		v, next = n.Inputs[0], n
	}
}

func count(list []string, want string) (n int) {
	for _, v := range list {
		if v == want {
			n++
		}
	}
	return n
}

// isLayer reports whether a node is a convolution with constant float32 weights that can be
// scaled.
func (e equaliser) isLayer(n *graph.Node) bool {
	if n.Op != "Conv" && n.Op != "ConvTranspose" {
		return false
	}
	for _, name := range n.Inputs[1:] {
		if v, ok := e.ConstantValue(name); name != "" && (!ok || v.Type != graph.Float32) {
			return false
		}
	}
	return true
}

// othersOf returns the readers of a value but one; false if one is no layer of which the
// value is the image, or the graph gives it out.
func (e equaliser) othersOf(v string, but *graph.Node) (all []*graph.Node, ok bool) {
	for _, n := range e.Readers(v) {
		if n == but {
			continue
		}
		if !e.isLayer(n) || n.Inputs[0] != v {
			return nil, false
		}
		all = append(all, n)
	}
	return all, !e.IsOutput(v)
}

// layersOf returns the layers that read a joined value; false if there are other readers, or
// groups of channels.
func (e equaliser) layersOf(v string) (all []*graph.Node, ok bool) {
	all, ok = e.othersOf(v, nil)
	grouped := func(n *graph.Node) bool { return n.Int("group", 1) != 1 }
	return all, ok && !slices.ContainsFunc(all, grouped)
}

// scale multiplies a branch by its factor and divides what reads it; false if that would
// lose bits, which leaves the graph as it is.
func (e equaliser) scale(b *branch, readers []*graph.Node) (ok bool, err error) {
	var changes []change
	for i := 1; i < len(b.source.Inputs); i++ {
		if b.source.Inputs[i] != "" {
			changes = append(changes, change{b.source, i, b.factor, 0, -1})
		}
	}
	for _, n := range b.readers {
		changes = append(changes, change{n, 1, 1 / b.factor, 0, -1})
	}
	for _, n := range readers {
		changes = append(changes, change{n, 1, 1 / b.factor, b.begin, b.end})
	}
	scaled := make([]*tensor.F32, len(changes))
	for i, c := range changes {
		if scaled[i], ok, err = c.of(e.Graph); err != nil || !ok {
			return false, err
		}
	}
	for i, c := range changes {
		c.node.Inputs[c.input] = graph.AddConstant(e.Graph, c.node.Inputs[c.input]+"_scaled", scaled[i])
	}
	for _, v := range b.path {
		if r, ok := e.ranges[v]; ok {
			e.ranges[v] = Range{r.Low * b.factor, r.High * b.factor}
		}
	}
	b.largest *= float64(b.factor)
	return true, nil
}

// change is a constant that is multiplied: all of it or, from begin to end, input channels
// of a weight.
type change struct {
	node       *graph.Node
	input      int
	factor     float32
	begin, end int
}

// of returns the constant after the change; false if numbers lose bits.
func (c change) of(g *graph.Graph) (*tensor.F32, bool, error) {
	t, err := graph.Constant[float32](g, c.node.Inputs[c.input])
	if err != nil {
		return nil, false, err
	}
	axis := 1
	if c.node.Op == "ConvTranspose" {
		axis = 0
	}
	for i, x := range t.Data {
		if c.end >= 0 {
			if at := i / tensor.Size(t.Shape[axis+1:]) % t.Shape[axis]; at < c.begin || at >= c.end {
				continue
			}
		}
		y := x * c.factor
		if y/c.factor != x {
			return nil, false, nil
		}
		t.Data[i] = y
	}
	return t, true, nil
}

// unite gives a joined value, and the branches that are wide enough, one range.
func (e equaliser) unite(concat *graph.Node, branches []*branch, all Range) {
	widest := magnitude(all)
	for _, b := range branches {
		if b.measured != "" {
			all = union(all, e.ranges[b.measured]) // of which a sign may be a scaled branch's
		}
	}
	for _, b := range branches {
		if b.measured != "" && b.largest > widest/2 {
			e.ranges[b.measured] = all
		}
	}
	e.ranges[concat.Output()] = all
}
