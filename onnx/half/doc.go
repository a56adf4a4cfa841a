// Package half turns float32 graphs into graphs of float16, which the CUDA provider
// computes with twice as many multiplications at a time, and moves half the bytes of.
//
//	err := half.Convert(g, nil)
//
// Inputs and outputs stay float32, and so does what float16 is too coarse for: where a
// deformable convolution or a grid samples, and the norms that vectors are divided by.
// Casts stand between the two.
package half
