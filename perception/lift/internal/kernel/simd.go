//go:build goexperiment.simd

package kernel

import (
	"simd"

	"github.com/solofusion/solofusion/internal/isa"
)

// Portable vectors have no conversion from float64 to integers, which finding runs needs,
// and cannot be compressed.
var portable = &Kernels{findRuns: findRunsGeneric, weigh: weighGeneric, accumulate: accumulateSIMD}

// accumulateSIMD takes five vectors of the contexts' channels at a time, then what is left.
func accumulateSIMD(plane []float32, pixels []Pixel) {
	wide := 5 * simd.Float32s{}.Len()
	c, channels := 0, len(pixels[0].Context)
	for ; c+wide <= channels; c += wide {
		accumulateWide(c, plane, pixels)
	}
	if c < channels {
		accumulateFrom(c, plane, pixels)
	}
	isa.ClearUpper()
}

// accumulateWide takes pixels by two, and goes through the cells that they share side by
// side.
func accumulateWide(c int, plane []float32, pixels []Pixel) {
	for ; len(pixels) >= 2; pixels = pixels[2:] {
		p, q := &pixels[0], &pixels[1]
		both := shared(p.Cells, q.Cells)
		accumulateBoth(c, plane, p, q, both)
		accumulateFive(c, plane, p, both)
		accumulateFive(c, plane, q, both)
	}
	if len(pixels) > 0 {
		accumulateFive(c, plane, &pixels[0], 0)
	}
}

// shared returns how many cells both begin with.
func shared(a, b []int32) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	for i, cell := range a {
		if b[i] != cell {
			return i
		}
	}
	return n
}

// accumulateBoth adds the channels from c on of two pixels to the first n cells, which are
// the same.
func accumulateBoth(c int, plane []float32, p, q *Pixel, n int) {
	if n == 0 {
		return
	}
	lanes := simd.Float32s{}.Len()
	x, y := p.Context[c:][:5*lanes], q.Context[c:][:5*lanes]
	x0, y0 := simd.LoadFloat32s(x), simd.LoadFloat32s(y)
	x1, y1 := simd.LoadFloat32s(x[lanes:]), simd.LoadFloat32s(y[lanes:])
	x2, y2 := simd.LoadFloat32s(x[2*lanes:]), simd.LoadFloat32s(y[2*lanes:])
	x3, y3 := simd.LoadFloat32s(x[3*lanes:]), simd.LoadFloat32s(y[3*lanes:])
	x4, y4 := simd.LoadFloat32s(x[4*lanes:]), simd.LoadFloat32s(y[4*lanes:])
	cells, weights, others := p.Cells[:n], p.Weights[:n], q.Weights[:n]
	for i, cell := range cells {
		dst := plane[int(cell)*len(p.Context)+c:][:5*lanes]
		v, w := simd.BroadcastFloat32s(weights[i]), simd.BroadcastFloat32s(others[i])
		simd.LoadFloat32s(dst).Add(x0.Mul(v)).Add(y0.Mul(w)).Store(dst)
		simd.LoadFloat32s(dst[lanes:]).Add(x1.Mul(v)).Add(y1.Mul(w)).Store(dst[lanes:])
		simd.LoadFloat32s(dst[2*lanes:]).Add(x2.Mul(v)).Add(y2.Mul(w)).Store(dst[2*lanes:])
		simd.LoadFloat32s(dst[3*lanes:]).Add(x3.Mul(v)).Add(y3.Mul(w)).Store(dst[3*lanes:])
		simd.LoadFloat32s(dst[4*lanes:]).Add(x4.Mul(v)).Add(y4.Mul(w)).Store(dst[4*lanes:])
	}
}

// accumulateFive adds the channels from c on of a pixel to its cells but the first n.
func accumulateFive(c int, plane []float32, p *Pixel, n int) {
	if n == len(p.Cells) {
		return
	}
	lanes := simd.Float32s{}.Len()
	x := p.Context[c:][:5*lanes]
	x0, x1, x2 := simd.LoadFloat32s(x), simd.LoadFloat32s(x[lanes:]), simd.LoadFloat32s(x[2*lanes:])
	x3, x4 := simd.LoadFloat32s(x[3*lanes:]), simd.LoadFloat32s(x[4*lanes:])
	cells := p.Cells[n:]
	weights := p.Weights[n:][:len(cells)]
	for i, cell := range cells {
		dst, w := plane[int(cell)*len(p.Context)+c:][:5*lanes], simd.BroadcastFloat32s(weights[i])
		simd.LoadFloat32s(dst).Add(x0.Mul(w)).Store(dst)
		simd.LoadFloat32s(dst[lanes:]).Add(x1.Mul(w)).Store(dst[lanes:])
		simd.LoadFloat32s(dst[2*lanes:]).Add(x2.Mul(w)).Store(dst[2*lanes:])
		simd.LoadFloat32s(dst[3*lanes:]).Add(x3.Mul(w)).Store(dst[3*lanes:])
		simd.LoadFloat32s(dst[4*lanes:]).Add(x4.Mul(w)).Store(dst[4*lanes:])
	}
}

// accumulateFrom adds the pixels' channels from c on.
func accumulateFrom(c int, plane []float32, pixels []Pixel) {
	lanes := simd.Float32s{}.Len()
	for i := range pixels {
		p, c := &pixels[i], c
		for ; c+2*lanes <= len(p.Context); c += 2 * lanes {
			accumulateTwo(c, plane, p)
		}
		for ; c < len(p.Context); c += lanes {
			accumulatePart(c, min(c+lanes, len(p.Context)), plane, p)
		}
	}
}

func accumulateTwo(c int, plane []float32, p *Pixel) {
	lanes := simd.Float32s{}.Len()
	a, b := simd.LoadFloat32s(p.Context[c:]), simd.LoadFloat32s(p.Context[c+lanes:])
	weights := p.Weights[:len(p.Cells)]
	for i, cell := range p.Cells {
		dst, w := plane[int(cell)*len(p.Context)+c:][:2*lanes], simd.BroadcastFloat32s(weights[i])
		simd.LoadFloat32s(dst).Add(a.Mul(w)).Store(dst)
		simd.LoadFloat32s(dst[lanes:]).Add(b.Mul(w)).Store(dst[lanes:])
	}
}

// accumulatePart adds at most a vector of channels, from c to before end.
func accumulatePart(c, end int, plane []float32, p *Pixel) {
	a, _ := simd.LoadFloat32sPart(p.Context[c:end])
	weights := p.Weights[:len(p.Cells)]
	for i, cell := range p.Cells {
		dst := plane[int(cell)*len(p.Context):][c:end]
		x, _ := simd.LoadFloat32sPart(dst)
		x.Add(a.Mul(simd.BroadcastFloat32s(weights[i]))).StorePart(dst)
	}
}
