package kernel

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkAccumulate has the default bundle's channels and the average cell's
// number of runs, and reports GFLOP/s.
func BenchmarkAccumulate(b *testing.B) {
	for _, k := range implementations() {
		b.Run(k.name, func(b *testing.B) { accumulate(b, &k.Kernels) })
	}
}

func accumulate(b *testing.B, k *Kernels) {
	const channels, runs = 32, 20
	s := newScene(rand.New(rand.NewPCG(1, 2)), channels, runs)
	dst := make([]float32, channels)
	for b.Loop() {
		k.Accumulate(dst, s.depth, s.context, s.runs)
	}
	b.ReportMetric(2*channels*runs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}
