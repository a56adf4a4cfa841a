//go:build goexperiment.simd

package kernel

import (
	"math"
	"math/bits"
	"simd/archsimd"

	"github.com/solofusion/solofusion/internal/isa"
)

var avx512 = &Kernels{
	interleave: interleaveAVX512,
	pick:       pickAVX512,
	project:    projectAVX512,
	correlate:  correlateAVX512,
	similarity: similarityAVX512,
	spread:     spreadAVX512,
	softmax:    softmaxAVX512,
}

// The shapes that have loops of their own: those of the published model and of the default
// bundle.
const (
	channels64 = 64
	channels32 = 32
	groups8    = 8
)

// ascending are the lanes of a vector.
var ascending = [16]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// interleaveAVX512 transposes the 8 x 8 channels of a descriptor, two rows in a vector.
func interleaveAVX512(dst, src []float32, channels, groups int) {
	if channels != channels64 || groups != groups8 {
		portable.interleave(dst, src, channels, groups)
		return
	}
	lower, upper := archsimd.LoadUint32x16Array(&columnsLower), archsimd.LoadUint32x16Array(&columnsUpper)
	first, second := archsimd.LoadUint32x16Array(&quadsFirst), archsimd.LoadUint32x16Array(&quadsSecond)
	for at := 0; at+channels64 <= len(src); at += channels64 {
		s, d := (*[channels64]float32)(src[at:]), (*[channels64]float32)(dst[at:])
		a, b := archsimd.LoadFloat32x16Array((*[16]float32)(s[0:])), archsimd.LoadFloat32x16Array((*[16]float32)(s[16:]))
		e, f := archsimd.LoadFloat32x16Array((*[16]float32)(s[32:])), archsimd.LoadFloat32x16Array((*[16]float32)(s[48:]))
		ab, ef := a.ConcatPermute(b, lower), e.ConcatPermute(f, lower)
		ab.ConcatPermute(ef, first).StoreArray((*[16]float32)(d[0:]))
		ab.ConcatPermute(ef, second).StoreArray((*[16]float32)(d[16:]))
		ab, ef = a.ConcatPermute(b, upper), e.ConcatPermute(f, upper)
		ab.ConcatPermute(ef, first).StoreArray((*[16]float32)(d[32:]))
		ab.ConcatPermute(ef, second).StoreArray((*[16]float32)(d[48:]))
	}
	isa.ClearUpper()
}

// Of two vectors, groups a and b, c and d: columns 0 to 3 or 4 to 7 of all four. Of two
// such, eight groups: the first two columns or the other two.
var (
	columnsLower = [16]uint32{0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27}
	columnsUpper = [16]uint32{4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31}
	quadsFirst   = [16]uint32{0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23}
	quadsSecond  = [16]uint32{8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31}
)

func pickAVX512(samples []int32, logits, left, penalties []float32) {
	picked := len(left) == bins112 && pick112(samples, (*[bins112]float32)(logits), (*[2*bins112 - 1]float32)(penalties))
	isa.ClearUpper()
	if !picked {
		portable.pick(samples, logits, left, penalties)
	}
}

// bins112 is the number of bins that fit into the registers: the published model's.
const bins112 = 7 * lanes

