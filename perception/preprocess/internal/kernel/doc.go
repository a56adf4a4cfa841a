// Package kernel holds the hot loops of image resampling: 8-bit pixels, 32-bit
// fixed-point coefficients with Precision fractional bits.
//
// Horizontal computes one row of three interleaved channels from a row of the
// source; output pixel x is a sum over n = len(coef)/len(start) source pixels
// that begin at start[x]:
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
// Normalise takes one row apart, B, G, R to planes of the network's values:
//
//	for x := range r {
//		r[x], g[x], b[x] = level[0][bgr[3*x+2]], level[1][bgr[3*x+1]], level[2][bgr[3*x]]
//	}
//
// clip bounds to 0..255. Sums stay within int32 if a pixel's coefficients
// have absolute values of sum below 2. All arithmetic is of integers, so every
// implementation gives the same bytes. dst must not overlap src.
//
// Source: Pillow's ImagingResampleHorizontal_8bpc and ImagingResampleVertical_8bpc.
package kernel
