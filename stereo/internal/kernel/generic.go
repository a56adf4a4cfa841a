package kernel

import (
	"math"
	"math/bits"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/f32"
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
	bins := len(left)
	each := len(samples) / max(len(logits)/bins, 1)
	for at := 0; at < len(logits); at += bins {
		copy(left, logits[at:])
		pickOneGeneric(samples[:each], left, penalties)
		samples = samples[each:]
	}
}

func pickOneGeneric(samples []int32, left, penalties []float32) {
	bins := len(left)
	best := argmaxGeneric(left)
	samples[0] = int32(best)
	for k := 1; k < len(samples); k++ {
		best = suppressGeneric(left, penalties[bins-1-best:][:bins])
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

// correlateOne adds the correlations of a point.
func correlateOne(sums, c, p []float32, t *Taps, w *[4][lanes]float32, n int) {
	channels := t.Channels
	c = c[:channels]
	p0, p1, p2, p3 := p[:channels], p[t.Right:][:channels], p[t.Below:][:channels], p[t.Below+t.Right:][:channels]
	w0, w1, w2, w3 := w[0][n], w[1][n], w[2][n], w[3][n]
	for g := range sums {
		var s float32
		for j := g; j < channels; j += len(sums) {
			f := float32(float32(w0*p0[j])+float32(w1*p1[j])) + float32(float32(w2*p2[j])+float32(w3*p3[j]))
			s += float32(c[j] * f)
		}
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
		dst[i] = f32.Dot(n.Weight2, k[:]) + n.Bias2
	}
}

// denseRelu computes y = relu(w x + b).
func denseRelu(y, w, b, x []float32) {
	for i := range y {
		y[i] = max(f32.Dot(w[i*len(x):][:len(x)], x)+b[i], 0)
	}
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
	var sum float32
	for i, v := range x {
		e := float32(math.Exp(float64(v - m)))
		dst[i] = e
		sum += e
	}
	for i := range dst {
		dst[i] /= sum
	}
}
