package rewrite

import (
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// BlocksLast lays the blocks of [Blocks] out with their channels last: integer convolutions
// have them so, and a block's row of channels is moved as a whole. Channel s² o + s a + b of
// the convolution becomes channel C (s a + b) + o, of C in the output. It is no part of
// [Exact], since float32 convolutions are faster in another order. Convolutions whose output is
// in keep stay as they are. It returns how often the graph had a place for it.
func BlocksLast(g *graph.Graph, keep map[string]bool) (int, error) {
	shapes, err := g.Infer()
	if err != nil {
		return 0, err
	}
	count := 0
	for _, n := range g.Nodes() {
		if n.Op != "DepthToSpace" || n.Text("mode", "DCR") != "CRD" {
			continue
		}
		made := g.Producer(n.Inputs[0])
		if made != nil && made.Op == "Relu" && g.Only(made.Output()) == n {
			made = g.Producer(made.Inputs[0])
		}
		w, err := convolution(g, made, "Conv")
		if err != nil {
			return 0, err
		}
		in := shapes[n.Inputs[0]].Shape
		if w == nil || then(g, made) == nil && g.Only(made.Output()) != n || keep[made.Output()] {
			continue
		}
		w.layOutLast(g, n, in)
		count++
	}
	return count, nil
}

func (w *window) layOutLast(g *graph.Graph, blocks *graph.Node, in []int) {
	s, name := blocks.Int("blocksize", 1), blocks.Output()
	h, width, channels := in[2], in[3], in[1]/s/s
	inputs := len(w.weight.Data) / in[1]
	weight, bias := tensor.New[float32](w.weight.Shape...), make([]float32, in[1])
	for to := range in[1] {
		from := to%channels*s*s + to/channels
		copy(weight.Data[to*inputs:][:inputs], w.weight.Data[from*inputs:][:inputs])
		bias[to] = w.bias[from]
	}
	hint := w.node.Name + "_channels"
	w.node.Inputs = []string{w.node.Inputs[0], graph.AddConstant(g, hint, weight), graph.AddConstant(g, hint+"_bias", tensor.From(bias, in[1]))}

	g.Remove(blocks)
	at := g.Add("Transpose", g.Fresh(name+"_last"), blocks.Inputs[0]).Set("perm", []int{0, 2, 3, 1})
	at = g.Add("Reshape", g.Fresh(name+"_blocks"), at.Output(), shape(g, name+"_blocks_shape", 0, h, width, s, s, channels))
	at = g.Add("Transpose", g.Fresh(name+"_rows"), at.Output()).Set("perm", []int{0, 1, 3, 2, 4, 5})
	at = g.Add("Reshape", g.Fresh(name+"_pixels"), at.Output(), shape(g, name+"_pixels_shape", 0, h*s, width*s, channels))
	g.Add("Transpose", name, at.Output()).Set("perm", channelsFirst)
}