// pick112 keeps what is left of the logits in registers, and what is picked in a set. It
// reports false, and leaves the samples open, if a logit is NaN or a bin would be picked
// again. It leaves the upper halves in use.
func pick112(samples []int32, x *[bins112]float32, penalties *[2*bins112 - 1]float32) bool {
	x0, x1 := archsimd.LoadFloat32x16Array((*[16]float32)(x[0:])), archsimd.LoadFloat32x16Array((*[16]float32)(x[16:]))
	x2, x3 := archsimd.LoadFloat32x16Array((*[16]float32)(x[32:])), archsimd.LoadFloat32x16Array((*[16]float32)(x[48:]))
	x4, x5 := archsimd.LoadFloat32x16Array((*[16]float32)(x[64:])), archsimd.LoadFloat32x16Array((*[16]float32)(x[80:]))
	x6 := archsimd.LoadFloat32x16Array((*[16]float32)(x[96:]))
	if x0.IsNaN().Or(x1.IsNaN()).Or(x2.IsNaN()).Or(x3.IsNaN()).Or(x4.IsNaN()).Or(x5.IsNaN()).Or(x6.IsNaN()).ToBits() != 0 {
		return false
	}
	by8, by4 := archsimd.LoadUint32x16Array(&rotated8), archsimd.LoadUint32x16Array(&rotated4)
	by2, by1 := archsimd.LoadUint32x16Array(&rotated2), archsimd.LoadUint32x16Array(&rotated1)
	var low, high uint64 // the picked ones of the first 64 bins, and of the others
	for range samples {
		best := x0.Max(x1).Max(x2.Max(x3)).Max(x4.Max(x5).Max(x6))
		best = best.Max(best.Permute(by8))
		best = best.Max(best.Permute(by4))
		best = best.Max(best.Permute(by2))
		best = best.Max(best.Permute(by1))
		first := uint64(x0.Equal(best).ToBits()) | uint64(x1.Equal(best).ToBits())<<16 | uint64(x2.Equal(best).ToBits())<<32 | uint64(x3.Equal(best).ToBits())<<48
		second := uint64(x4.Equal(best).ToBits()) | uint64(x5.Equal(best).ToBits())<<16 | uint64(x6.Equal(best).ToBits())<<32
		none := (first|-first)>>63 - 1 // all bits if there is none among the first
		at := bits.TrailingZeros64(first) + int(none)&bits.TrailingZeros64(second)
		low, high = low|first&-first, high|second&-second&none
		p := (*[bins112]float32)(penalties[max(bins112-1-at, 0):])
		x0 = x0.Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[0:])))
		x1 = x1.Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[16:])))
		x2 = x2.Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[32:])))
		x3 = x3.Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[48:])))
		x4 = x4.Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[64:])))
		x5 = x5.Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[80:])))
		x6 = x6.Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[96:])))
	}
	if bits.OnesCount64(low)+bits.OnesCount64(high) != len(samples) {
		return false
	}
	for i := range samples {
		bin := 64 + bits.TrailingZeros64(high)
		rest := high & (high - 1)
		if low != 0 {
			bin, rest = bits.TrailingZeros64(low), high
		}
		samples[i] = int32(bin)
		low, high = low&(low-1), rest
	}
	return true
}

var (
	minusInf = float32(math.Inf(-1))
	rotated8 = [16]uint32{8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7}
	rotated4 = [16]uint32{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3}
	rotated2 = [16]uint32{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1}
	rotated1 = [16]uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0}
)

// firstLanes is the mask of the first n lanes.
func firstLanes(n int) archsimd.Mask32x16 { return archsimd.Mask32x16FromBits(1<<n - 1) }

