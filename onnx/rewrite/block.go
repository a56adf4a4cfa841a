package rewrite

import (
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// Blocks makes a 1x1 convolution and DepthToSpace of each transposed convolution
// whose kernel is its stride s, without padding. Its windows do not overlap, so
// that output pixel (s i + a, s j + b) of channel o sees one input pixel:
//
//	y[o, s i + a, s j + b] = Σ_c w[c, o, a, b] x[c, i, j]
//
// which is channel s² o + s a + b of a 1x1 convolution. A Relu that follows goes
// before the blocks are laid out, where the convolution does it on the way. The
// sums are the same, in the same order.
func Blocks(g *graph.Graph) (int, error) {
	count := 0
	for _, n := range g.Nodes() {
		w, err := convolution(g, n, "ConvTranspose")
		if err != nil {
			return 0, err
		}
		if w != nil && w.isBlock() {
			w.layOut(g)
			count++
		}
	}
	return count, nil
}

func (w *window) isBlock() bool {
	k := w.kernel()
	return w.group == 1 && k[0] == k[1] && all(w.strides, k[0]) && all(w.pads, 0) && all(w.dilation, 1)
}

func (w *window) layOut(g *graph.Graph) {
	s, last := w.kernel()[0], w.node
	relu := then(g, w.node)
	if relu != nil {
		last = relu
	}
	output := last.Output()
	g.Remove(w.node, last)

	name := w.node.Name
	weight := graph.AddConstant(g, name+"_weight", w.blockWeight())
	bias := graph.AddConstant(g, name+"_bias", tensor.From(repeated(w.bias, s*s), len(w.bias)*s*s))
	made := func(op, input string, isLast bool, more ...string) *graph.Node {
		out := output
		if !isLast {
			out = g.Fresh(name + "_" + op)
		}
		return g.Add(op, out, append([]string{input}, more...)...)
	}
	at := made("Conv", w.node.Inputs[0], relu == nil && s == 1, weight, bias).Set("kernel_shape", []int{1, 1})
	if relu != nil {
		at = made("Relu", at.Output(), s == 1)
	}
	if s > 1 {
		made("DepthToSpace", at.Output(), true).Set("blocksize", s).Set("mode", "CRD")
	}
}

// blockWeight turns weight c o a b into (o a b) c 1 1.
func (w *window) blockWeight() *tensor.F32 {
	inputs, rest := w.weight.Shape[0], len(w.weight.Data)/w.weight.Shape[0]
	t := tensor.New[float32](rest, inputs, 1, 1)
	for c := range inputs {
		for r := range rest {
			t.Data[r*inputs+c] = w.weight.Data[c*rest+r]
		}
	}
	return t
}

// repeated returns each number n times in a row.
func repeated(data []float32, n int) []float32 {
	list := make([]float32, 0, len(data)*n)
	for _, v := range data {
		for range n {
			list = append(list, v)
		}
	}
	return list
}
