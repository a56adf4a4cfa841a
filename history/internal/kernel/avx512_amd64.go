//go:build goexperiment.simd

package kernel

import (
	"math"
	"simd/archsimd"

	"github.com/solofusion/solofusion/internal/isa"
)

// What portable vectors of this length do as fast is theirs.
var avx512 = &Kernels{
	project:         projectSIMD,
	locate:          locateAVX512,
	warp:            warpAVX512,
	activateF32:     activateF32SIMD,
	activateU8:      activateU8AVX512,
	warpActivateF32: warpActivateF32AVX512,
	warpActivateU8:  warpActivateU8AVX512,
	quantise:        quantiseAVX512,
	packBF16:        packBF16AVX512,
	warpBF16:        warpBF16AVX512,
	largest:         largestAVX512,
	packInt8:        packInt8AVX512,
	warpInt8:        warpInt8AVX512,
}

const lanes = 16

// batch is how many cells are located at a time.
const batch = 64

// located are the offsets and weights of a batch's cells, before they become taps.
type located struct {
	offset [4][batch]int32
	weight [4][batch]float32
}

func locateAVX512(taps []Tap, line Line, width, height, channels int) {
	var found located
	o, w := &found.offset, &found.weight
	for first := 0; first < len(taps); first += batch {
		n := min(batch, len(taps)-first)
		found.locate(first, n, line, width, height, channels)
		for j := range n {
			t := &taps[first+j] // field by field: what is copied whole waits for its parts to be stored
			t.Offset[0], t.Offset[1], t.Offset[2], t.Offset[3] = o[0][j], o[1][j], o[2][j], o[3][j]
			t.Weight[0], t.Weight[1], t.Weight[2], t.Weight[3] = w[0][j], w[1][j], w[2][j], w[3][j]
		}
	}
}

// locate finds n cells of a row from the first on.
func (l *located) locate(first, n int, line Line, width, height, channels int) {
	const lanes = 8
	x0, dx := archsimd.BroadcastFloat64x8(line.X), archsimd.BroadcastFloat64x8(line.DX)
	y0, dy := archsimd.BroadcastFloat64x8(line.Y), archsimd.BroadcastFloat64x8(line.DY)
	below, right, bottom := archsimd.BroadcastFloat64x8(-1), archsimd.BroadcastFloat64x8(float64(width)), archsimd.BroadcastFloat64x8(float64(height))
	columns, size, outside := archsimd.BroadcastInt32x8(int32(width)), archsimd.BroadcastInt32x8(int32(channels)), archsimd.BroadcastInt32x8(Outside)
	cell := archsimd.LoadFloat64x8Array(&steps).Add(archsimd.BroadcastFloat64x8(float64(first)))
	eight := archsimd.BroadcastFloat64x8(lanes)
	for j := 0; j < n; j += lanes {
		x, y := x0.Add(cell.Mul(dx)), y0.Add(cell.Mul(dy))
		cell = cell.Add(eight)
		in := archsimd.Mask32x8FromBits(x.Greater(below).And(x.Less(right)).And(y.Greater(below)).And(y.Less(bottom)).ToBits())
		left, next, wx0, wx1 := neighbours512(x, int32(width))
		top, under, wy0, wy1 := neighbours512(y, int32(height))
		top, under = top.Mul(columns), under.Mul(columns)
		top.Add(left).Mul(size).IfElse(in, outside).StoreArray((*[lanes]int32)(l.offset[0][j:]))
		top.Add(next).Mul(size).Masked(in).StoreArray((*[lanes]int32)(l.offset[1][j:]))
		under.Add(left).Mul(size).Masked(in).StoreArray((*[lanes]int32)(l.offset[2][j:]))
		under.Add(next).Mul(size).Masked(in).StoreArray((*[lanes]int32)(l.offset[3][j:]))
		wx0.Mul(wy0).Masked(in).StoreArray((*[lanes]float32)(l.weight[0][j:]))
		wx1.Mul(wy0).Masked(in).StoreArray((*[lanes]float32)(l.weight[1][j:]))
		wx0.Mul(wy1).Masked(in).StoreArray((*[lanes]float32)(l.weight[2][j:]))
		wx1.Mul(wy1).Masked(in).StoreArray((*[lanes]float32)(l.weight[3][j:]))
	}
	isa.ClearUpper()
}

var steps = [8]float64{0, 1, 2, 3, 4, 5, 6, 7}

