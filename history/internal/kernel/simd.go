//go:build goexperiment.simd

package kernel

import (
	"simd"

	"github.com/solofusion/solofusion/internal/isa"
)

// Portable vectors cannot be widened and narrowed, as packed planes need it.
var portable = &Kernels{
	project:         projectSIMD,
	locate:          locateGeneric,
	warp:            warpSIMD,
	activateF32:     activateF32SIMD,
	activateU8:      activateU8SIMD,
	warpActivateF32: warpActivateF32SIMD,
	warpActivateU8:  warpActivateU8SIMD,
	quantise:        quantiseSIMD,
	packBF16:        packBF16Generic,
	warpBF16:        warpBF16Generic,
	largest:         largestGeneric,
	packInt8:        packInt8Generic,
	warpInt8:        warpInt8Generic,
}

// projectSIMD takes four cells at a time, so that a row of w serves them all.
func projectSIMD(dst, src, w []float32, channels int) {
	n := 0
	for ; n+4*channels <= len(src); n += 4 * channels {
		projectFour(dst[n:][:4*channels], src[n:][:4*channels], w, channels, 0)
	}
	for ; n < len(src); n += channels {
		projectOne(dst[n:][:channels], src[n:][:channels], w)
	}
	isa.ClearUpper()
}

// projectFour computes the outputs of four cells from the one of number o on.
func projectFour(dst, src, w []float32, channels, o int) {
	lanes := simd.Float32s{}.Len()
	for ; o+2*lanes <= channels; o += 2 * lanes {
		projectTwo(dst[o:], src, w[o:], channels)
	}
	for ; o < channels; o += lanes {
		projectPart(dst[o:], src, w[o:], channels, min(lanes, channels-o))
	}
}

// projectTwo computes two vectors of the outputs of four cells.
func projectTwo(dst, src, w []float32, channels int) {
	lanes := simd.Float32s{}.Len()
	x0, x1, x2, x3 := src[:channels], src[channels:][:channels], src[2*channels:][:channels], src[3*channels:][:channels]
	var a0, a1, a2, a3, b0, b1, b2, b3 simd.Float32s
	at := 0
	for i := range x0 {
		row := w[at:][:2*lanes]
		wa, wb := simd.LoadFloat32s(row), simd.LoadFloat32s(row[lanes:])
		v := simd.BroadcastFloat32s(x0[i])
		a0, b0 = a0.Add(wa.Mul(v)), b0.Add(wb.Mul(v))
		v = simd.BroadcastFloat32s(x1[i])
		a1, b1 = a1.Add(wa.Mul(v)), b1.Add(wb.Mul(v))
		v = simd.BroadcastFloat32s(x2[i])
		a2, b2 = a2.Add(wa.Mul(v)), b2.Add(wb.Mul(v))
		v = simd.BroadcastFloat32s(x3[i])
		a3, b3 = a3.Add(wa.Mul(v)), b3.Add(wb.Mul(v))
		at += channels
	}
	a0.Store(dst)
	b0.Store(dst[lanes:])
	a1.Store(dst[channels:])
	b1.Store(dst[channels+lanes:])
	a2.Store(dst[2*channels:])
	b2.Store(dst[2*channels+lanes:])
	a3.Store(dst[3*channels:])
	b3.Store(dst[3*channels+lanes:])
}

// projectPart computes n outputs of four cells, at most a vector of them.
func projectPart(dst, src, w []float32, channels, n int) {
	x0, x1, x2, x3 := src[:channels], src[channels:][:channels], src[2*channels:][:channels], src[3*channels:][:channels]
	var a0, a1, a2, a3 simd.Float32s
	at := 0
	for i := range x0 {
		wa := part(w[at:][:n])
		a0 = a0.Add(wa.Mul(simd.BroadcastFloat32s(x0[i])))
		a1 = a1.Add(wa.Mul(simd.BroadcastFloat32s(x1[i])))
		a2 = a2.Add(wa.Mul(simd.BroadcastFloat32s(x2[i])))
		a3 = a3.Add(wa.Mul(simd.BroadcastFloat32s(x3[i])))
		at += channels
	}
	a0.StorePart(dst[:n])
	a1.StorePart(dst[channels:][:n])
	a2.StorePart(dst[2*channels:][:n])
	a3.StorePart(dst[3*channels:][:n])
}

