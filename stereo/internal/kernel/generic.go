package kernel

import (
	"math"
	"math/bits"

	"github.com/solofusion/solofusion/geom"
)

func interleaveGeneric(dst, src []float32, channels, groups int) {
	width := channels / groups
	for at := 0; at < len(src); at += channels {
		d, s := dst[at:][:channels], src[at:][:channels]
		for g := range groups {
			for j, v := range s[g*width:][:width] {
				d[j*groups+g] = v
			}
		}
	}
}

func pickGeneric(samples []int32, logits, left, penalties []float32) {
	pickBy(samples, logits, left, penalties, suppressGeneric)
}

// pickBy picks the bins of a pixel.
func pickBy(samples []int32, logits, left, penalties []float32, suppress func(logits, penalty []float32) int) {
	bins := copy(left, logits)
	best := argmaxGeneric(left)
	samples[0] = int32(best)
	for k := 1; k < len(samples); k++ {
		best = suppress(left, penalties[bins-1-best:][:bins])
		insert(samples, k, int32(best))
	}
}

// argmaxGeneric returns the first index of the largest element.
func argmaxGeneric(x []float32) int {
	best, at := float32(math.Inf(-1)), 0
	for i, v := range x {
		if v > best {
			best, at = v, i
		}
	}
	return at
}

// suppressGeneric adds penalty to logits and returns the first index of the
// largest.
func suppressGeneric(logits, penalty []float32) int {
	best, at := float32(math.Inf(-1)), 0
	penalty = penalty[:len(logits)]
	for i, x := range logits {
		x += penalty[i]
		logits[i] = x
		if x > best {
			best, at = x, i
		}
	}
	return at
}

// insert puts a bin into its place among the first k of samples, ascending.
func insert(samples []int32, k int, bin int32) {
	for ; k > 0 && samples[k-1] > bin; k-- {
		samples[k] = samples[k-1]
	}
	samples[k] = bin
}

func projectGeneric(t *Taps, p *Projection, x, y int, depths []float64) {
	t.place(x, y)
	raysGeneric(t, p, x, y)
	pixels, at := t.Block*t.Block, 0
	for _, d := range depths {
		for from := 0; from < pixels; from += lanes {
			t.Seen[at] = 0
			for i := from; i < min(from+lanes, pixels); i++ {
				z := float64(t.ray[2][i]*d) + p.Shift[2]
				inverse := 1 / z
				u, v := (float64(t.ray[0][i]*d)+p.Shift[0])*inverse, (float64(t.ray[1][i]*d)+p.Shift[1])*inverse
				if t.sees(u, v, z) {
					t.Seen[at] |= 1 << (i - from)
					t.bilinear(at, i-from, u, v)
				}
			}
			at++
		}
	}
}

// raysGeneric leaves the rays through the descriptors of coarse pixel (x, y) in
// t.ray.
func raysGeneric(t *Taps, p *Projection, x, y int) {
	left, top := float64(x*t.Block), float64(y*t.Block)
	for i := range t.Block * t.Block {
		r := p.Ray.Apply(geom.Vec3{left + t.column[i], top + t.row[i], 1})
		t.ray[0][i], t.ray[1][i], t.ray[2][i] = r[0], r[1], r[2]
	}
}

// MinDepth is the depth in a previous camera beyond which a point is in front
// of it, metres.
const MinDepth = 1e-5

// sees reports whether the descriptor at (u, v) at depth z is in front of the
// camera and inside its map; what is not finite is not.
func (g *Grid) sees(u, v, z float64) bool {
	return z > MinDepth && u > 0 && u < float64(g.Map.Width) && v > 0 && v < float64(g.Map.Height)
}

// bilinear places the four descriptors around (u, v), which is inside the map: there
// pixel i covers [i, i+1) and has its centre at i + 1/2 (align_corners false).
func (t *Taps) bilinear(batch, lane int, u, v float64) {
	x, left, right := neighbours(u, t.Map.Width)
	y, above, below := neighbours(v, t.Map.Height)
	t.Offset[batch][lane] = int32((y*t.Map.Width + x) * t.Channels)
	w := &t.Weight[batch]
	w[0][lane], w[1][lane], w[2][lane], w[3][lane] = left*above, right*above, left*below, right*below
}

// neighbours returns the first of the two of n pixels whose centres enclose u, and
// their weights. If one is beyond the border, they are the last two inside: the other
// keeps its weight, the rest is zero.
func neighbours(u float64, n int) (first int, a, b float32) {
	shifted := u + 0.5
	i := int(shifted)
	f := float32(shifted - float64(i))
	first, a, b = i-1, 1-f, f
	switch i {
	case 0:
		first, a, b = 0, f, 0
	case n:
		first, a, b = max(n-2, 0), 0, 1-f
	}
	return first, a, b
}

