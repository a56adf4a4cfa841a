// Package qdq turns float32 graphs into graphs of 8-bit integers: pairs of
// QuantizeLinear and DequantizeLinear stand around what a provider computes in
// integers, in the places where it finds them.
//
//	p, err := qdq.NewPlan(g, qdq.CPU, nil)  // which nodes, which values
//	for _, v := range p.Values() {          // … measure how large they get
//		ranges[v] = qdq.Range{Low: -1.5, High: 6}
//	}
//	made, err := p.Write(ranges, qdq.Options{})
//
// A value x is stored as q = clamp(round(x/s) + z), s > 0, rounding half to even.
// Activations are uint8 for the CPU, whose kernels multiply unsigned by signed
// numbers, and int8 with z = 0 for TensorRT. Weights are int8 with z = 0 and a
// scale for each output channel, biases int32 in the scale of the product.
//
// Convolutions and products with constant weights become integer ones, and what
// lies between them. Some stay float32, since little is saved and much lost: those
// that end, without another layer, in an output of the graph, in offsets or masks of
// a deformable convolution, in a normalisation, or in a gate.
package qdq
