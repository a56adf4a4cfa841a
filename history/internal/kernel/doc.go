// Package kernel has the hot loops of the bird's-eye history. Cells hold
// contiguous channels, C of them; a row is width cells.
//
// All are exact: every implementation gives generic's bits. Products and sums are
// float32, each rounded, in the order that is given.
//
// Project, a matrix for each cell (the time convolution's feature columns):
//
//	dst[n·C+o] = Σ_i src[n·C+i] · w[i·C+o]
//
// w is the transposed matrix: one row for each input. Inputs are added in ascending order.
//
// Locate, where a row's cells lie in a plane (bilinear, zeros outside,
// align_corners true: cell centres are at whole coordinates):
//
//	x, y = line.X + j·line.DX, line.Y + j·line.DY
//	taps[j] = the four cells around (x, y), and their weights
//
// Offsets count elements. Beside a plane's border a cell has weight zero and the
// offset of its neighbour; cell j is Outside if all four are beyond it or a
// coordinate is not finite. Coordinates are float64 with rounded products, weights are
// rounded to float32 and then multiplied.
//
// Warp, one row of a resampled plane:
//
//	dst[j·C+c] = Σ_k taps[j].Weight[k] · src[taps[j].Offset[k]+c], or 0 if Outside
//
// The sum of four is that of two sums of two.
//
// ActivateF32 and ActivateU8, the rest of the time convolution on n cells, with
// cells of dst stride elements apart:
//
//	v = relu(src[n·C+c] + add[c])
//	dst[n·stride+c] = v, or saturate(roundHalfEven(v · gain[c]) + zero)
//
// relu keeps NaN in ActivateF32; in ActivateU8 NaN becomes zero. gain is the inverse of the scale, so that a byte is
// that of ONNX's QuantizeLinear but where v/scale is within 1e-7 of a half.
//
// WarpActivateF32 and WarpActivateU8 are Warp and the activation in one pass, without
// the row between them. Of a cell that is Outside the age is left.
//
// Quantise, of a plane that is neither projected nor rectified:
//
//	dst[n·C+c] = saturate(roundHalfEven(src[n·C+c] · gain[c]) + zero)
//
// NaN becomes zero.
//
// PackBF16 and WarpBF16, of planes that are kept in bfloat16, the upper half of a float32:
//
//	dst[i] = the nearest bfloat16 of src[i], halves to even
//	dst[j·C+c] = as Warp, of what src stands for
//
// NaN stays NaN.
//
// Largest, PackInt8 and WarpInt8, of planes that are kept in eight bits, with a scale for
// each channel:
//
//	most[c] = max(most[c], |src[n·C+c]|), of numbers that are finite
//	dst[n·C+c] = roundHalfEven(src[n·C+c] · inverse[c]), within -127 … 127
//	dst[j·C+c] = scale[c] · (as Warp, of src)
//
// NaN becomes 0.
//
// dst overlaps none of the sources. Elements of dst between the cells are left
// alone.
package kernel
