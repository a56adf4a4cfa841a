package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/internal/isa"
)

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	above func(dst []int32, logits []float32, floor float32) int
}

// Table is what this build has.
var Table = isa.NewTable(Kernels{above: aboveGeneric}, portable, avx512)

// Above writes the indices of the logits above the floor and returns their number.
func (k *Kernels) Above(dst []int32, logits []float32, floor float32) int {
	if len(dst) != len(logits) {
		panic(fmt.Sprintf("decode: %d indices for %d logits", len(dst), len(logits)))
	}
	return k.above(dst, logits, floor)
}