func projectOne(dst, x, w []float32) {
	lanes, channels := simd.Float32s{}.Len(), len(x)
	for o := 0; o < channels; o += lanes {
		end := min(o+lanes, channels)
		var a simd.Float32s
		for i := range x {
			a = a.Add(part(w[i*channels+o : i*channels+end]).Mul(simd.BroadcastFloat32s(x[i])))
		}
		a.StorePart(dst[o:end])
	}
}

func warpSIMD(dst, src []float32, taps []Tap, channels int) {
	lanes := simd.Float32s{}.Len()
	for j := range taps {
		out := dst[j*channels:][:channels]
		if taps[j].Offset[0] == Outside {
			clear(out)
			continue
		}
		a, b, c, d := taps[j].cells(src, out)
		wa, wb, wc, wd := broadcast(&taps[j].Weight)
		i := 0
		for ; i+lanes <= len(out); i += lanes {
			blendSIMD(a[i:], b[i:], c[i:], d[i:], wa, wb, wc, wd).Store(out[i:])
		}
		if i < len(out) {
			blendPart(a[i:], b[i:], c[i:], d[i:], wa, wb, wc, wd).StorePart(out[i:])
		}
	}
	isa.ClearUpper()
}

func broadcast(w *[4]float32) (wa, wb, wc, wd simd.Float32s) {
	return simd.BroadcastFloat32s(w[0]), simd.BroadcastFloat32s(w[1]), simd.BroadcastFloat32s(w[2]), simd.BroadcastFloat32s(w[3])
}

func blendSIMD(a, b, c, d []float32, wa, wb, wc, wd simd.Float32s) simd.Float32s {
	ab := simd.LoadFloat32s(a).Mul(wa).Add(simd.LoadFloat32s(b).Mul(wb))
	return ab.Add(simd.LoadFloat32s(c).Mul(wc).Add(simd.LoadFloat32s(d).Mul(wd)))
}

// blendPart is blendSIMD of cells shorter than a vector, zeros behind their end.
func blendPart(a, b, c, d []float32, wa, wb, wc, wd simd.Float32s) simd.Float32s {
	return part(a).Mul(wa).Add(part(b).Mul(wb)).Add(part(c).Mul(wc).Add(part(d).Mul(wd)))
}

func part(x []float32) simd.Float32s {
	v, _ := simd.LoadFloat32sPart(x)
	return v
}

func activateF32SIMD(dst, src, add []float32, stride int) {
	lanes, channels := simd.Float32s{}.Len(), len(add)
	for n := range len(src) / channels {
		in, out := src[n*channels:][:channels], dst[n*stride:][:channels]
		c := 0
		for ; c+lanes <= channels; c += lanes {
			relu(simd.LoadFloat32s(in[c:]).Add(simd.LoadFloat32s(add[c:]))).Store(out[c:])
		}
		if c < channels {
			relu(part(in[c:]).Add(part(add[c:]))).StorePart(out[c:])
		}
	}
	isa.ClearUpper()
}

// relu keeps NaN.
func relu(x simd.Float32s) simd.Float32s {
	var zero simd.Float32s
	return zero.IfElse(x.LessEqual(zero), x)
}

func activateU8SIMD(dst []uint8, src, gain, add []float32, stride int, zero uint8) {
	lanes, channels, largest := simd.Float32s{}.Len(), len(add), simd.BroadcastFloat32s(255-float32(zero))
	for n := range len(src) / channels {
		in, out := src[n*channels:][:channels], dst[n*stride:][:channels]
		c := 0
		for ; c+lanes <= channels; c += lanes {
			v := simd.LoadFloat32s(in[c:]).Add(simd.LoadFloat32s(add[c:]))
			narrow(out[c:][:lanes], wholes(v, simd.LoadFloat32s(gain[c:]), largest), zero)
		}
		if c < channels {
			narrow(out[c:], wholes(part(in[c:]).Add(part(add[c:])), part(gain[c:]), largest), zero)
		}
	}
	isa.ClearUpper()
}

