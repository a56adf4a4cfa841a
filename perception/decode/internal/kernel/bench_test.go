package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/solofusion/solofusion/internal/isa"
)

// BenchmarkAbove searches a class's map of the full model, of which that share is above
// the floor, and reports how many times as fast as generic's a set is.
func BenchmarkAbove(b *testing.B) {
	const n = 128 * 128
	for _, share := range []float64{0.0002, 0.003} {
		x, dst := logits(rand.New(rand.NewPCG(1, 2)), n, share), make([]int32, n)
		for _, set := range slices.Backward(isa.Sets()) {
			k, generic := Table[set], Table[isa.Generic]
			b.Run(fmt.Sprint(share, "/", set), func(b *testing.B) {
				for b.Loop() {
					k.Above(dst, x, 0)
				}
				base, own := shortest(func() { generic.Above(dst, x, 0) }), shortest(func() { k.Above(dst, x, 0) })
				b.ReportMetric(float64(base)/float64(own), "x-generic")
			})
		}
	}
}

// shortest returns the shortest time of a hundred calls.
func shortest(run func()) time.Duration {
	least := time.Hour
	for range 100 {
		begun := time.Now()
		run()
		least = min(least, time.Since(begun))
	}
	return least
}
