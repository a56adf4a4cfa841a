// Package qdq turns float32 graphs into graphs of 8-bit integers: pairs of
// QuantizeLinear and DequantizeLinear stand around what a provider computes in
// integers, in the places where it finds them.
//
//	names, err := qdq.Measured(g)           // values to measure, for all targets
//	for _, v := range names {
//		ranges[v] = qdq.Range{Low: -1.5, High: 6}
//	}
//	scaled, err := qdq.Equalise(g, ranges)  // the same function with fewer ranges
//	p, err := qdq.NewPlan(g, qdq.CPU, nil)  // which nodes, which values
//	made, err := p.Write(ranges, qdq.Options{})
//
// A value x is stored as q = clamp(round(x/s) + z), s > 0, rounding half to even.
// Activations are uint8 for the CPU, whose kernels multiply unsigned by signed
// numbers, and int8 with z = 0 for TensorRT. Weights are int8 with z = 0 and a
// scale for each output channel, biases int32 in the scale of the product.
//
// Convolutions and products with constant weights become integer ones. For the CPU what
// lies between them does, too: a value is quantised where it is made, and all that read
// it read that. TensorRT chooses itself what it joins to a layer: there only what layers
// read is quantised, and biases stay float32; [CheckTensorRT] says if a graph is so.
// Some layers stay float32, since little is saved and much lost: those
// that end, without another layer, in an output of the graph, in offsets or masks of
// a deformable convolution, in a normalisation, or in a gate.
package qdq
