//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"

	"github.com/solofusion/solofusion/internal/isa"
)

var avx512 = &Kernels{horizontal: horizontalAVX512, vertical: verticalAVX512, normalise: normaliseAVX512}

// Lanes that hold a pixel's two taps have them at bytes 0 and 2, or one byte at 0.
const (
	bothTaps = 0x5555_5555_5555_5555
	oneByte  = 0x1111_1111_1111_1111
)

// horizontalAVX512 computes four rows at a time, so that a pair's weights are loaded
// once for them.
func horizontalAVX512(dst, src []uint8, c *Columns) {
	l := c.lanes
	if l == nil {
		horizontalGeneric(dst, src, c)
		return
	}
	fourRows := horizontalNear
	if l.windows > 1 {
		fourRows = horizontalFar
	}
	to, from := 3*len(c.start), 3*c.width
	last := len(dst)/to - 1
	for y := 0; y <= last; y += 4 {
		a, b, c, d := y, min(y+1, last), min(y+2, last), min(y+3, last)
		fourRows(
			dst[a*to:][:to], dst[b*to:][:to], dst[c*to:][:to], dst[d*to:][:to],
			src[a*from:][:from], src[b*from:][:from], src[c*from:][:from], src[d*from:][:from], l,
		)
	}
	isa.ClearUpper()
}

