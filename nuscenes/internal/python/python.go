// Package python writes numbers as Python's json module does.
package python

import (
	"math"
	"strconv"
)

// AppendFloat appends a number: the shortest digits that read back as x, with a
// point or an exponent, or NaN, Infinity and -Infinity.
func AppendFloat(dst []byte, x float64) []byte {
	size := math.Abs(x)
	switch {
	case math.IsNaN(x):
		return append(dst, "NaN"...)
	case math.IsInf(x, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(x, -1):
		return append(dst, "-Infinity"...)
	case x != 0 && (size < 1e-4 || size >= 1e16):
		return strconv.AppendFloat(dst, x, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, x, 'f', -1, 64)
	if x == math.Trunc(x) {
		dst = append(dst, ".0"...)
	}
	return dst
}
