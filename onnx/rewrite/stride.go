package rewrite

import (
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// fewInputs is how many input channels are too few for the fast integer convolutions, which take
// channels by four.
const fewInputs = 3

// Strides makes a convolution of stride 2 on few channels one of stride 1 on blocks of 2 x 2 pixels, which
// are the channels of one pixel then. With u - p = 2 t + a for row u of the kernel and padding p
//
//	Σ w[o, c, u, v] x[c, 2 i + u - p, 2 j + v - p] = Σ w'[o, C (2 a + b) + c, t, t'] X[C (2 a + b) + c, i + t, j + t']
//
// w' has zeros where the kernel has no row or column. Convolutions whose output is in keep stay
// as they are. Like [BlocksLast] it is for integer convolutions. It returns how often the graph had
// a place for it.
func Strides(g *graph.Graph, keep map[string]bool) (int, error) {
	shapes, err := g.Infer()
	if err != nil {
		return 0, err
	}
	count := 0
	for _, n := range g.Nodes() {
		w, err := convolution(g, n, "Conv")
		if err != nil {
			return 0, err
		}
		if w == nil || keep[n.Output()] || !w.isStrided() {
			continue
		}
		if in := shapes[n.Inputs[0]].Shape; in[2]%2 == 0 && in[3]%2 == 0 {
			w.gather(g)
			count++
		}
	}
	return count, nil
}

func (w *window) isStrided() bool {
	k, p := w.kernel(), w.pads
	return w.weight.Shape[1] <= fewInputs && w.group == 1 && all(w.strides, 2) && all(w.dilation, 1) &&
		k[0] == k[1] && k[0] > 2 && k[0]%2 == 1 && all(p, k[0]/2)
}

func (w *window) gather(g *graph.Graph) {
	n, k, c := w.node, w.kernel()[0], w.weight.Shape[1]
	before := (k/2 + 1) / 2 // blocks above the middle
	size := before + k/2/2 + 1
	weight := tensor.New[float32](w.weight.Shape[0], 4*c, size, size)
	for i, x := range w.weight.Data {
		v, u, channel, o := i%k, i/k%k, i/k/k%c, i/k/k/c
		row, a := block(u-k/2, before)
		column, b := block(v-k/2, before)
		weight.Data[((o*4*c+(2*a+b)*c+channel)*size+row)*size+column] = x
	}
	blocks := g.Add("SpaceToDepth", g.Fresh(n.Name+"_blocks"), n.Inputs[0]).Set("blocksize", 2)
	n.Inputs = slices.Clone(n.Inputs)
	n.Inputs[0], n.Inputs[1] = blocks.Output(), graph.AddConstant(g, n.Name+"_of_blocks", weight)
	n.Set("kernel_shape", []int{size, size}).Set("strides", []int{1, 1}).Set("pads", []int{before, before, size - 1 - before, size - 1 - before})
}

// block returns which block of two an offset from the middle is in, counted from that many
// before it, and where in the block.
func block(offset, before int) (index, within int) {
	within = offset & 1
	return (offset-within)/2 + before, within
}

// Integer applies the rewrites that pay for integer convolutions alone. Convolutions whose output
// is in keep are computed in float32.
func Integer(g *graph.Graph, keep map[string]bool) error {
	if _, err := BlocksLast(g, keep); err != nil {
		return err
	}
	if _, err := Strides(g, keep); err != nil {
		return err
	}
	g.Prune()
	return nil
}