// neighbours512 is neighbours of eight coordinates; of those beyond (-1, n) it returns
// anything.
func neighbours512(x archsimd.Float64x8, n int32) (i0, i1 archsimd.Int32x8, w0, w1 archsimd.Float32x8) {
	var none archsimd.Int32x8
	i0 = x.FloorScaled(0).ConvertToInt32()
	i1 = i0.Add(archsimd.BroadcastInt32x8(1))
	w1 = x.Sub(i0.ConvertToFloat64()).ConvertToFloat32()
	w0 = archsimd.BroadcastFloat32x8(1).Sub(w1)
	w0, i0 = w0.Masked(i0.GreaterEqual(none)), i0.Max(none)
	w1, i1 = w1.Masked(i1.Less(archsimd.BroadcastInt32x8(n))), i1.Min(archsimd.BroadcastInt32x8(n-1))
	return i0, i1, w0, w1
}

func warpAVX512(dst, src []float32, taps []Tap, channels int) {
	for j := range taps {
		out := dst[j*channels:][:channels]
		if taps[j].Offset[0] == Outside {
			clear(out)
			continue
		}
		a, b, c, d := taps[j].cells(src, out)
		a, b, c, d = a[:channels], b[:channels], c[:channels], d[:channels]
		wa, wb, wc, wd := broadcast512(&taps[j].Weight)
		i := 0
		for ; i <= channels-lanes; i += lanes {
			blend512(archsimd.LoadFloat32x16(a[i:]), archsimd.LoadFloat32x16(b[i:]), archsimd.LoadFloat32x16(c[i:]), archsimd.LoadFloat32x16(d[i:]), wa, wb, wc, wd).Store(out[i:])
		}
		if i < channels {
			blend512(part512(a[i:]), part512(b[i:]), part512(c[i:]), part512(d[i:]), wa, wb, wc, wd).StorePart(out[i:])
		}
	}
	isa.ClearUpper()
}

func broadcast512(w *[4]float32) (wa, wb, wc, wd archsimd.Float32x16) {
	return archsimd.BroadcastFloat32x16(w[0]), archsimd.BroadcastFloat32x16(w[1]), archsimd.BroadcastFloat32x16(w[2]), archsimd.BroadcastFloat32x16(w[3])
}

func blend512(a, b, c, d, wa, wb, wc, wd archsimd.Float32x16) archsimd.Float32x16 {
	return a.Mul(wa).Add(b.Mul(wb)).Add(c.Mul(wc).Add(d.Mul(wd)))
}

func activateU8AVX512(dst []uint8, src, gain, add []float32, stride int, zero uint8) {
	channels, magic, base := len(add), archsimd.BroadcastFloat32x16(one), baseOf(zero)
	for n := range len(src) / channels {
		in, out := src[n*channels:][:channels], dst[n*stride:][:channels]
		c := 0
		for ; c+lanes <= channels; c += lanes {
			v := archsimd.LoadFloat32x16(in[c:]).Add(archsimd.LoadFloat32x16(add[c:]))
			wholes512(v.Mul(archsimd.LoadFloat32x16(gain[c:])), magic, base).Store(out[c:])
		}
		if c < channels {
			v := part512(in[c:]).Add(part512(add[c:]))
			wholes512(v.Mul(part512(gain[c:])), magic, base).StorePart(out[c:])
		}
	}
	isa.ClearUpper()
}

// baseOf returns what the bits of whole numbers plus one are less those numbers and zero.
func baseOf(zero uint8) archsimd.Uint32x16 {
	return archsimd.BroadcastUint32x16(math.Float32bits(one) - uint32(zero))
}

// wholes512 rectifies, rounds and saturates. Above one the bits of floats are in their
// order, so that what is too large is so as an integer, too.
func wholes512(v, magic archsimd.Float32x16, base archsimd.Uint32x16) archsimd.Uint8x16 {
	v = v.Masked(v.Greater(archsimd.Float32x16{})) // 0 for NaN, as Max may not give it: the compiler exchanges its operands
	return v.Add(magic).ToBits().Sub(base).SaturateToUint8()
}

func part512(x []float32) archsimd.Float32x16 {
	v, _ := archsimd.LoadFloat32x16Part(x)
	return v
}

