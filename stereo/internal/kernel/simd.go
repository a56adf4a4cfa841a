//go:build goexperiment.simd

package kernel

import (
	"math"
	"math/bits"
	"simd"

	"github.com/solofusion/solofusion/internal/isa"
)

// Portable vectors cannot move numbers from lane to lane, as interleaving does, nor convert
// float64; segments are too short for them to spread.
var portable = &Kernels{
	interleave: interleaveGeneric,
	pick:       pickSIMD,
	project:    projectGeneric,
	correlate:  correlateSIMD,
	similarity: similaritySIMD,
	spread:     spreadGeneric,
	softmax:    softmaxSIMD,
}

// length is the number of lanes.
func length() int { return simd.Float32s{}.Len() }

// longest is the number of lanes of the longest vectors.
const longest = 16

func pickSIMD(samples []int32, logits, left, penalties []float32) {
	pickBy(samples, logits, left, penalties, suppressSIMD)
}

// suppressSIMD keeps the best of each lane.
func suppressSIMD(logits, penalty []float32) int {
	var bests [longest]float32
	var ats, lane [longest]int32
	for i := range lane {
		lane[i] = int32(i)
	}
	best, at := simd.BroadcastFloat32s(float32(math.Inf(-1))), simd.Int32s{}
	index, step := simd.LoadInt32s(lane[:]), simd.BroadcastInt32s(int32(best.Len()))
	n, i := best.Len(), 0
	for ; i+n <= len(logits); i += n {
		x := simd.LoadFloat32s(logits[i:]).Add(simd.LoadFloat32s(penalty[i:]))
		x.Store(logits[i:])
		larger := x.Greater(best)
		best, at = x.IfElse(larger, best), index.IfElse(larger, at)
		index = index.Add(step)
	}
	best.Store(bests[:])
	at.Store(ats[:])
	isa.ClearUpper()

	first, tail := firstLargest(bests[:n], ats[:n]), suppressGeneric(logits[i:], penalty[i:])
	if i < len(logits) && logits[i+tail] > bests[first] {
		return i + tail
	}
	return int(ats[first])
}

// firstLargest returns the lane of the largest value; of equal ones, that of the
// lowest index.
func firstLargest(values []float32, indices []int32) int {
	lane := 0
	for i, v := range values {
		if v > values[lane] || v == values[lane] && indices[i] < indices[lane] {
			lane = i
		}
	}
	return lane
}

func correlateSIMD(sums, cur, prev []float32, t *Taps, groups int) {
	for batch, seen := range t.Seen {
		point, pixel := t.Point(batch)
		for ; seen != 0; seen &= seen - 1 {
			n := bits.TrailingZeros16(seen)
			c := cur[t.First+int(t.own[pixel+n]):]
			correlateOneSIMD(sums[(point+n)*groups:][:groups], c, prev[t.Offset[batch][n]:], t, &t.Weight[batch], n)
		}
	}
	isa.ClearUpper()
}

// correlateOneSIMD leaves the upper halves in use.
func correlateOneSIMD(sums, c, p []float32, t *Taps, w *[4][lanes]float32, n int) {
	channels, groups, length := t.Channels, len(sums), length()
	c = c[:channels]
	p0, p1, p2, p3 := p[:channels], p[t.Right:][:channels], p[t.Below:][:channels], p[t.Below+t.Right:][:channels]
	w0, w1, w2, w3 := simd.BroadcastFloat32s(w[0][n]), simd.BroadcastFloat32s(w[1][n]), simd.BroadcastFloat32s(w[2][n]), simd.BroadcastFloat32s(w[3][n])
	products := t.products[:channels]
	j := 0
	for ; j+length <= channels; j += length {
		f := simd.LoadFloat32s(p0[j:]).Mul(w0).Add(simd.LoadFloat32s(p1[j:]).Mul(w1))
		f = f.Add(simd.LoadFloat32s(p2[j:]).Mul(w2).Add(simd.LoadFloat32s(p3[j:]).Mul(w3)))
		simd.LoadFloat32s(c[j:]).Mul(f).Store(products[j:])
	}
	if j < channels {
		f := rest(p0[j:]).Mul(w0).Add(rest(p1[j:]).Mul(w1))
		f = f.Add(rest(p2[j:]).Mul(w2).Add(rest(p3[j:]).Mul(w3)))
		rest(c[j:]).Mul(f).StorePart(products[j:])
	}
	for left := channels; left > groups; {
		half := (left/groups + 1) / 2 * groups
		addSIMD(products[:left-half], products[half:left])
		left = half
	}
	addSIMD(sums, products)
}

