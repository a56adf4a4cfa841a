//go:build goexperiment.simd

package kernel

import (
	"math/bits"
	"simd/archsimd"

	"github.com/solofusion/solofusion/internal/isa"
)

var avx512 = &Kernels{above: aboveAVX512}

func aboveAVX512(dst []int32, logits []float32, floor float32) int {
	const step = 16
	n, i := 0, 0
	limit := archsimd.BroadcastFloat32x16(floor)
	for ; i+step <= len(logits); i += step {
		x := archsimd.LoadFloat32x16Array((*[step]float32)(logits[i:]))
		for above := ^x.LessEqual(limit).ToBits(); above != 0; above &= above - 1 {
			dst[n] = int32(i + bits.TrailingZeros16(above))
			n++
		}
	}
	isa.ClearUpper()
	for m, begin := aboveGeneric(dst[n:][:len(logits)-i], logits[i:], floor), i; m > 0; m-- {
		dst[n] += int32(begin)
		n++
	}
	return n
}
