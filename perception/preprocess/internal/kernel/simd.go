//go:build goexperiment.simd

package kernel

import (
	"encoding/binary"
	"simd"
	"slices"

	"github.com/solofusion/solofusion/internal/isa"
)

// Portable vectors have no operation that moves a byte to another lane, which planes need.
var portable = &Kernels{horizontal: horizontalSIMD, vertical: verticalSIMD, normalise: normaliseGeneric}

// What horizontalSIMD takes at a time.
const (
	strip   = 16  // pixels of the rows
	spread  = 512 // bytes of the source's rows that they need, at most
	highest = 64  // rows, at most: the bytes of a vector
)

// horizontalSIMD turns strips of as many rows as a vector has bytes, so that a vector has
// one byte of each row, and turns the sums back.
func horizontalSIMD(dst, src []uint8, c *Columns) {
	step := simd.BroadcastUint8s(0).Len()
	if !stripsFit(c, step) {
		horizontalGeneric(dst, src, c)
		return
	}
	var turned [spread * highest]uint8
	var sums [3 * strip * highest]uint8
	to, from := 3*len(c.start), 3*c.width
	for rows := len(dst) / to; rows > 0; rows -= step {
		for i := 0; i < len(c.start); i += strip {
			x := min(i, len(c.start)-strip)
			low, bytes := reach(c, x, step)
			low = min(low, from-bytes)
			for y := 0; y < min(step, rows); y += 8 {
				for at := 0; at < bytes; at += step {
					turn(turned[step*at+y:], step, step, src[from*y+low+at:], from, rows-y)
				}
			}
			for k := range 3 * strip {
				begin := 3*int(c.start[x+k/3]) + k%3 - low
				coef := c.coef[c.n*(x+k/3):][:c.n]
				sum(sums[step*k:][:step], turned[step*begin:], 3*step, coef)
			}
			for k := 0; k < 3*strip; k += 8 {
				turn(dst[3*x+k:], to, rows, sums[step*k:], step, 8)
			}
		}
		dst, src = dst[to*min(step, rows):], src[from*min(step, rows):]
	}
	isa.ClearUpper()
}

// stripsFit reports whether what the strips need fits the rows and the buffer.
func stripsFit(c *Columns, step int) bool {
	if len(c.start) < strip {
		return false
	}
	for i := 0; i < len(c.start); i += strip {
		if _, bytes := reach(c, min(i, len(c.start)-strip), step); bytes > min(spread, 3*c.width) {
			return false
		}
	}
	return true
}

// reach returns the first byte that the strip from pixel x on needs of a row, and how many
// there are, as whole vectors.
func reach(c *Columns, x, step int) (low, bytes int) {
	start := c.start[x:][:strip]
	first, last := 3*int(slices.Min(start)), 3*(int(slices.Max(start))+c.n)
	return first, (last - first + step - 1) / step * step
}

