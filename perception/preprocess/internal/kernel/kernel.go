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
	horizontal func(dst, src []uint8, c *Columns)
	vertical   func(dst, src []uint8, coef []int32)
	normalise  func(r, g, b []float32, bgr []uint8, level *Levels)
}

// Table is what this build has.
var Table = isa.NewTable(
	Kernels{horizontal: horizontalGeneric, vertical: verticalGeneric, normalise: normaliseGeneric},
	portable, avx512,
)

// Horizontal computes rows of three interleaved channels from as many rows.
func (k *Kernels) Horizontal(dst, src []uint8, c *Columns) {
	to, from := 3*len(c.start), 3*c.width
	if len(dst)%max(1, to) != 0 || len(src)%max(1, from) != 0 || len(dst)*from != len(src)*to {
		panic(fmt.Sprintf("preprocess: rows of %d bytes from rows of %d, %d bytes from %d", to, from, len(dst), len(src)))
	}
	k.horizontal(dst, src, c)
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