func warpActivateF32AVX512(dst, src []float32, taps []Tap, add []float32, stride int) {
	n := len(add)
	for j := range taps {
		out := dst[j*stride:][:n]
		a, b, c, d := taps[j].cells(src, add)
		a, b, c, d = a[:n], b[:n], c[:n], d[:n]
		wa, wb, wc, wd := broadcast512(&taps[j].Weight)
		i := 0
		for ; i <= n-lanes; i += lanes {
			v := blend512(archsimd.LoadFloat32x16(a[i:]), archsimd.LoadFloat32x16(b[i:]), archsimd.LoadFloat32x16(c[i:]), archsimd.LoadFloat32x16(d[i:]), wa, wb, wc, wd)
			relu512(v.Add(archsimd.LoadFloat32x16(add[i:]))).Store(out[i:])
		}
		if i < n {
			v := blend512(part512(a[i:]), part512(b[i:]), part512(c[i:]), part512(d[i:]), wa, wb, wc, wd)
			relu512(v.Add(part512(add[i:]))).StorePart(out[i:])
		}
	}
	isa.ClearUpper()
}

// relu512 keeps NaN.
func relu512(x archsimd.Float32x16) archsimd.Float32x16 {
	var zero archsimd.Float32x16
	return zero.IfElse(x.LessEqual(zero), x)
}

func warpActivateU8AVX512(dst []uint8, src []float32, taps []Tap, gain, add []float32, stride int, zero uint8) {
	magic, base := archsimd.BroadcastFloat32x16(one), baseOf(zero)
	n := len(add)
	gain = gain[:n]
	for j := range taps {
		out := dst[j*stride:][:n]
		a, b, c, d := taps[j].cells(src, add)
		a, b, c, d = a[:n], b[:n], c[:n], d[:n]
		wa, wb, wc, wd := broadcast512(&taps[j].Weight)
		i := 0
		for ; i <= n-lanes; i += lanes {
			v := blend512(archsimd.LoadFloat32x16(a[i:]), archsimd.LoadFloat32x16(b[i:]), archsimd.LoadFloat32x16(c[i:]), archsimd.LoadFloat32x16(d[i:]), wa, wb, wc, wd)
			v = v.Add(archsimd.LoadFloat32x16(add[i:])).Mul(archsimd.LoadFloat32x16(gain[i:]))
			wholes512(v, magic, base).Store(out[i:])
		}
		if i < n {
			v := blend512(part512(a[i:]), part512(b[i:]), part512(c[i:]), part512(d[i:]), wa, wb, wc, wd)
			v = v.Add(part512(add[i:])).Mul(part512(gain[i:]))
			wholes512(v, magic, base).StorePart(out[i:])
		}
	}
	isa.ClearUpper()
}

func quantiseAVX512(dst []uint8, src, gain []float32, zero uint8) {
	channels, magic := len(gain), archsimd.BroadcastFloat32x16(one)
	least, largest := archsimd.BroadcastFloat32x16(-float32(zero)), archsimd.BroadcastFloat32x16(255-float32(zero))
	zeros := archsimd.BroadcastUint8x16(zero)
	for n := 0; n < len(src); n += channels {
		in, out := src[n:][:channels], dst[n:][:channels]
		c := 0
		for ; c+lanes <= channels; c += lanes {
			v := archsimd.LoadFloat32x16(in[c:]).Mul(archsimd.LoadFloat32x16(gain[c:]))
			signed512(v, least, largest, magic).Add(zeros).Store(out[c:])
		}
		if c < channels {
			v := part512(in[c:]).Mul(part512(gain[c:]))
			signed512(v, least, largest, magic).Add(zeros).StorePart(out[c:])
		}
	}
	isa.ClearUpper()
}

// signed512 rounds and saturates.
func signed512(v, least, largest, magic archsimd.Float32x16) archsimd.Uint8x16 {
	return v.Masked(v.Equal(v)).Min(largest).Max(least).Add(magic).ToBits().TruncToUint8()
}

// packBF16AVX512 selects before it shifts: go1.27.3 refuses to assemble a shift under a
// mask.
func packBF16AVX512(dst []uint16, src []float32) {
	half, bit := archsimd.BroadcastUint32x16(0x7fff), archsimd.BroadcastUint32x16(1)
	quiet := archsimd.BroadcastUint32x16(0x40)
	for i := 0; i < len(src); i += lanes {
		v := part512(src[i:])
		bits := v.ToBits()
		up := half.Add(bits.ShiftAllRight(16).And(bit)).Masked(v.Equal(v))
		upper := bits.Add(up).ShiftAllRight(16).Or(quiet.Masked(v.NotEqual(v)))
		upper.TruncToUint16().StorePart(dst[i:len(src)])
	}
	isa.ClearUpper()
}

