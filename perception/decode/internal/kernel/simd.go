//go:build goexperiment.simd

package kernel

import (
	"simd"

	"github.com/solofusion/solofusion/internal/isa"
)

var portable = &Kernels{above: aboveSIMD}

// lanes is the largest number of lanes.
const lanes = 16

// aboveSIMD looks at eight vectors at a time, since a mask must go through memory: few
// of them have a candidate.
func aboveSIMD(dst []int32, logits []float32, floor float32) int {
	n, i := 0, 0
	limit := simd.BroadcastFloat32s(floor)
	step := limit.Len()
	var mask [lanes]int32
	for ; i+8*step <= len(logits); i += 8 * step {
		x := logits[i:][:8*step]
		m0 := simd.LoadFloat32s(x).LessEqual(limit).And(simd.LoadFloat32s(x[step:]).LessEqual(limit))
		m1 := simd.LoadFloat32s(x[2*step:]).LessEqual(limit).And(simd.LoadFloat32s(x[3*step:]).LessEqual(limit))
		m2 := simd.LoadFloat32s(x[4*step:]).LessEqual(limit).And(simd.LoadFloat32s(x[5*step:]).LessEqual(limit))
		m3 := simd.LoadFloat32s(x[6*step:]).LessEqual(limit).And(simd.LoadFloat32s(x[7*step:]).LessEqual(limit))
		m0.And(m1).And(m2.And(m3)).ToInt32s().Store(mask[:])
		if all(mask[:step]) {
			continue
		}
		for at := i; at < i+8*step; at += step {
			simd.LoadFloat32s(logits[at:]).LessEqual(limit).ToInt32s().Store(mask[:])
			for l, below := range mask[:step] {
				if below == 0 {
					dst[n] = int32(at + l)
					n++
				}
			}
		}
	}
	isa.ClearUpper()
	for m, begin := aboveGeneric(dst[n:][:len(logits)-i], logits[i:], floor), i; m > 0; m-- {
		dst[n] += int32(begin)
		n++
	}
	return n
}

// all reports whether every lane is set.
func all(mask []int32) bool {
	common := int32(-1)
	for _, m := range mask {
		common &= m
	}
	return common != 0
}
