// Package kernel has the hot loops of stereo matching.
//
// Suppress, one round of picking hypotheses (model spec, section 3):
//
//	for i := range logits { logits[i] += penalty[i] }
//	return the first index of the largest logit
//
// Exact: additions in float32. NaN is never the largest; where all are NaN, or
// there is nothing larger than -Inf, the index is 0.
//
// Correlate, for each tap (a point in a previous camera):
//
//	f[c] = Σ_j tap.Weight[j] · prev[tap.Offset[j]+c], j = 0..3
//	sums[tap.Point·G+g] += Σ_c cur[tap.Pixel+c] · f[c], c in group g
//
// prev and cur are maps with contiguous channels, offsets and Pixel count
// elements, G divides the channels. A tap outside the map has weight zero and
// any offset inside. Bounded: implementations may reassociate and fuse; with
// unit descriptors they agree to 1e-6. Taps are added in order, so a result
// does not depend on how taps are split over calls.
//
// Similarity, for each point of G correlations x (the batch norms are folded
// into the layers):
//
//	h = relu(W0 x + b0); k = relu(W1 h + b1); dst = W2 k + b2
//
// Bounded: 1e-5 of the largest; relu maps NaN to NaN.
//
// Softmax, over one pixel's bins:
//
//	m = max(x); e[i] = exp(x[i] - m); dst[i] = e[i] / Σ e
//
// Bounded: 1e-5 absolute. dst may be x itself. A NaN or +Inf in x makes every
// result NaN.
//
// No other arguments may overlap. Nothing outside the given lengths is read or
// written.
package kernel
