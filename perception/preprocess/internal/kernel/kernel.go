package kernel

import "fmt"

// Precision is the number of fractional bits of a coefficient: 32 bits less 8
// of the pixel and 2 for sums beyond its range.
const Precision = 32 - 8 - 2

// Horizontal computes one row, as the package comment says.
func Horizontal(dst, src []uint8, start, coef []int32) {
	n := 0
	if len(start) > 0 {
		n = len(coef) / len(start)
	}
	if len(dst) != 3*len(start) || len(coef) != n*len(start) || len(src)%3 != 0 {
		panic(fmt.Sprintf("kernel: row of %d bytes from %d with %d starts and %d coefficients", len(dst), len(src), len(start), len(coef)))
	}
	horizontal(dst, src, start, coef, n)
}

// Vertical computes one row, as the package comment says.
func Vertical(dst, src []uint8, coef []int32) {
	if len(src) != len(dst)*len(coef) {
		panic(fmt.Sprintf("kernel: row of %d bytes from %d with %d coefficients", len(dst), len(src), len(coef)))
	}
	vertical(dst, src, coef)
}