func warpBF16AVX512(dst []float32, src []uint16, taps []Tap, channels int) {
	for j := range taps {
		out := dst[j*channels:][:channels]
		if taps[j].Offset[0] == Outside {
			clear(out)
			continue
		}
		a, b, c, d := around(&taps[j], src, channels)
		a, b, c, d = a[:channels], b[:channels], c[:channels], d[:channels]
		wa, wb, wc, wd := broadcast512(&taps[j].Weight)
		i := 0
		for ; i <= channels-lanes; i += lanes {
			blend512(widenBF16(archsimd.LoadUint16x16(a[i:])), widenBF16(archsimd.LoadUint16x16(b[i:])), widenBF16(archsimd.LoadUint16x16(c[i:])), widenBF16(archsimd.LoadUint16x16(d[i:])), wa, wb, wc, wd).Store(out[i:])
		}
		if i < channels {
			blend512(partBF16(a[i:]), partBF16(b[i:]), partBF16(c[i:]), partBF16(d[i:]), wa, wb, wc, wd).StorePart(out[i:])
		}
	}
	isa.ClearUpper()
}

func widenBF16(x archsimd.Uint16x16) archsimd.Float32x16 {
	return x.ExtendToUint32().ShiftAllLeft(16).BitsToFloat32()
}

func partBF16(x []uint16) archsimd.Float32x16 {
	v, _ := archsimd.LoadUint16x16Part(x)
	return widenBF16(v)
}

func largestAVX512(most, src []float32) {
	channels, finite := len(most), archsimd.BroadcastFloat32x16(math.MaxFloat32)
	for c := 0; c < channels; c += lanes {
		end := min(c+lanes, channels)
		m := part512(most[c:end])
		for n := 0; n < len(src); n += channels {
			v := part512(src[n+c : n+end]).Abs()
			m = m.Max(v.Masked(v.LessEqual(finite)))
		}
		m.StorePart(most[c:end])
	}
	isa.ClearUpper()
}

func packInt8AVX512(dst []int8, src, inverse []float32) {
	channels, magic := len(inverse), archsimd.BroadcastFloat32x16(one)
	least, largest := archsimd.BroadcastFloat32x16(-127), archsimd.BroadcastFloat32x16(127)
	for c := 0; c < channels; c += lanes {
		end := min(c+lanes, channels)
		by := part512(inverse[c:end])
		for n := 0; n < len(src); n += channels {
			v := part512(src[n+c : n+end]).Mul(by)
			signed512(v, least, largest, magic).BitsToInt8().StorePart(dst[n+c : n+end])
		}
	}
	isa.ClearUpper()
}

func warpInt8AVX512(dst []float32, src []int8, scale []float32, taps []Tap) {
	channels := len(scale)
	for j := range taps {
		out := dst[j*channels:][:channels]
		if taps[j].Offset[0] == Outside {
			clear(out)
			continue
		}
		a, b, c, d := around(&taps[j], src, channels)
		a, b, c, d = a[:channels], b[:channels], c[:channels], d[:channels]
		wa, wb, wc, wd := broadcast512(&taps[j].Weight)
		i := 0
		for ; i <= channels-lanes; i += lanes {
			v := blend512(widenInt8(archsimd.LoadInt8x16(a[i:])), widenInt8(archsimd.LoadInt8x16(b[i:])), widenInt8(archsimd.LoadInt8x16(c[i:])), widenInt8(archsimd.LoadInt8x16(d[i:])), wa, wb, wc, wd)
			v.Mul(archsimd.LoadFloat32x16(scale[i:])).Store(out[i:])
		}
		if i < channels {
			v := blend512(partInt8(a[i:]), partInt8(b[i:]), partInt8(c[i:]), partInt8(d[i:]), wa, wb, wc, wd)
			v.Mul(part512(scale[i:])).StorePart(out[i:])
		}
	}
	isa.ClearUpper()
}

func widenInt8(x archsimd.Int8x16) archsimd.Float32x16 {
	return x.ExtendToInt32().ConvertToFloat32()
}

func partInt8(x []int8) archsimd.Float32x16 {
	v, _ := archsimd.LoadInt8x16Part(x)
	return widenInt8(v)
}
