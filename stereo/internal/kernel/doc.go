// Package kernel has the hot loops of stereo matching.
//
// Suppress, one round of picking hypotheses (model spec, section 3):
//
//	for i := range logits { logits[i] += penalty[i] }
//	return the first index of the largest logit
//
// Exact: additions in float32. NaN is never the largest; if all are NaN, or
// there is nothing larger than -Inf, the index is 0.
//
// Project, the points of one coarse pixel in one previous camera: those of the
// Block x Block descriptors (sx, sy) under it, each at all K depths. Point i·K+k
// is depth k of descriptor i, row by row:
//
//	q = Ray · ((sx+1/2)·Stride, (sy+1/2)·Stride, 1) · depth[k] + Shift
//	u, v = q.x/q.z, q.y/q.z   // network pixels of the previous camera
//	a tap if q.z > MinDepth and (u, v) is inside Image; its weights are bilinear
//	at (u, v)/Stride, where descriptor i has its centre at i + 1/2
//
// Exact: float64 with rounded products, weights rounded to float32. Taps come in
// ascending order of points. What is not finite makes no tap.
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
// Spread, of K samples at ascending bins s: their logits l, interpolated
// linearly over the bins between them; nothing beyond the first and the last.
//
//	dst[b] += l[k] + (l[k+1]-l[k])/(s[k+1]-s[k]) · (b-s[k]), s[k] <= b < s[k+1]
//	dst[s[K-1]] += l[K-1]
//
// Exact: float32 with rounded products.
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
