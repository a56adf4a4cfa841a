//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"

	"github.com/solofusion/solofusion/internal/isa"
)

var avx512 = &Kernels{locate: locateAVX512, weigh: weighGeneric, accumulate: accumulateAVX512}

const lanes = 16

func locateAVX512(cells []int32, ray Ray, depths []float64) {
	const lanes = 8
	xSlope, xOffset, xCells := archsimd.BroadcastFloat64x8(ray.X.Slope), archsimd.BroadcastFloat64x8(ray.X.Offset), archsimd.BroadcastFloat64x8(ray.X.Cells)
	ySlope, yOffset, yCells := archsimd.BroadcastFloat64x8(ray.Y.Slope), archsimd.BroadcastFloat64x8(ray.Y.Offset), archsimd.BroadcastFloat64x8(ray.Y.Cells)
	zSlope, zOffset, zCells := archsimd.BroadcastFloat64x8(ray.Z.Slope), archsimd.BroadcastFloat64x8(ray.Z.Offset), archsimd.BroadcastFloat64x8(ray.Z.Cells)
	below, columns, none := archsimd.BroadcastFloat64x8(-1), archsimd.BroadcastInt32x8(int32(ray.X.Cells)), archsimd.BroadcastInt32x8(outside)
	for b := 0; b < len(depths); b += lanes {
		d, _ := archsimd.LoadFloat64x8Part(depths[b:])
		x := xSlope.Mul(d).Add(xOffset)
		y := ySlope.Mul(d).Add(yOffset)
		z := zSlope.Mul(d).Add(zOffset)
		in := x.Greater(below).And(x.Less(xCells)).And(y.Greater(below)).And(y.Less(yCells)).And(z.Greater(below)).And(z.Less(zCells))
		cell := y.ConvertToInt32().Mul(columns).Add(x.ConvertToInt32())
		cell.IfElse(archsimd.Mask32x8FromBits(in.ToBits()), none).StorePart(cells[b:len(depths)])
	}
	isa.ClearUpper()
}

// accumulateAVX512 keeps the sums of 80 channels in registers. What is left is the
// portable vectors'.
func accumulateAVX512(dst, weights, context []float32, runs []Run) {
	if len(runs) == 0 { // there may be no context at all
		clear(dst)
		return
	}
	const wide = 5 * lanes
	c := 0
	for ; c+wide <= len(dst); c += wide {
		accumulateFive(dst[c:], weights, context[c:], runs)
	}
	if c < len(dst) {
		accumulateSIMD(dst[c:], weights, context[c:], runs)
	}
	isa.ClearUpper()
}

func accumulateFive(dst, weights, context []float32, runs []Run) {
	var a, b, c, d, e archsimd.Float32x16
	weights = weights[:len(runs)]
	for i := range runs {
		x, w := (*[5 * lanes]float32)(context[runs[i].Context:]), archsimd.BroadcastFloat32x16(weights[i])
		a = a.Add(archsimd.LoadFloat32x16Array((*[lanes]float32)(x[:])).Mul(w))
		b = b.Add(archsimd.LoadFloat32x16Array((*[lanes]float32)(x[lanes:])).Mul(w))
		c = c.Add(archsimd.LoadFloat32x16Array((*[lanes]float32)(x[2*lanes:])).Mul(w))
		d = d.Add(archsimd.LoadFloat32x16Array((*[lanes]float32)(x[3*lanes:])).Mul(w))
		e = e.Add(archsimd.LoadFloat32x16Array((*[lanes]float32)(x[4*lanes:])).Mul(w))
	}
	out := (*[5 * lanes]float32)(dst)
	a.StoreArray((*[lanes]float32)(out[:]))
	b.StoreArray((*[lanes]float32)(out[lanes:]))
	c.StoreArray((*[lanes]float32)(out[2*lanes:]))
	d.StoreArray((*[lanes]float32)(out[3*lanes:]))
	e.StoreArray((*[lanes]float32)(out[4*lanes:]))
}
