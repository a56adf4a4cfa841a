//go:build goexperiment.simd

package kernel

import (
	"simd"

	"github.com/solofusion/solofusion/internal/isa"
)

// Portable vectors have no conversion from float64 to integers, which locating needs.
var portable = &Kernels{locate: locateGeneric, weigh: weighGeneric, accumulate: accumulateSIMD}

// accumulateSIMD keeps the sums of two vectors of channels in registers.
func accumulateSIMD(dst, weights, context []float32, runs []Run) {
	if len(runs) == 0 { // there may be no context at all
		clear(dst)
		return
	}
	lanes := simd.Float32s{}.Len()
	c := 0
	for ; c+2*lanes <= len(dst); c += 2 * lanes {
		accumulateTwo(dst[c:], weights, context[c:], runs)
	}
	for ; c < len(dst); c += lanes {
		accumulatePart(dst[c:min(c+lanes, len(dst))], weights, context[c:], runs)
	}
	isa.ClearUpper()
}

func accumulateTwo(dst, weights, context []float32, runs []Run) {
	lanes := simd.Float32s{}.Len()
	var a, b simd.Float32s
	weights = weights[:len(runs)]
	for i := range runs {
		x, w := context[runs[i].Context:][:2*lanes], simd.BroadcastFloat32s(weights[i])
		a = a.Add(simd.LoadFloat32s(x).Mul(w))
		b = b.Add(simd.LoadFloat32s(x[lanes:]).Mul(w))
	}
	a.Store(dst)
	b.Store(dst[lanes:])
}

// accumulatePart sums at most a vector of channels.
func accumulatePart(dst, weights, context []float32, runs []Run) {
	var a simd.Float32s
	weights = weights[:len(runs)]
	for i := range runs {
		x, _ := simd.LoadFloat32sPart(context[runs[i].Context:][:len(dst)])
		a = a.Add(x.Mul(simd.BroadcastFloat32s(weights[i])))
	}
	a.StorePart(dst)
}