func rest(x []float32) simd.Float32s {
	v, _ := simd.LoadFloat32sPart(x)
	return v
}

// addSIMD adds x to dst. It leaves the upper halves in use.
func addSIMD(dst, x []float32) {
	length, i := length(), 0
	for ; i+length <= len(dst); i += length {
		simd.LoadFloat32s(dst[i:]).Add(simd.LoadFloat32s(x[i:])).Store(dst[i:])
	}
	if i < len(dst) {
		rest(dst[i:]).Add(rest(x[i:])).StorePart(dst[i:])
	}
}

// similaritySIMD takes a vector of points at a time, after it has put their
// correlations in rows of a group.
func similaritySIMD(dst, x []float32, n *Network) {
	const (
		most   = 32 // groups
		points = 2 * longest
	)
	if n.Groups > most {
		similarityGeneric(dst, x, n)
		return
	}
	var rows [most * points]float32
	var hidden0 [Hidden0 * longest]float32
	var hidden1 [Hidden1 * longest]float32
	var scores [points]float32
	for i := 0; i < len(dst); i += points {
		count := min(points, len(dst)-i)
		for p := range count {
			for g, v := range x[(i+p)*n.Groups:][:n.Groups] {
				rows[g*points+p] = v
			}
		}
		for p := 0; p < count; p += length() {
			scoreSIMD(scores[p:], rows[p:], hidden0[:], hidden1[:], n, points)
		}
		isa.ClearUpper()
		copy(dst[i:][:count], scores[:])
	}
}

// scoreSIMD writes the logits of a vector of points whose correlations are in rows,
// stride numbers apart. It leaves the upper halves in use.
func scoreSIMD(dst, rows, hidden0, hidden1 []float32, n *Network, stride int) {
	length := length()
	for o := 0; o < Hidden0; o += 4 {
		denseSIMD(hidden0[o*length:], n.Weight0[o*n.Groups:], n.Bias0[o:], rows, n.Groups, stride)
	}
	for o := 0; o < Hidden1; o += 4 {
		denseSIMD(hidden1[o*length:], n.Weight1[o*Hidden0:], n.Bias1[o:], hidden0, Hidden0, length)
	}
	y := simd.BroadcastFloat32s(n.Bias2)
	for o, w := range n.Weight2 {
		y = y.Add(simd.LoadFloat32s(hidden1[o*length:]).Mul(simd.BroadcastFloat32s(w)))
	}
	y.Store(dst)
}

// denseSIMD writes four rows of relu(w x + b), of a vector of points.
func denseSIMD(y, w, b, x []float32, inputs, stride int) {
	var zero simd.Float32s
	length := zero.Len()
	y0, y1 := simd.BroadcastFloat32s(b[0]), simd.BroadcastFloat32s(b[1])
	y2, y3 := simd.BroadcastFloat32s(b[2]), simd.BroadcastFloat32s(b[3])
	w0, w1 := w[:inputs], w[inputs:][:inputs]
	w2, w3 := w[2*inputs:][:inputs], w[3*inputs:][:inputs]
	for i := range w0 {
		v := simd.LoadFloat32s(x[i*stride:])
		y0 = y0.Add(v.Mul(simd.BroadcastFloat32s(w0[i])))
		y1 = y1.Add(v.Mul(simd.BroadcastFloat32s(w1[i])))
		y2 = y2.Add(v.Mul(simd.BroadcastFloat32s(w2[i])))
		y3 = y3.Add(v.Mul(simd.BroadcastFloat32s(w3[i])))
	}
	zero.IfElse(y0.LessEqual(zero), y0).Store(y)
	zero.IfElse(y1.LessEqual(zero), y1).Store(y[length:])
	zero.IfElse(y2.LessEqual(zero), y2).Store(y[2*length:])
	zero.IfElse(y3.LessEqual(zero), y3).Store(y[3*length:])
}