// projectAVX512 takes a batch at a time, its positions in two halves.
func projectAVX512(t *Taps, p *Projection, x, y int, depths []float64) {
	t.place(x, y)
	raysAVX512(t, p, x, y)
	pixels, at := t.Block*t.Block, 0
	s0, s1, s2 := archsimd.BroadcastFloat64x8(p.Shift[0]), archsimd.BroadcastFloat64x8(p.Shift[1]), archsimd.BroadcastFloat64x8(p.Shift[2])
	half, one, near := archsimd.LoadFloat64x8Array(&halves), archsimd.LoadFloat64x8Array(&ones), archsimd.LoadFloat64x8Array(&minDepths)
	columns, rows := archsimd.BroadcastInt32x16(int32(t.Map.Width)), archsimd.BroadcastInt32x16(int32(t.Map.Height))
	width, height := columns.GetLo().ConvertToFloat64(), rows.GetLo().ConvertToFloat64()
	channels := archsimd.BroadcastInt32x16(int32(t.Channels))
	for k := range depths {
		d := archsimd.BroadcastFloat64x8(depths[k])
		for from := 0; from < pixels; from += lanes {
			r := (*[lanes]float64)(t.ray[2][from:])
			za := archsimd.LoadFloat64x8Array((*[8]float64)(r[0:])).Mul(d).Add(s2)
			zb := archsimd.LoadFloat64x8Array((*[8]float64)(r[8:])).Mul(d).Add(s2)
			inverseA, inverseB := one.Div(za), one.Div(zb)
			r = (*[lanes]float64)(t.ray[0][from:])
			ua := archsimd.LoadFloat64x8Array((*[8]float64)(r[0:])).Mul(d).Add(s0).Mul(inverseA)
			ub := archsimd.LoadFloat64x8Array((*[8]float64)(r[8:])).Mul(d).Add(s0).Mul(inverseB)
			r = (*[lanes]float64)(t.ray[1][from:])
			va := archsimd.LoadFloat64x8Array((*[8]float64)(r[0:])).Mul(d).Add(s1).Mul(inverseA)
			vb := archsimd.LoadFloat64x8Array((*[8]float64)(r[8:])).Mul(d).Add(s1).Mul(inverseB)
			seen := uint16(insideAVX512(ua, width)&insideAVX512(va, height)&za.Greater(near).ToBits()) |
				uint16(insideAVX512(ub, width)&insideAVX512(vb, height)&zb.Greater(near).ToBits())<<8
			if rest := pixels - from; rest < lanes {
				seen &= 1<<rest - 1
			}
			t.Seen[at] = seen
			if seen != 0 {
				ua, ub, va, vb = ua.Add(half), ub.Add(half), va.Add(half), vb.Add(half)
				xa, xb, ya, yb := ua.ConvertToInt32(), ub.ConvertToInt32(), va.ConvertToInt32(), vb.ConvertToInt32()
				var x, y archsimd.Int32x16
				var f, g archsimd.Float32x16
				x, y = x.SetLo(xa).SetHi(xb), y.SetLo(ya).SetHi(yb)
				f = f.SetLo(ua.Sub(xa.ConvertToFloat64()).ConvertToFloat32()).SetHi(ub.Sub(xb.ConvertToFloat64()).ConvertToFloat32())
				g = g.SetLo(va.Sub(ya.ConvertToFloat64()).ConvertToFloat32()).SetHi(vb.Sub(yb.ConvertToFloat64()).ConvertToFloat32())
				inside := archsimd.Mask32x16FromBits(seen)
				x, left, right := neighboursAVX512(x, f.Masked(inside), columns)
				y, above, below := neighboursAVX512(y, g.Masked(inside), rows)
				y.Mul(columns).Add(x).Mul(channels).StoreArray(&t.Offset[at])
				w := &t.Weight[at]
				left.Mul(above).StoreArray(&w[0])
				right.Mul(above).StoreArray(&w[1])
				left.Mul(below).StoreArray(&w[2])
				right.Mul(below).StoreArray(&w[3])
			}
			at++
		}
	}
	isa.ClearUpper()
}

// Vectors of one number.
var (
	wholes    = [lanes]int32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	units     = [lanes]float32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	halves    = [8]float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}
	ones      = [8]float64{1, 1, 1, 1, 1, 1, 1, 1}
	minDepths = [8]float64{MinDepth, MinDepth, MinDepth, MinDepth, MinDepth, MinDepth, MinDepth, MinDepth}
)

// insideAVX512 tells which lanes are between 0 and the size: there the product of the
// distances from both is positive, and it is NaN if the position is.
func insideAVX512(u, size archsimd.Float64x8) uint8 {
	return u.Mul(size.Sub(u)).Greater(archsimd.Float64x8{}).ToBits()
}

// raysAVX512 leaves the upper halves in use.
func raysAVX512(t *Taps, p *Projection, x, y int) {
	left, top := archsimd.BroadcastInt32x8(int32(x*t.Block)).ConvertToFloat64(), archsimd.BroadcastInt32x8(int32(y*t.Block)).ConvertToFloat64()
	for i := 0; i < len(t.column); i += lanes / 2 {
		x, y := left.Add(archsimd.LoadFloat64x8(t.column[i:])), top.Add(archsimd.LoadFloat64x8(t.row[i:]))
		for axis := range 3 {
			r := archsimd.BroadcastFloat64x8(p.Ray[3*axis]).Mul(x).Add(archsimd.BroadcastFloat64x8(p.Ray[3*axis+1]).Mul(y))
			r.Add(archsimd.BroadcastFloat64x8(p.Ray[3*axis+2])).Store(t.ray[axis][i:])
		}
	}
}

