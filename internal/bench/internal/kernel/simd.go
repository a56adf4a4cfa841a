//go:build goexperiment.simd

package kernel

import (
	"simd"

	"github.com/solofusion/solofusion/internal/isa"
)

var portable = &Kernels{MulAdd: mulAddSIMD}

func mulAddSIMD(x []float32, a, b float32, rounds int) {
	factor, summand := simd.BroadcastFloat32s(a), simd.BroadcastFloat32s(b)
	n := factor.Len()
	for ; len(x) >= 12*n; x = x[12*n:] {
		x0, x1, x2 := simd.LoadFloat32s(x), simd.LoadFloat32s(x[n:]), simd.LoadFloat32s(x[2*n:])
		x3, x4, x5 := simd.LoadFloat32s(x[3*n:]), simd.LoadFloat32s(x[4*n:]), simd.LoadFloat32s(x[5*n:])
		x6, x7, x8 := simd.LoadFloat32s(x[6*n:]), simd.LoadFloat32s(x[7*n:]), simd.LoadFloat32s(x[8*n:])
		x9, x10, x11 := simd.LoadFloat32s(x[9*n:]), simd.LoadFloat32s(x[10*n:]), simd.LoadFloat32s(x[11*n:])
		for left := rounds; left > 0; left-- { // go1.27.3 crashes on "for range" beside portable vectors
			x0 = x0.MulAdd(factor, summand)
			x1 = x1.MulAdd(factor, summand)
			x2 = x2.MulAdd(factor, summand)
			x3 = x3.MulAdd(factor, summand)
			x4 = x4.MulAdd(factor, summand)
			x5 = x5.MulAdd(factor, summand)
			x6 = x6.MulAdd(factor, summand)
			x7 = x7.MulAdd(factor, summand)
			x8 = x8.MulAdd(factor, summand)
			x9 = x9.MulAdd(factor, summand)
			x10 = x10.MulAdd(factor, summand)
			x11 = x11.MulAdd(factor, summand)
		}
		x0.Store(x)
		x1.Store(x[n:])
		x2.Store(x[2*n:])
		x3.Store(x[3*n:])
		x4.Store(x[4*n:])
		x5.Store(x[5*n:])
		x6.Store(x[6*n:])
		x7.Store(x[7*n:])
		x8.Store(x[8*n:])
		x9.Store(x[9*n:])
		x10.Store(x[10*n:])
		x11.Store(x[11*n:])
	}
	isa.ClearUpper()
	mulAddGeneric(x, a, b, rounds)
}
