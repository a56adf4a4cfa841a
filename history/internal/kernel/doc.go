// Package kernel has the hot loops of the bird's-eye history. Cells hold
// contiguous channels, C of them; a row is width cells.
//
// Project, a matrix for each cell (the time convolution's feature columns):
//
//	dst[n·C+o] = Σ_i src[n·C+i] · w[i·C+o]
//
// w is the transposed matrix: one row for each input. Bounded: implementations
// may reassociate and fuse within 1e-6 of the sum of the terms' magnitudes.
//
// Warp, one row of a resampled plane (bilinear, zeros outside, align_corners
// true: cell centres are at whole coordinates):
//
//	x, y = line.X + j·line.DX, line.Y + j·line.DY
//	dst[j·C+c] = Σ over the four cells around (x, y) of weight · src[cell·C+c]
//
// Coordinates are float64, weights are rounded to float32. Bounded: 1e-6 of the
// largest of the four. If a coordinate is not finite the cell is zero.
//
// ActivateF32 and ActivateU8, the rest of the time convolution on n cells, with
// cells of dst stride elements apart:
//
//	v = relu(src[n·C+c] + add[c])
//	dst[n·stride+c] = v, or saturate(roundHalfEven(v / scale) + zero)
//
// Exact: both add, divide and round in float32, as ONNX's QuantizeLinear does.
// relu keeps NaN in ActivateF32; in ActivateU8 NaN becomes zero.
//
// Quantise, of a plane that is neither projected nor rectified:
//
//	dst[i] = saturate(roundHalfEven(src[i] / scale) + zero)
//
// Exact; NaN becomes zero.
//
// dst overlaps none of the sources. Elements of dst between the cells are left
// alone.
package kernel