// horizontalNear computes four rows with one window. It never returns early: the condition
// tells the compiler that a window that is in one row is in all.
func horizontalNear(toA, toB, toC, toD, a, b, c, d []uint8, l *lanes) {
	zero, rounding := archsimd.BroadcastInt32x16(0), archsimd.BroadcastInt32x16(half)
	mask, weights := archsimd.Mask8x64FromBits(bothTaps), l.weight
	b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
	for g, first := range l.first {
		place := archsimd.LoadUint8x64Array((*[window]uint8)(l.place[4*group*g:]))
		upperA, lowerA := zero, rounding
		upperB, lowerB := zero, rounding
		upperC, lowerC := zero, rounding
		upperD, lowerD := zero, rounding
		at := uint(l.from[g])
		for range l.pairs {
			w, end := (*[4 * group]int16)(weights), at+window
			if at >= end || end > uint(len(a)) {
				return
			}
			upper, lower := archsimd.LoadInt16x32Array((*[2 * group]int16)(w[:2*group])), archsimd.LoadInt16x32Array((*[2 * group]int16)(w[2*group:]))
			p := near(a[at:end]).Permute(place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			q := near(b[at:end]).Permute(place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			r := near(c[at:end]).Permute(place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			s := near(d[at:end]).Permute(place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			upperA, lowerA = upperA.Add(p.DotProductPairs(upper)), lowerA.Add(p.DotProductPairs(lower))
			upperB, lowerB = upperB.Add(q.DotProductPairs(upper)), lowerB.Add(q.DotProductPairs(lower))
			upperC, lowerC = upperC.Add(r.DotProductPairs(upper)), lowerC.Add(r.DotProductPairs(lower))
			upperD, lowerD = upperD.Add(s.DotProductPairs(upper)), lowerD.Add(s.DotProductPairs(lower))
			at, weights = at+6, weights[4*group:]
		}
		clipped(upperA, lowerA).StoreArray((*[group]uint8)(toA[first:]))
		clipped(upperB, lowerB).StoreArray((*[group]uint8)(toB[first:]))
		clipped(upperC, lowerC).StoreArray((*[group]uint8)(toC[first:]))
		clipped(upperD, lowerD).StoreArray((*[group]uint8)(toD[first:]))
	}
}

// horizontalFar computes four rows with two windows.
func horizontalFar(toA, toB, toC, toD, a, b, c, d []uint8, l *lanes) {
	zero, rounding := archsimd.BroadcastInt32x16(0), archsimd.BroadcastInt32x16(half)
	mask, weights := archsimd.Mask8x64FromBits(bothTaps), l.weight
	b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
	for g, first := range l.first {
		place := archsimd.LoadUint8x64Array((*[window]uint8)(l.place[4*group*g:]))
		upperA, lowerA := zero, rounding
		upperB, lowerB := zero, rounding
		upperC, lowerC := zero, rounding
		upperD, lowerD := zero, rounding
		at := uint(l.from[g])
		for range l.pairs {
			w, end := (*[4 * group]int16)(weights), at+2*window
			if at >= end || end > uint(len(a)) {
				return
			}
			upper, lower := archsimd.LoadInt16x32Array((*[2 * group]int16)(w[:2*group])), archsimd.LoadInt16x32Array((*[2 * group]int16)(w[2*group:]))
			p := near(a[at:end]).ConcatPermute(far(a[at:end]), place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			q := near(b[at:end]).ConcatPermute(far(b[at:end]), place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			r := near(c[at:end]).ConcatPermute(far(c[at:end]), place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			s := near(d[at:end]).ConcatPermute(far(d[at:end]), place).Masked(mask).ReshapeToUint16s().BitsToInt16()
			upperA, lowerA = upperA.Add(p.DotProductPairs(upper)), lowerA.Add(p.DotProductPairs(lower))
			upperB, lowerB = upperB.Add(q.DotProductPairs(upper)), lowerB.Add(q.DotProductPairs(lower))
			upperC, lowerC = upperC.Add(r.DotProductPairs(upper)), lowerC.Add(r.DotProductPairs(lower))
			upperD, lowerD = upperD.Add(s.DotProductPairs(upper)), lowerD.Add(s.DotProductPairs(lower))
			at, weights = at+6, weights[4*group:]
		}
		clipped(upperA, lowerA).StoreArray((*[group]uint8)(toA[first:]))
		clipped(upperB, lowerB).StoreArray((*[group]uint8)(toB[first:]))
		clipped(upperC, lowerC).StoreArray((*[group]uint8)(toC[first:]))
		clipped(upperD, lowerD).StoreArray((*[group]uint8)(toD[first:]))
	}
}

// near returns the first window of some bytes.
func near(p []uint8) archsimd.Uint8x64 { return archsimd.LoadUint8x64Array((*[window]uint8)(p)) }

// far returns the second window.
func far(p []uint8) archsimd.Uint8x64 { return near(p[window:]) }

// whole returns the integers of sums of digits.
func whole(upper, lower archsimd.Int32x16) archsimd.Int32x16 {
	return upper.ShiftAllLeft(digit).Add(lower).ShiftAllRight(Precision)
}

// clipped returns the bytes of sums of digits.
func clipped(upper, lower archsimd.Int32x16) archsimd.Uint8x16 {
	return whole(upper, lower).Max(archsimd.BroadcastInt32x16(0)).ToBits().SaturateToUint8()
}

// verticalAVX512 takes two rows at a time: the two taps of a sum are in one lane.
func verticalAVX512(dst, src []uint8, coef []int32) {
	const step = 64
	stride, n := uint(len(dst)), uint(len(coef))
	if stride < step || n > 2*most {
		verticalGeneric(dst, src, coef)
		return
	}
	var uppers, lowers [most]int32
	for k := uint(0); k < n; k += 2 {
		uppers[k/2], lowers[k/2] = splitPair(coef[k:])
	}
	zero, rounding := archsimd.BroadcastInt32x16(0), archsimd.BroadcastInt32x16(half)
	low := archsimd.BroadcastUint32x16(0x00ff00ff).ReshapeToUint16s()
	for i := uint(0); i < stride; i += step {
		at := min(i, stride-step)
		upper0, lower0 := zero, rounding
		upper1, lower1 := zero, rounding
		upper2, lower2 := zero, rounding
		upper3, lower3 := zero, rounding
		for k := uint(0); k < n; k += 2 {
			second := stride * min(1, n-1-k)
			from := stride*k + at
			end := from + step
			a := archsimd.LoadUint8x64Array((*[step]uint8)(src[from:end])).ReshapeToUint16s()
			b := archsimd.LoadUint8x64Array((*[step]uint8)(src[from+second : end+second])).ReshapeToUint16s()
			upper, lower := pairOf(uppers[k/2]), pairOf(lowers[k/2])
			// Each 128 bits of front have two bytes of a, two of b, two of a and so on.
			front, back := a.InterleaveLoGrouped(b), a.InterleaveHiGrouped(b)
			p0, p1 := front.And(low).BitsToInt16(), front.ShiftAllRight(8).BitsToInt16()
			p2, p3 := back.And(low).BitsToInt16(), back.ShiftAllRight(8).BitsToInt16()
			upper0, lower0 = upper0.Add(p0.DotProductPairs(upper)), lower0.Add(p0.DotProductPairs(lower))
			upper1, lower1 = upper1.Add(p1.DotProductPairs(upper)), lower1.Add(p1.DotProductPairs(lower))
			upper2, lower2 = upper2.Add(p2.DotProductPairs(upper)), lower2.Add(p2.DotProductPairs(lower))
			upper3, lower3 = upper3.Add(p3.DotProductPairs(upper)), lower3.Add(p3.DotProductPairs(lower))
		}
		even := whole(upper0, lower0).SaturateToUint16ConcatGrouped(whole(upper2, lower2)).Min(low)
		odd := whole(upper1, lower1).SaturateToUint16ConcatGrouped(whole(upper3, lower3)).Min(low)
		even.Or(odd.ShiftAllLeft(8)).ReshapeToUint8s().StoreArray((*[step]uint8)(dst[at:]))
	}
	isa.ClearUpper()
}

// most is the number of pairs of rows that are summed at most.
const most = 64

// splitPair returns the upper digits of two coefficients in the halves of an integer, and
// the lower ones. The second is zero if it is not there.
func splitPair(coef []int32) (upper, lower int32) {
	u0, l0 := split(coef[0])
	var u1, l1 int16
	if len(coef) > 1 {
		u1, l1 = split(coef[1])
	}
	return int32(uint16(u0)) | int32(u1)<<16, int32(uint16(l0)) | int32(l1)<<16
}

// pairOf returns the halves of an integer in each lane.
func pairOf(x int32) archsimd.Int16x32 {
	return archsimd.BroadcastInt32x16(x).ToBits().ReshapeToUint16s().BitsToInt16()
}

// normaliseAVX512 computes the values. It divides by multiplying with the reciprocal, which
// is a sum of two numbers.
func normaliseAVX512(r, g, b []float32, bgr []uint8, level *Levels) {
	const step = 16
	n := len(r)
	if 3*n < window || !level.exact {
		normaliseGeneric(r, g, b, bgr, level)
		return
	}
	mask := archsimd.Mask8x64FromBits(oneByte)
	blue, apart := archsimd.LoadUint8x64Array(&blues), archsimd.BroadcastUint8x64(1)
	meanR, inverseR, restR := archsimd.BroadcastFloat32x16(level.mean[0]), archsimd.BroadcastFloat32x16(level.inverse[0]), archsimd.BroadcastFloat32x16(level.rest[0])
	meanG, inverseG, restG := archsimd.BroadcastFloat32x16(level.mean[1]), archsimd.BroadcastFloat32x16(level.inverse[1]), archsimd.BroadcastFloat32x16(level.rest[1])
	meanB, inverseB, restB := archsimd.BroadcastFloat32x16(level.mean[2]), archsimd.BroadcastFloat32x16(level.inverse[2]), archsimd.BroadcastFloat32x16(level.rest[2])
	for i := 0; i < n; i += step {
		x := min(i, n-step)
		from := min(3*x, 3*n-window)
		p := archsimd.LoadUint8x64Array((*[window]uint8)(bgr[from:]))
		place := blue.Add(archsimd.BroadcastUint8x64(uint8(3*x - from)))
		normalised(p, place, mask, meanB, inverseB, restB).StoreArray((*[step]float32)(b[x:]))
		place = place.Add(apart)
		normalised(p, place, mask, meanG, inverseG, restG).StoreArray((*[step]float32)(g[x:]))
		place = place.Add(apart)
		normalised(p, place, mask, meanR, inverseR, restR).StoreArray((*[step]float32)(r[x:]))
	}
	isa.ClearUpper()
}

// blues has the places of B of 16 pixels.
var blues = [window]uint8{0: 0, 4: 3, 8: 6, 12: 9, 16: 12, 20: 15, 24: 18, 28: 21, 32: 24, 36: 27, 40: 30, 44: 33, 48: 36, 52: 39, 56: 42, 60: 45}

// normalised returns the values of the bytes at 16 places.
func normalised(p, place archsimd.Uint8x64, mask archsimd.Mask8x64, mean, inverse, rest archsimd.Float32x16) archsimd.Float32x16 {
	v := p.Permute(place).Masked(mask).ReshapeToUint32s().BitsToInt32().ConvertToFloat32()
	share := product(v, archsimd.BroadcastFloat32x16(inverse255), archsimd.BroadcastFloat32x16(rest255))
	return product(share.Sub(mean), inverse, rest)
}

// product returns x times a sum of two numbers, the second of which is small.
func product(x, inverse, rest archsimd.Float32x16) archsimd.Float32x16 {
	return x.MulAdd(inverse, x.Mul(rest))
}