// neighboursAVX512 takes the truncated position and its fraction.
func neighboursAVX512(i archsimd.Int32x16, f archsimd.Float32x16, n archsimd.Int32x16) (first archsimd.Int32x16, a, b archsimd.Float32x16) {
	var zero archsimd.Int32x16
	var nothing archsimd.Float32x16
	one := archsimd.LoadInt32x16Array(&wholes)
	rest := archsimd.LoadFloat32x16Array(&units).Sub(f)
	start, end := i.Equal(zero), i.Equal(n)
	a = f.IfElse(start, nothing.IfElse(end, rest))
	b = nothing.IfElse(start, rest.IfElse(end, f))
	return i.Sub(one).Min(n.Sub(one).Sub(one)).Max(zero), a, b
}

func correlateAVX512(sums, cur, prev []float32, t *Taps, groups int) {
	switch {
	case groups == groups8 && t.Channels == channels64 && t.Right == channels64 && t.Block == 4:
		correlateBatches(sums, cur, prev, t)
	case groups == groups8 && t.Channels == channels32 && t.Right == channels32:
		correlatePoints(sums, cur, prev, t)
	default:
		portable.correlate(sums, cur, prev, t, groups)
		return
	}
	isa.ClearUpper()
}

// correlateBatches takes a batch at a time. Each turn finds the descriptors of the next:
// of pointers that it has only just made, the compiler would compute the addresses anew
// for each load. It leaves the upper halves in use.
func correlateBatches(sums, cur, prev []float32, t *Taps) {
	var own [lanes]*[channels64]float32
	for n, o := range (*[lanes]int32)(t.own) {
		at := t.First + int(o)
		own[n] = (*[channels64]float32)(cur[at : at+channels64])
	}
	var rows [lanes][lanes]float32
	for i, seen := range t.Seen {
		if seen == 0 {
			continue
		}
		w, offset, below := &t.Weight[i], &t.Offset[i], t.Below
		w0, w1 := archsimd.LoadFloat32x16Array(&w[0]), archsimd.LoadFloat32x16Array(&w[1])
		w2, w3 := archsimd.LoadFloat32x16Array(&w[2]), archsimd.LoadFloat32x16Array(&w[3])
		c, p, q := &nothing, &nowhere, &nowhere
		if seen&1 != 0 {
			c, p, q = own[0], pairAt(prev, int(offset[0])), pairAt(prev, int(offset[0])+below)
		}
		for n := range rows {
			lane := archsimd.LoadUint32x16Array(&numbered[n])
			w0, w1, w2, w3 := w0.Permute(lane), w1.Permute(lane), w2.Permute(lane), w3.Permute(lane)
			e := archsimd.LoadFloat32x16Array((*[16]float32)(p[0:])).Mul(w0).Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[64:])).Mul(w1))
			f := archsimd.LoadFloat32x16Array((*[16]float32)(p[16:])).Mul(w0).Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[80:])).Mul(w1))
			g := archsimd.LoadFloat32x16Array((*[16]float32)(p[32:])).Mul(w0).Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[96:])).Mul(w1))
			h := archsimd.LoadFloat32x16Array((*[16]float32)(p[48:])).Mul(w0).Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[112:])).Mul(w1))
			e = e.Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[0:])).Mul(w2).Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[64:])).Mul(w3))).Mul(archsimd.LoadFloat32x16Array((*[16]float32)(c[0:])))
			f = f.Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[16:])).Mul(w2).Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[80:])).Mul(w3))).Mul(archsimd.LoadFloat32x16Array((*[16]float32)(c[16:])))
			g = g.Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[32:])).Mul(w2).Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[96:])).Mul(w3))).Mul(archsimd.LoadFloat32x16Array((*[16]float32)(c[32:])))
			h = h.Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[48:])).Mul(w2).Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[112:])).Mul(w3))).Mul(archsimd.LoadFloat32x16Array((*[16]float32)(c[48:])))
			e.Add(g).Add(f.Add(h)).StoreArray(&rows[n])

			c, p, q = &nothing, &nowhere, &nowhere
			seen = bits.RotateLeft16(seen, -1)
			if next := (n + 1) & (lanes - 1); seen&1 != 0 {
				c, p, q = own[next], pairAt(prev, int(offset[next])), pairAt(prev, int(offset[next])+below)
			}
		}
		fold((*[lanes * groups8]float32)(sums[i*lanes*groups8:]), &rows)
	}
}

