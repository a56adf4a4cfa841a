//go:build goexperiment.simd

package isa

import "simd/archsimd"

// sets are those of this build, best first. Portable vectors need AVX2 although they
// can be shorter: without it some of their operations are undefined instructions
// (golang/go#81405).
var sets = []entry{
	{AVX512, []string{"avx2", "avx512bw", "avx512dq", "avx512f", "avx512vbmi", "avx512vl", "fma"}},
	{SIMD, []string{"avx2", "fma", vectors}},
	{Generic, nil},
}

// ClearUpper marks the upper halves of the vector registers as not in use. While they
// are in use, scalar arithmetic is up to ten times as slow on Intel's processors.
func ClearUpper() { archsimd.ClearAVXUpperBits() }