func softmaxSIMD(dst, x []float32) {
	var sums [lanes]float32
	exponentialsSIMD(dst, x, largestSIMD(x), &sums)
	scaleSIMD(dst, 1/total(&sums))
}

// largestSIMD returns the largest element. If one is NaN, so may be the result.
func largestSIMD(x []float32) float32 {
	var lanes [longest]float32
	best := simd.BroadcastFloat32s(float32(math.Inf(-1)))
	n, i := best.Len(), 0
	for ; i+n <= len(x); i += n {
		best = simd.LoadFloat32s(x[i:]).Max(best)
	}
	best.Store(lanes[:])
	isa.ClearUpper()
	m := lanes[0]
	for _, v := range lanes[:n] {
		m = max(m, v)
	}
	for _, v := range x[i:] {
		m = max(m, v)
	}
	return m
}

// exponentialsSIMD writes the exponentials of x - m and adds number i to sum i modulo
// their number.
func exponentialsSIMD(dst, x []float32, m float32, sums *[lanes]float32) {
	shift, n := simd.BroadcastFloat32s(m), length()
	for i := 0; i < len(x); i += n {
		d, s := dst[i:min(i+n, len(x))], sums[i%lanes:][:n]
		e := expSIMD(rest(x[i:]).Sub(shift))
		e.StorePart(d)
		if len(d) < n {
			addSIMD(s[:len(d)], d)
		} else {
			simd.LoadFloat32s(s).Add(e).Store(s)
		}
	}
	isa.ClearUpper()
}

func scaleSIMD(x []float32, by float32) {
	factor := simd.BroadcastFloat32s(by)
	n, i := factor.Len(), 0
	for ; i+n <= len(x); i += n {
		simd.LoadFloat32s(x[i:]).Mul(factor).Store(x[i:])
	}
	isa.ClearUpper()
	for ; i < len(x); i++ {
		x[i] *= by
	}
}

// expSIMD returns the exponential of x, which is not positive.
func expSIMD(x simd.Float32s) simd.Float32s {
	tiny := x.Less(simd.BroadcastFloat32s(expNormal))
	shifted := x.Mul(simd.BroadcastFloat32s(log2e)).Add(simd.BroadcastFloat32s(rounder))
	n := shifted.Sub(simd.BroadcastFloat32s(rounder))
	r := x.Sub(n.Mul(simd.BroadcastFloat32s(ln2High)))
	r = r.Sub(n.Mul(simd.BroadcastFloat32s(ln2Low)))
	p := r.Mul(simd.BroadcastFloat32s(exp6)).Add(simd.BroadcastFloat32s(exp5))
	p = p.Mul(r).Add(simd.BroadcastFloat32s(exp4))
	p = p.Mul(r).Add(simd.BroadcastFloat32s(exp3))
	p = p.Mul(r).Add(simd.BroadcastFloat32s(exp2))
	one := simd.BroadcastFloat32s(1)
	p = p.Mul(r).Add(one)
	p = p.Mul(r).Add(one)
	power := shifted.ToBits().ShiftAllLeft(23).Add(one.ToBits()).BitsToFloat32() // two to the n
	return simd.Float32s{}.IfElse(tiny, p.Mul(power))
}