func correlateGeneric(sums, cur, prev []float32, t *Taps, groups int) {
	for batch, seen := range t.Seen {
		point, pixel := t.Point(batch)
		for ; seen != 0; seen &= seen - 1 {
			n := bits.TrailingZeros16(seen)
			c := cur[t.First+int(t.own[pixel+n]):]
			correlateOne(sums[(point+n)*groups:][:groups], c, prev[t.Offset[batch][n]:], t, &t.Weight[batch], n)
		}
	}
}

// correlateOne adds the correlations of a point. Products of a group are added by halving.
func correlateOne(sums, c, p []float32, t *Taps, w *[4][lanes]float32, n int) {
	channels, groups := t.Channels, len(sums)
	c = c[:channels]
	p0, p1, p2, p3 := p[:channels], p[t.Right:][:channels], p[t.Below:][:channels], p[t.Below+t.Right:][:channels]
	w0, w1, w2, w3 := w[0][n], w[1][n], w[2][n], w[3][n]
	products := t.products[:channels]
	for j := range products {
		f := float32(float32(w0*p0[j])+float32(w1*p1[j])) + float32(float32(w2*p2[j])+float32(w3*p3[j]))
		products[j] = c[j] * f
	}
	for left := channels; left > groups; {
		half := (left/groups + 1) / 2 * groups
		for j, v := range products[half:left] {
			products[j] += v
		}
		left = half
	}
	for g, s := range products[:groups] {
		sums[g] += s
	}
}

func similarityGeneric(dst, x []float32, n *Network) {
	var h [Hidden0]float32
	var k [Hidden1]float32
	g := n.Groups
	for i := range dst {
		denseRelu(h[:], n.Weight0, n.Bias0, x[i*g:][:g])
		denseRelu(k[:], n.Weight1, n.Bias1, h[:])
		dst[i] = row(n.Weight2, n.Bias2, k[:])
	}
}

// denseRelu computes y = relu(w x + b).
func denseRelu(y, w, b, x []float32) {
	for i := range y {
		y[i] = max(row(w[i*len(x):], b[i], x), 0)
	}
}

// row computes w x + b of one row of w, from b on in ascending order.
func row(w []float32, b float32, x []float32) float32 {
	w = w[:len(x)]
	for j, v := range x {
		b += float32(w[j] * v)
	}
	return b
}

func spreadGeneric(dst, x []float32, samples []int32, logits []float32) {
	copy(dst, x)
	last := len(samples) - 1
	for k := range last {
		from, to := samples[k], samples[k+1]
		slope := (logits[k+1] - logits[k]) / float32(to-from)
		for b := from; b < to; b++ {
			dst[b] += logits[k] + float32(slope*float32(b-from))
		}
	}
	dst[samples[last]] += logits[last]
}

func softmaxGeneric(dst, x []float32) {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	var sums [lanes]float32
	for i, v := range x {
		e := exp(v - m)
		dst[i] = e
		sums[i%lanes] += e
	}
	inverse := 1 / total(&sums)
	for i := range dst {
		dst[i] *= inverse
	}
}

// total adds by halving.
func total(sums *[lanes]float32) float32 {
	for half := lanes / 2; half > 0; half /= 2 {
		for i, v := range sums[half : 2*half] {
			sums[i] += v
		}
	}
	return sums[0]
}

// The exponential is that of the rest after whole powers of two, of which the logarithm
// is in two parts, by its series up to the sixth power.
const (
	log2e     = 1 / math.Ln2
	ln2High   = 0.693359375
	ln2Low    = math.Ln2 - ln2High
	exp2      = 1.0 / 2
	exp3      = 1.0 / 6
	exp4      = 1.0 / 24
	exp5      = 1.0 / 120
	exp6      = 1.0 / 720
	expNormal = -87     // below which it is zero
	rounder   = 3 << 22 // a float32 as large as that has no fraction
)

// exp returns the exponential of x, which is not positive.
func exp(x float32) float32 {
	if x < expNormal {
		return 0
	}
	shifted := float32(x*log2e) + rounder
	n := shifted - rounder
	r := x - float32(n*ln2High)
	r -= float32(n * ln2Low)
	p := float32(r*exp6) + exp5
	p = float32(p*r) + exp4
	p = float32(p*r) + exp3
	p = float32(p*r) + exp2
	p = float32(p*r) + 1
	p = float32(p*r) + 1
	return p * math.Float32frombits(math.Float32bits(shifted)<<23+math.Float32bits(1))
}
