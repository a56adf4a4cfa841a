//go:build goexperiment.simd

package kernel

import (
	"simd"

	"github.com/solofusion/solofusion/internal/isa"
)

// Portable vectors have no operation that moves a value to another lane: a row's bytes
// are where they are needed in verticalSIMD only.
var portable = &Kernels{horizontal: horizontalGeneric, vertical: verticalSIMD, normalise: normaliseGeneric}

func verticalSIMD(dst, src []uint8, coef []int32) {
	stride, step := len(dst), simd.BroadcastUint8s(0).Len()
	if stride < step {
		verticalGeneric(dst, src, coef)
		return
	}
	low, most := simd.BroadcastUint32s(255), simd.BroadcastInt32s(255)
	zero := simd.BroadcastInt32s(0)
	for i := 0; i < stride; i += step {
		at := min(i, stride-step)
		sum0 := simd.BroadcastInt32s(half)
		sum1, sum2, sum3 := sum0, sum0, sum0
		for k, w := range coef {
			// A lane has four bytes, of one sum each.
			p, w := simd.LoadUint8s(src[stride*k+at:]).ReshapeToUint32s(), simd.BroadcastInt32s(w)
			sum0 = sum0.Add(w.Mul(p.And(low).BitsToInt32()))
			sum1 = sum1.Add(w.Mul(p.ShiftAllRight(8).And(low).BitsToInt32()))
			sum2 = sum2.Add(w.Mul(p.ShiftAllRight(16).And(low).BitsToInt32()))
			sum3 = sum3.Add(w.Mul(p.ShiftAllRight(24).BitsToInt32()))
		}
		d0 := sum0.ShiftAllRight(Precision).Max(zero).Min(most).ToBits()
		d1 := sum1.ShiftAllRight(Precision).Max(zero).Min(most).ToBits().ShiftAllLeft(8)
		d2 := sum2.ShiftAllRight(Precision).Max(zero).Min(most).ToBits().ShiftAllLeft(16)
		d3 := sum3.ShiftAllRight(Precision).Max(zero).Min(most).ToBits().ShiftAllLeft(24)
		d0.Or(d1).Or(d2.Or(d3)).ReshapeToUint8s().Store(dst[at:])
	}
	isa.ClearUpper()
}