// wholes rectifies and returns numbers whose low eight bits are the quantised ones
// before zero is added.
func wholes(v, gain, largest simd.Float32s) simd.Uint32s {
	v = v.Mul(gain)
	v = v.Masked(v.Greater(simd.Float32s{})) // NaN is not greater
	return v.Min(largest).Add(simd.BroadcastFloat32s(one)).ToBits()
}

// narrow adds zero to the low eight bits. Portable vectors cannot be narrowed: the bytes
// are taken one by one.
func narrow(dst []uint8, x simd.Uint32s, zero uint8) {
	var wide [16]uint32
	x.Store(wide[:])
	for i := range dst {
		dst[i] = uint8(wide[i&15]) + zero
	}
}

func warpActivateF32SIMD(dst, src []float32, taps []Tap, add []float32, stride int) {
	lanes := simd.Float32s{}.Len()
	for j := range taps {
		out := dst[j*stride:][:len(add)]
		a, b, c, d := taps[j].cells(src, add)
		wa, wb, wc, wd := broadcast(&taps[j].Weight)
		i := 0
		for ; i+lanes <= len(out); i += lanes {
			v := blendSIMD(a[i:], b[i:], c[i:], d[i:], wa, wb, wc, wd)
			relu(v.Add(simd.LoadFloat32s(add[i:]))).Store(out[i:])
		}
		if i < len(out) {
			v := blendPart(a[i:], b[i:], c[i:], d[i:], wa, wb, wc, wd)
			relu(v.Add(part(add[i:]))).StorePart(out[i:])
		}
	}
	isa.ClearUpper()
}

func warpActivateU8SIMD(dst []uint8, src []float32, taps []Tap, gain, add []float32, stride int, zero uint8) {
	lanes, largest := simd.Float32s{}.Len(), simd.BroadcastFloat32s(255-float32(zero))
	for j := range taps {
		out := dst[j*stride:][:len(add)]
		a, b, c, d := taps[j].cells(src, add)
		wa, wb, wc, wd := broadcast(&taps[j].Weight)
		i := 0
		for ; i+lanes <= len(out); i += lanes {
			v := blendSIMD(a[i:], b[i:], c[i:], d[i:], wa, wb, wc, wd).Add(simd.LoadFloat32s(add[i:]))
			narrow(out[i:][:lanes], wholes(v, simd.LoadFloat32s(gain[i:]), largest), zero)
		}
		if i < len(out) {
			v := blendPart(a[i:], b[i:], c[i:], d[i:], wa, wb, wc, wd).Add(part(add[i:]))
			narrow(out[i:], wholes(v, part(gain[i:]), largest), zero)
		}
	}
	isa.ClearUpper()
}

func quantiseSIMD(dst []uint8, src, gain []float32, zero uint8) {
	lanes, channels := simd.Float32s{}.Len(), len(gain)
	least, largest := simd.BroadcastFloat32s(-float32(zero)), simd.BroadcastFloat32s(255-float32(zero))
	for n := 0; n < len(src); n += channels {
		in, out := src[n:][:channels], dst[n:][:channels]
		c := 0
		for ; c+lanes <= channels; c += lanes {
			v := simd.LoadFloat32s(in[c:]).Mul(simd.LoadFloat32s(gain[c:]))
			narrow(out[c:][:lanes], signed(v, least, largest), zero)
		}
		if c < channels {
			narrow(out[c:], signed(part(in[c:]).Mul(part(gain[c:])), least, largest), zero)
		}
	}
	isa.ClearUpper()
}

// signed is wholes without rectifying.
func signed(v, least, largest simd.Float32s) simd.Uint32s {
	v = v.Masked(v.Equal(v)).Min(largest).Max(least)
	return v.Add(simd.BroadcastFloat32s(one)).ToBits()
}
