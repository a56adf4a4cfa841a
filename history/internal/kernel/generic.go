package kernel

import (
	"math"

	"github.com/solofusion/solofusion/internal/f32"
)

func projectGeneric(dst, src, w []float32, channels int) {
	clear(dst)
	for n := 0; n < len(src); n += channels {
		out := dst[n:][:channels]
		for i, x := range src[n:][:channels] {
			f32.Axpy(out, w[i*channels:][:channels], x)
		}
	}
}

func warpGeneric(dst, src []float32, line Line, width, height, channels int) {
	for j := range len(dst) / channels {
		out := dst[j*channels:][:channels]
		x, y := line.X+float64(float64(j)*line.DX), line.Y+float64(float64(j)*line.DY)
		if !(x > -1 && x < float64(width) && y > -1 && y < float64(height)) {
			clear(out)
			continue
		}
		x0, x1, fx0, fx1 := neighbours(x, width)
		y0, y1, fy0, fy1 := neighbours(y, height)
		blend(out,
			src[(y0*width+x0)*channels:], src[(y0*width+x1)*channels:],
			src[(y1*width+x0)*channels:], src[(y1*width+x1)*channels:],
			fx0*fy0, fx1*fy0, fx0*fy1, fx1*fy1)
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

func blend(dst, a, b, c, d []float32, wa, wb, wc, wd float32) {
	a, b, c, d = a[:len(dst)], b[:len(dst)], c[:len(dst)], d[:len(dst)]
	for i := range dst {
		dst[i] = float32(float32(wa*a[i])+float32(wb*b[i])) + float32(float32(wc*c[i])+float32(wd*d[i]))
	}
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

func activateU8Generic(dst []uint8, src, add []float32, stride int, scale float32, zero uint8) {
	channels := len(add)
	largest := 255 - float32(zero)
	for n := range len(src) / channels {
		in, out := src[n*channels:][:channels], dst[n*stride:][:channels]
		for c, a := range add {
			out[c] = whole(min(max(in[c]+a, 0)/scale, largest)) + zero
		}
	}
}

func quantiseGeneric(dst []uint8, src []float32, scale float32, zero uint8) {
	least, largest := -float32(zero), 255-float32(zero)
	for i, v := range src {
		dst[i] = whole(max(min(v/scale, largest), least)) + zero
	}
}

// whole rounds x in [-255, 255] half to even and returns its low eight bits; 0
// for NaN.
func whole(x float32) uint8 {
	if x != x {
		x = 0
	}
	const one = 3 << 22 // here the last bit of a float32 is worth one
	return uint8(math.Float32bits(x + one))
}
