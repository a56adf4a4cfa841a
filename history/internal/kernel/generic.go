package kernel

import (
	"math"

	"github.com/solofusion/solofusion/internal/f32"
)

var generic = Kernels{
	project:         projectGeneric,
	locate:          locateGeneric,
	warp:            warpGeneric,
	activateF32:     activateF32Generic,
	activateU8:      activateU8Generic,
	warpActivateF32: warpActivateF32Generic,
	warpActivateU8:  warpActivateU8Generic,
	quantise:        quantiseGeneric,
	packBF16:        packBF16Generic,
	warpBF16:        warpBF16Generic,
	largest:         largestGeneric,
	packInt8:        packInt8Generic,
	warpInt8:        warpInt8Generic,
}

func projectGeneric(dst, src, w []float32, channels int) {
	clear(dst)
	for n := 0; n < len(src); n += channels {
		out := dst[n:][:channels]
		for i, x := range src[n:][:channels] {
			f32.Axpy(out, w[i*channels:][:channels], x)
		}
	}
}

func locateGeneric(taps []Tap, line Line, width, height, channels int) {
	for j := range taps {
		x, y := line.X+float64(float64(j)*line.DX), line.Y+float64(float64(j)*line.DY)
		if !(x > -1 && x < float64(width) && y > -1 && y < float64(height)) {
			taps[j] = Tap{Offset: [4]int32{Outside}}
			continue
		}
		x0, x1, wx0, wx1 := neighbours(x, width)
		y0, y1, wy0, wy1 := neighbours(y, height)
		t, upper, lower := &taps[j], y0*width, y1*width
		t.Offset[0], t.Weight[0] = int32((upper+x0)*channels), wx0*wy0
		t.Offset[1], t.Weight[1] = int32((upper+x1)*channels), wx1*wy0
		t.Offset[2], t.Weight[2] = int32((lower+x0)*channels), wx0*wy1
		t.Offset[3], t.Weight[3] = int32((lower+x1)*channels), wx1*wy1
	}
}

// neighbours returns the two of n cells that enclose x in (-1, n) and their
// weights. A neighbour beyond the border has weight zero and the other's index.
func neighbours(x float64, n int) (i0, i1 int, w0, w1 float32) {
	i0 = int(x)
	if x < 0 {
		i0 = -1
	}
	i1 = i0 + 1
	w1 = float32(x - float64(i0))
	w0 = 1 - w1
	if i0 < 0 {
		i0, w0 = 0, 0
	}
	if i1 == n {
		i1, w1 = n-1, 0
	}
	return i0, i1, w0, w1
}

func warpGeneric(dst, src []float32, taps []Tap, channels int) {
	for j := range taps {
		out := dst[j*channels:][:channels]
		if taps[j].Offset[0] == Outside {
			clear(out)
			continue
		}
		a, b, c, d := taps[j].cells(src, out)
		for i := range out {
			out[i] = blend(&taps[j].Weight, a[i], b[i], c[i], d[i])
		}
	}
}

// cells returns the four cells of src, with the channels of instead, which takes their
// place if the tap is outside.
func (t *Tap) cells(src, instead []float32) (a, b, c, d []float32) {
	if t.Offset[0] == Outside {
		return instead, instead, instead, instead
	}
	n := len(instead)
	return src[t.Offset[0]:][:n], src[t.Offset[1]:][:n], src[t.Offset[2]:][:n], src[t.Offset[3]:][:n]
}

func blend(w *[4]float32, a, b, c, d float32) float32 {
	return float32(float32(w[0]*a)+float32(w[1]*b)) + float32(float32(w[2]*c)+float32(w[3]*d))
}

func activateF32Generic(dst, src, add []float32, stride int) {
	channels := len(add)
	for n := range len(src) / channels {
		in, out := src[n*channels:][:channels], dst[n*stride:][:channels]
		for c, a := range add {
			out[c] = max(in[c]+a, 0)
		}
	}
}

