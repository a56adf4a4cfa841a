// Package kernel has the hot loop of lifting.
//
// Accumulate, the sum of one bird's-eye cell over its runs (model spec, section
// 4): a run is a number of consecutive bins of one coarse pixel in the cell.
//
//	dst[c] = Σ_runs (Σ_bins depth[run.Depth+b], b < run.Bins) · context[run.Context+c]
//
// The inner sum is taken first, in float32 and in ascending order, then the
// runs in order. Bounded: implementations may reassociate and fuse within 1e-6
// of the sum of the terms' magnitudes. NaN and infinities propagate. A cell
// without runs is zero. dst must not overlap the others.
package kernel
