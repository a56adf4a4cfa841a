// Package kernel has the hot loops of lifting.
//
// All are exact: every implementation gives generic's bits. Products and sums are
// float32, each rounded, in the order that is given.
//
// FindRuns, the cells that the points of one coarse pixel fall into (model spec,
// section 4). Locating them is each implementation's, joining them the same for all. Point b of the pixel is at depth d[b] along its ray; along each
// axis its coordinate in cells is Slope·d + Offset, and its cell the coordinate
// truncated towards zero, if it lies in (-1, Cells):
//
//	cell[b] = trunc(Y.Slope·d[b] + Y.Offset)·X.Cells + trunc(X.Slope·d[b] + X.Offset)
//
// Consecutive bins of the same cell are one run; bins outside the grid are in
// none. Coordinates are float64 with rounded products. What is not finite is outside.
//
// Weigh, what the bins of each run weigh together:
//
//	weights[i] = Σ_b depth[runs[i].Depth+b], b < runs[i].Bins
//
// The bins are added in ascending order.
//
// Accumulate, the sum of one bird's-eye cell over its runs:
//
//	dst[c] = Σ_i weights[i] · context[runs[i].Context+c]
//
// The runs are added in order. NaN and infinities propagate. A cell without runs is zero.
//
// dst and weights must not overlap the others.
package kernel
