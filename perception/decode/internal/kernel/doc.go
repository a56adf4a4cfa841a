// Package kernel holds the search of a heatmap for candidates.
//
// Above writes to dst the indices, in rising order, of the logits that are not at or
// below a floor, and returns their number:
//
//	n := 0
//	for i, x := range logits {
//		if !(x <= floor) {
//			dst[n] = int32(i)
//			n++
//		}
//	}
//
// NaN counts as above, and everything does if the floor is NaN. dst is as long as logits;
// what follows the indices in it is undefined. Nothing is rounded.
package kernel
