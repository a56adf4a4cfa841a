// Package kernel has the hot loops of lifting.
//
// All are exact: every implementation gives generic's bits. Products and sums are
// float32, each rounded, in the order that is given.
//
// FindRuns, the cells that the points of one coarse pixel fall into (model spec,
// section 4). Point b of the pixel is at depth d[b] along its ray; along each
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
//	weights[i] = Σ_b depth[b], b in run i
//
// The sum begins with the first bin; the others are added in ascending order.
//
// Accumulate, what pixels add to the cells that their runs are in:
//
//	plane[cells[i]·C + c] += weights[i] · context[c]
//
// The pixels are added in order; each has a cell at most once. NaN and infinities
// propagate.
//
// What is written must not overlap what is read.
package kernel