func activateU8Generic(dst []uint8, src, gain, add []float32, stride int, zero uint8) {
	channels := len(add)
	largest := 255 - float32(zero)
	for n := range len(src) / channels {
		in, out := src[n*channels:][:channels], dst[n*stride:][:channels]
		for c, a := range add {
			out[c] = whole(min(max(in[c]+a, 0)*gain[c], largest)) + zero
		}
	}
}

func warpActivateF32Generic(dst, src []float32, taps []Tap, add []float32, stride int) {
	for j := range taps {
		out := dst[j*stride:][:len(add)]
		a, b, c, d := taps[j].cells(src, add) // outside the weights are zero
		for i, v := range add {
			out[i] = max(blend(&taps[j].Weight, a[i], b[i], c[i], d[i])+v, 0)
		}
	}
}

func warpActivateU8Generic(dst []uint8, src []float32, taps []Tap, gain, add []float32, stride int, zero uint8) {
	largest := 255 - float32(zero)
	for j := range taps {
		out := dst[j*stride:][:len(add)]
		a, b, c, d := taps[j].cells(src, add) // outside the weights are zero
		for i, v := range add {
			out[i] = whole(min(max(blend(&taps[j].Weight, a[i], b[i], c[i], d[i])+v, 0)*gain[i], largest)) + zero
		}
	}
}

func quantiseGeneric(dst []uint8, src, gain []float32, zero uint8) {
	least, largest := -float32(zero), 255-float32(zero)
	for n := 0; n < len(src); n += len(gain) {
		out := dst[n:][:len(gain)]
		for c, v := range src[n:][:len(gain)] {
			out[c] = whole(max(min(v*gain[c], largest), least)) + zero
		}
	}
}

func packBF16Generic(dst []uint16, src []float32) {
	for i, v := range src {
		bits := math.Float32bits(v)
		if v != v {
			dst[i] = uint16(bits>>16) | 0x40 // quiet, and no infinity
			continue
		}
		dst[i] = uint16((bits + 0x7fff + bits>>16&1) >> 16)
	}
}

func warpBF16Generic(dst []float32, src []uint16, taps []Tap, channels int) {
	for j := range taps {
		out := dst[j*channels:][:channels]
		if taps[j].Offset[0] == Outside {
			clear(out)
			continue
		}
		a, b, c, d := around(&taps[j], src, channels)
		for i := range out {
			out[i] = blend(&taps[j].Weight, fromBF16(a[i]), fromBF16(b[i]), fromBF16(c[i]), fromBF16(d[i]))
		}
	}
}

func fromBF16(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }

// around returns the four cells of src; the tap is not outside.
func around[T int8 | uint16](t *Tap, src []T, channels int) (a, b, c, d []T) {
	return src[t.Offset[0]:][:channels], src[t.Offset[1]:][:channels], src[t.Offset[2]:][:channels], src[t.Offset[3]:][:channels]
}

func largestGeneric(most, src []float32) {
	for n := 0; n < len(src); n += len(most) {
		for c, v := range src[n:][:len(most)] {
			if v < 0 {
				v = -v
			}
			if v > most[c] && v <= math.MaxFloat32 {
				most[c] = v
			}
		}
	}
}

func packInt8Generic(dst []int8, src, inverse []float32) {
	for n := 0; n < len(src); n += len(inverse) {
		out := dst[n:][:len(inverse)]
		for c, v := range src[n:][:len(inverse)] {
			out[c] = int8(whole(max(min(v*inverse[c], 127), -127)))
		}
	}
}

func warpInt8Generic(dst []float32, src []int8, scale []float32, taps []Tap) {
	channels := len(scale)
	for j := range taps {
		out := dst[j*channels:][:channels]
		if taps[j].Offset[0] == Outside {
			clear(out)
			continue
		}
		a, b, c, d := around(&taps[j], src, channels)
		for i, s := range scale {
			out[i] = s * blend(&taps[j].Weight, float32(a[i]), float32(b[i]), float32(c[i]), float32(d[i]))
		}
	}
}

// one is the float32 from which on its last bit is worth one.
const one = 3 << 22

// whole rounds x in [-255, 255] half to even and returns its low eight bits; 0
// for NaN.
func whole(x float32) uint8 {
	if x != x {
		x = 0
	}
	return uint8(math.Float32bits(x + one))
}
