package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/internal/isa"
)

// Precision is the number of fractional bits of a coefficient: 32 bits less 8
// of the pixel and 2 for sums beyond its range.
const Precision = 32 - 8 - 2

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	horizontal func(dst, src []uint8, start, coef []int32, n int)
	vertical   func(dst, src []uint8, coef []int32)
	normalise  func(r, g, b []float32, bgr []uint8, level *Levels)
}

// Table is what this build has.
var Table = isa.Table[Kernels]{
	isa.Generic: {horizontal: horizontalGeneric, vertical: verticalGeneric, normalise: normaliseGeneric},
}

// Levels are the network's values of a byte, for R, G and B.
type Levels [3][256]float32

// Horizontal computes one row of three interleaved channels.
func (k *Kernels) Horizontal(dst, src []uint8, start, coef []int32) {
	n := 0
	if len(start) > 0 {
		n = len(coef) / len(start)
	}
	if len(dst) != 3*len(start) || len(coef) != n*len(start) || len(src)%3 != 0 {
		panic(fmt.Sprintf("preprocess: row of %d bytes from %d with %d starts and %d coefficients", len(dst), len(src), len(start), len(coef)))
	}
	k.horizontal(dst, src, start, coef, n)
}

// Vertical computes one row from several.
func (k *Kernels) Vertical(dst, src []uint8, coef []int32) {
	if len(src) != len(dst)*len(coef) {
		panic(fmt.Sprintf("preprocess: row of %d bytes from %d with %d coefficients", len(dst), len(src), len(coef)))
	}
	k.vertical(dst, src, coef)
}

// Normalise writes a row of interleaved B, G, R to a row of each plane.
func (k *Kernels) Normalise(r, g, b []float32, bgr []uint8, level *Levels) {
	if n := len(r); len(g) != n || len(b) != n || len(bgr) != 3*n {
		panic(fmt.Sprintf("preprocess: rows of %d, %d and %d values from %d bytes", len(r), len(g), len(b), len(bgr)))
	}
	k.normalise(r, g, b, bgr, level)
}
