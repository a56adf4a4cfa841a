//go:build !goexperiment.simd

package isa

// VectorBits returns the length of the portable vectors, 0 if they are emulated or the
// build has none.
func VectorBits() int { return 0 }