// turn makes columns of eight rows of a vector's length: byte i of row k becomes byte k of
// row i. Of rows that src lacks, the last one stands in; rows that dst lacks are left out.
func turn(dst []uint8, dstStride, dstRows int, src []uint8, srcStride, srcRows int) {
	const ones, twos, fours = 0x00ff_00ff_00ff_00ff, 0x0000_ffff_0000_ffff, 0x0000_0000_ffff_ffff
	last := srcRows - 1
	a, b := eights(src, 0), eights(src, min(1, last)*srcStride)
	c, d := eights(src, min(2, last)*srcStride), eights(src, min(3, last)*srcStride)
	e, f := eights(src, min(4, last)*srcStride), eights(src, min(5, last)*srcStride)
	g, h := eights(src, min(6, last)*srcStride), eights(src, min(7, last)*srcStride)

	// In each lane of eight bytes, pairs are exchanged, then pairs of pairs, then fours.
	mask := simd.BroadcastUint64s(ones)
	a, b = exchange(a, b, 8, mask)
	c, d = exchange(c, d, 8, mask)
	e, f = exchange(e, f, 8, mask)
	g, h = exchange(g, h, 8, mask)
	mask = simd.BroadcastUint64s(twos)
	a, c = exchange(a, c, 16, mask)
	b, d = exchange(b, d, 16, mask)
	e, g = exchange(e, g, 16, mask)
	f, h = exchange(f, h, 16, mask)
	mask = simd.BroadcastUint64s(fours)
	a, e = exchange(a, e, 32, mask)
	b, f = exchange(b, f, 32, mask)
	c, g = exchange(c, g, 32, mask)
	d, h = exchange(d, h, 32, mask)

	const lanes = highest / 8
	var columns [8 * lanes]uint64
	a.Store(columns[:])
	b.Store(columns[lanes:])
	c.Store(columns[2*lanes:])
	d.Store(columns[3*lanes:])
	e.Store(columns[4*lanes:])
	f.Store(columns[5*lanes:])
	g.Store(columns[6*lanes:])
	h.Store(columns[7*lanes:])
	for i := range min(8*a.Len(), dstRows) {
		binary.LittleEndian.PutUint64(dst[dstStride*i:], columns[i%8*lanes+i/8])
	}
}

// eights returns a vector of bytes by eights.
func eights(src []uint8, at int) simd.Uint64s { return simd.LoadUint8s(src[at:]).ReshapeToUint64s() }

// exchange exchanges the upper bytes of a, above shift bits, with the lower ones of b, in
// each part that the mask has.
func exchange(a, b simd.Uint64s, shift uint64, mask simd.Uint64s) (x, y simd.Uint64s) {
	other := a.ShiftAllRight(shift).Xor(b).And(mask)
	return a.Xor(other.ShiftAllLeft(shift)), b.Xor(other)
}

func verticalSIMD(dst, src []uint8, coef []int32) {
	stride, step := len(dst), simd.BroadcastUint8s(0).Len()
	if stride < step {
		verticalGeneric(dst, src, coef)
		return
	}
	for i := 0; i < stride; i += step {
		at := min(i, stride-step)
		sum(dst[at:][:step], src[at:], stride, coef)
	}
	isa.ClearUpper()
}

// sum computes a vector of bytes from as many as there are coefficients, which are stride
// bytes apart.
func sum(dst, src []uint8, stride int, coef []int32) {
	low, most := simd.BroadcastUint32s(255), simd.BroadcastInt32s(255)
	zero := simd.BroadcastInt32s(0)
	sum0 := simd.BroadcastInt32s(half)
	sum1, sum2, sum3 := sum0, sum0, sum0
	for k, w := range coef {
		// A lane has four bytes, of one sum each.
		p, w := simd.LoadUint8s(src[stride*k:]).ReshapeToUint32s(), simd.BroadcastInt32s(w)
		sum0 = sum0.Add(w.Mul(p.And(low).BitsToInt32()))
		sum1 = sum1.Add(w.Mul(p.ShiftAllRight(8).And(low).BitsToInt32()))
		sum2 = sum2.Add(w.Mul(p.ShiftAllRight(16).And(low).BitsToInt32()))
		sum3 = sum3.Add(w.Mul(p.ShiftAllRight(24).BitsToInt32()))
	}
	d0 := sum0.ShiftAllRight(Precision).Max(zero).Min(most).ToBits()
	d1 := sum1.ShiftAllRight(Precision).Max(zero).Min(most).ToBits().ShiftAllLeft(8)
	d2 := sum2.ShiftAllRight(Precision).Max(zero).Min(most).ToBits().ShiftAllLeft(16)
	d3 := sum3.ShiftAllRight(Precision).Max(zero).Min(most).ToBits().ShiftAllLeft(24)
	d0.Or(d1).Or(d2.Or(d3)).ReshapeToUint8s().Store(dst)
}
