package rewrite

import (
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// Branches turns convolutions with few outputs, whose windows move by one, into
// transposed ones; those that read the parts of a split value, each its own part,
// become one in groups. Both forms are the same sum, one over what an output pixel
// sees, the other over where an input pixel goes:
//
//	Σ_ab w[a, b] x[i + a − p, j + b − p] = Σ_ab w'[a, b] x[i + q − a, j + q − b]
//	with w'[a, b] = w[k − 1 − a, k − 1 − b], q = k − 1 − p
//
// Convolutions are computed for 16 output channels at a time; the last ones of
// branches have one to three. The transposed form multiplies for the channels that
// are there, all branches having as many as the one with most, and adds up shifted
// images. It is taken if it needs at most a third of the products.
func Branches(g *graph.Graph) (int, error) {
	count := 0
	for _, n := range g.Nodes() {
		branches, err := branchesOf(g, n)
		if err != nil {
			return 0, err
		}
		if len(branches) > 0 && fewOutputs(branches) {
			joinBranches(g, branches)
			count += len(branches)
		}
	}
	return count, nil
}

// branchesOf returns the convolutions that read the parts of a split, or one that
// reads another value; nil if they cannot be turned together.
func branchesOf(g *graph.Graph, n *graph.Node) ([]*window, error) {
	switch {
	case n.Op == "Split" && n.Int("axis", 0) == 1:
		return branchesOfSplit(g, n)
	case n.Op == "Conv":
		if before := g.Producer(n.Inputs[0]); before != nil && before.Op == "Split" || g.Producer(n.Output()) != n {
			return nil, nil // of a split, or joined already
		}
		w, err := convolution(g, n, "Conv")
		if err != nil || w == nil || !w.turnable() {
			return nil, err
		}
		return []*window{w}, nil
	}
	return nil, nil
}

// branchesOfSplit returns the convolutions that read the parts of a split; nil if
// one part is read otherwise, or they differ in form.
func branchesOfSplit(g *graph.Graph, split *graph.Node) ([]*window, error) {
	var list []*window
	for _, part := range split.Outputs {
		w, err := convolution(g, g.Only(part), "Conv")
		if err != nil {
			return nil, err
		}
		if w == nil || !w.turnable() || w.node.Inputs[0] != part || len(list) > 0 && !list[0].sameForm(w) {
			return nil, nil
		}
		list = append(list, w)
	}
	return list, nil
}

// turnable reports whether the transposed form is of the same shape: the window moves
// by one, is larger than a pixel, and padding lies within it.
func (w *window) turnable() bool {
	k := w.kernel()
	for i, p := range w.pads {
		if p < 0 || p > k[i%2]-1 {
			return false
		}
	}
	return w.plain() && k[0]*k[1] > 1
}

const (
	lanes  = 16 // output channels that convolutions are computed for at a time
	saving = 3  // the least factor
)

func fewOutputs(branches []*window) bool {
	padded := 0
	for _, w := range branches {
		padded += (w.outputs() + lanes - 1) / lanes * lanes
	}
	return padded >= saving*len(branches)*most(branches)
}

// most returns the most output channels of a branch.
func most(branches []*window) int {
	n := 0
	for _, w := range branches {
		n = max(n, w.outputs())
	}
	return n
}

func joinBranches(g *graph.Graph, branches []*window) {
	width, first := most(branches), branches[0]
	c, k := first.weight.Shape[1], first.kernel()
	weight := tensor.New[float32](c*len(branches), width, k[0], k[1])
	bias := tensor.New[float32](width * len(branches))
	for b, w := range branches {
		w.turnInto(weight.Data[b*c*width*k[0]*k[1]:], width)
		copy(bias.Data[b*width:], w.bias)
		g.Remove(w.node)
	}
	source, output, name := first.node.Inputs[0], first.node.Output(), first.node.Name
	if len(branches) > 1 {
		split := g.Producer(source)
		g.Remove(split)
		source, name = split.Inputs[0], split.Name+"_joined"
		output = g.Fresh(name)
		splitBranches(g, name+"_split", output, branches, width)
	}
	n := g.Add("ConvTranspose", output, source, graph.AddConstant(g, name+"_weight", weight), graph.AddConstant(g, name+"_bias", bias))
	n.Set("kernel_shape", k[:]).Set("group", len(branches)).Set("pads", first.turnedPads())
}

// splitBranches cuts the joined outputs into those of the branches and what fills
// them up to the width.
func splitBranches(g *graph.Graph, name, value string, branches []*window, width int) {
	var parts []string
	var sizes []int
	for _, w := range branches {
		parts, sizes = append(parts, w.node.Output()), append(sizes, w.outputs())
		if rest := width - w.outputs(); rest > 0 {
			parts, sizes = append(parts, g.Fresh(w.node.Name+"_rest")), append(sizes, rest)
		}
	}
	splitInto(g, name, value, parts, sizes)
}

// turnInto writes weight o c a b, turned by half a circle, as c o a b with room for
// width outputs.
func (w *window) turnInto(dst []float32, width int) {
	s, area := w.weight.Shape, w.weight.Shape[2]*w.weight.Shape[3]
	for o := range s[0] {
		for c := range s[1] {
			for i := range area {
				dst[(c*width+o)*area+area-1-i] = w.weight.Data[(o*s[1]+c)*area+i]
			}
		}
	}
}

func (w *window) turnedPads() []int {
	k, pads := w.kernel(), make([]int, len(w.pads))
	for i, p := range w.pads {
		pads[i] = k[i%2] - 1 - p
	}
	return pads
}
