//go:build goexperiment.simd

package isa

import "simd"

// VectorBits returns the length of the portable vectors, 0 if they are emulated or the
// build has none. GODEBUG=simd=N shortens them; simd=+N takes N although an operation
// that no kernel here uses is missing.
func VectorBits() int {
	if simd.Emulated() {
		return 0
	}
	return simd.VectorBitSize()
}
