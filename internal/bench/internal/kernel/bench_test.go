package kernel

import (
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// BenchmarkMulAdd reports floating-point operations in a nanosecond on one core.
func BenchmarkMulAdd(b *testing.B) {
	const rounds = 1000
	x := make([]float32, 12*16*4)
	for set, k := range golden.Runnable(Table) {
		b.Run(string(set), func(b *testing.B) {
			for b.Loop() {
				k.MulAdd(x, 0.5, 1, rounds)
			}
			b.ReportMetric(float64(b.N)*float64(2*rounds*len(x))/float64(b.Elapsed().Nanoseconds()), "flop/ns")
		})
	}
}
