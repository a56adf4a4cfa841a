// Package kernel holds the hot loops of image resampling: 8-bit pixels, 32-bit
// fixed-point coefficients with Precision fractional bits.
//
// Horizontal computes rows of three interleaved channels from as many rows of the
// source. [Columns] have their coefficients; pixel x of a row is a sum over n = len(coef)/len(start)
// source pixels that begin at start[x]:
//
//	for x := range start {
//		for c := range 3 {
//			sum := int32(1) << (Precision - 1)
//			for k := range n {
//				sum += coef[n*x+k] * int32(src[3*(start[x]+k)+c])
//			}
//			dst[3*x+c] = clip(sum >> Precision)
//		}
//	}
//
// Vertical computes one row from len(coef) rows that lie one after another in
// src, each as long as dst:
//
//	for i := range dst {
//		sum := int32(1) << (Precision - 1)
//		for k, w := range coef {
//			sum += w * int32(src[len(dst)*k+i])
//		}
//		dst[i] = clip(sum >> Precision)
//	}
//
// Normalise takes one row apart, B, G, R to planes of the network's values, which
// [Levels] have for each byte:
//
//	for x := range r {
//		r[x], g[x], b[x] = value[0][bgr[3*x+2]], value[1][bgr[3*x+1]], value[2][bgr[3*x]]
//	}
//
// clip bounds to 0..255. Sums stay within int32 if a pixel's coefficients
// have absolute values of sum below 2. All arithmetic of bytes is of integers, so every
// implementation gives the same bytes. dst must not overlap src.
//
// Vectors of 512 bits multiply integers of 16. A coefficient is taken as two digits,
// upper<<12 + lower; the sums of products with each are put together modulo 2^32, and so is
// the sum that the loop computes. The values of bytes are computed, not looked up: a
// quotient is the product with the divisor's reciprocal, which is a sum of two numbers so
// that it has 48 bits. That this gives the table's values to the bit is tried for all bytes
// when Levels are made; if it does not, the table is used. Portable vectors multiply
// integers of 32 bits.
//
// Source: Pillow's ImagingResampleHorizontal_8bpc and ImagingResampleVertical_8bpc.
package kernel
