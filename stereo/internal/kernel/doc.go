// Package kernel has the hot loops of stereo matching.
//
// All are exact: every implementation gives generic's bits. Products and sums are
// rounded, float32 unless float64 is said, in the order that is given. To add n numbers
// by halving is to add the second half to the first, with the middle one left alone if n
// is odd, until one is left.
//
// Descriptors are kept with their G groups interleaved, so that vectors add channels of
// the same group without moving any: channel j of group g is at j·G + g. Correlations only
// need the same order on both sides. Points of a coarse pixel are sample by sample: point
// k·B² + i is sample k at descriptor i of the B x B under the pixel, row by row.
//
// Interleave, of descriptors with C channels, each:
//
//	dst[j·G+g] = src[g·C/G+j]
//
// Pick, the hypotheses of each pixel (model spec, section 3), from its D logits x:
//
//	left = x
//	pick i, the first index of the largest of left; then left[j] += penalties[D-1+j-i]
//
// as often as there are samples, which are then sorted. NaN is
// never the largest; if all are NaN, or there is nothing larger than -Inf, the index is 0.
// What is in left afterwards is open. Penalties are finite.
//
// Project, the points of one coarse pixel in one previous camera: those of the
// B x B descriptors (sx, sy) under it, each at all K depths:
//
//	q = Ray · (sx+1/2, sy+1/2, 1) · depth[k] + Shift
//	u, v = q.x · (1/q.z), q.y · (1/q.z)   // in descriptors of the previous camera
//	seen if q.z > MinDepth and (u, v) is inside the map; the weights are bilinear
//	at (u, v), where descriptor i has its centre at i + 1/2
//
// It is float64, but for the weights, which are rounded to float32. What is not finite is
// not seen.
//
// Correlate, for each point that is seen, whose own descriptor is cur:
//
//	f[c] = Σ_j weight[j] · prev[offset[j]+c], j = 0..3, the sum of two sums of two
//	sums[point·G+g] += Σ_c cur[c] · f[c], c modulo G = g
//
// prev and cur are maps with contiguous channels, offsets count elements, G divides
// the channels. A neighbour outside the map has weight zero and any offset inside.
// Products of a group are added by halving. A point's sum does not depend on which others are seen, nor on how samples are
// split over calls.
//
// Similarity, for each point of G correlations x (the batch norms are folded
// into the layers):
//
//	h = relu(W0 x + b0); k = relu(W1 h + b1); dst = W2 k + b2
//
// Inputs are added to the bias in ascending order; relu maps NaN to NaN. A point's result does not depend on
// its place.
//
// Spread, of K samples at ascending bins s: x and their logits l, interpolated
// linearly over the bins between them; nothing beyond the first and the last.
//
//	dst[b] = x[b] + (l[k] + (l[k+1]-l[k])/(s[k+1]-s[k]) · (b-s[k])), s[k] <= b < s[k+1]
//	dst[s[K-1]] = x[s[K-1]] + l[K-1]
//
// dst may be x itself.
//
// Softmax, over one pixel's bins:
//
//	m = max(x); e[i] = exp(x[i] - m); dst[i] = e[i] · (1 / Σ e)
//
// exp is generic's series, within 3e-7 of the exponential, and zero below -87. The sum is
// that of 16, by halving, of which number j has e[j], e[j+16] and so on in ascending order.
// dst may be x itself. A NaN or +Inf in x makes every result NaN.
//
// No other arguments may overlap. Nothing outside the given lengths is read or
// written.
package kernel