// pairAt returns a descriptor and the one beside it.
func pairAt(x []float32, at int) *[2 * channels64]float32 {
	return (*[2 * channels64]float32)(x[at : at+2*channels64])
}

// correlatePoints is for blocks of any size. It leaves the upper halves in use.
func correlatePoints(sums, cur, prev []float32, t *Taps) {
	for batch, seen := range t.Seen {
		point, pixel := t.Point(batch)
		offset, w := &t.Offset[batch], &t.Weight[batch]
		for ; seen != 0; seen &= seen - 1 {
			n := bits.TrailingZeros16(seen) & (lanes - 1)
			out, own, above := (point+n)*groups8, t.First+int(t.own[pixel+n]), int(offset[n])
			below := above + t.Below
			dot32((*[groups8]float32)(sums[out:out+groups8]), (*[channels32]float32)(cur[own:own+channels32]),
				(*[2 * channels32]float32)(prev[above:above+2*channels32]), (*[2 * channels32]float32)(prev[below:below+2*channels32]), w, &numbered[n])
		}
	}
}

// dot32 adds the correlations of a point. If it were inlined, the compiler would compute the
// addresses anew for each load. It leaves the upper halves in use.
//
//go:noinline
func dot32(sums *[groups8]float32, c *[channels32]float32, p, q *[2 * channels32]float32, w *[4][lanes]float32, lane *[lanes]uint32) {
	n := archsimd.LoadUint32x16Array(lane)
	w0, w1 := archsimd.LoadFloat32x16Array(&w[0]).Permute(n), archsimd.LoadFloat32x16Array(&w[1]).Permute(n)
	w2, w3 := archsimd.LoadFloat32x16Array(&w[2]).Permute(n), archsimd.LoadFloat32x16Array(&w[3]).Permute(n)
	e := archsimd.LoadFloat32x16Array((*[16]float32)(p[0:])).Mul(w0).Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[32:])).Mul(w1))
	f := archsimd.LoadFloat32x16Array((*[16]float32)(p[16:])).Mul(w0).Add(archsimd.LoadFloat32x16Array((*[16]float32)(p[48:])).Mul(w1))
	e = e.Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[0:])).Mul(w2).Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[32:])).Mul(w3))).Mul(archsimd.LoadFloat32x16Array((*[16]float32)(c[0:])))
	f = f.Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[16:])).Mul(w2).Add(archsimd.LoadFloat32x16Array((*[16]float32)(q[48:])).Mul(w3))).Mul(archsimd.LoadFloat32x16Array((*[16]float32)(c[16:])))
	s := e.Add(f)
	archsimd.LoadFloat32x8Array(sums).Add(s.GetLo().Add(s.GetHi())).StoreArray(sums)
}

// nothing and nowhere are descriptors for points that are not seen.
var (
	nothing [channels64]float32
	nowhere [2 * channels64]float32
)

// fold adds the two halves of each row.
func fold(sums *[lanes * groups8]float32, rows *[lanes][lanes]float32) {
	lower, upper := archsimd.LoadUint32x16Array(&lowerHalves), archsimd.LoadUint32x16Array(&upperHalves)
	out := sums[:]
	for left := rows[:]; len(left) >= 2 && len(out) >= lanes; left, out = left[2:], out[lanes:] {
		r, d := (*[2][lanes]float32)(left), (*[lanes]float32)(out)
		a, b := archsimd.LoadFloat32x16Array(&r[0]), archsimd.LoadFloat32x16Array(&r[1])
		both := a.ConcatPermute(b, lower).Add(a.ConcatPermute(b, upper))
		both.Add(archsimd.LoadFloat32x16Array(d)).StoreArray(d)
	}
}

var (
	lowerHalves = [lanes]uint32{0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}
	upperHalves = [lanes]uint32{8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31}
)

// numbered has vectors of one lane's number each.
var numbered = func() (v [lanes][lanes]uint32) {
	for i := range v {
		for j := range v[i] {
			v[i][j] = uint32(i)
		}
	}
	return v
}()
