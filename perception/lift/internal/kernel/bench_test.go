package kernel

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkAccumulate has the published model's channels and the average cell's
// number of runs, and reports GFLOP/s.
func BenchmarkAccumulate(b *testing.B) {
	for _, k := range implementations() {
		b.Run(k.name, func(b *testing.B) { accumulate(b, &k.Kernels) })
	}
}

func accumulate(b *testing.B, k *Kernels) {
	const channels, runs = 80, 20
	s := newScene(rand.New(rand.NewPCG(1, 2)), channels, runs)
	dst := make([]float32, channels)
	weights := make([]float32, runs)
	k.Weigh(weights, s.depth, s.runs)
	for b.Loop() {
		k.Accumulate(dst, weights, s.context, s.runs)
	}
	b.ReportMetric(2*channels*runs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

// BenchmarkFindRuns has the published model's bins.
func BenchmarkFindRuns(b *testing.B) {
	for _, k := range implementations() {
		b.Run(k.name, func(b *testing.B) {
			depths, ray := bins(112), Ray{Line{1.1, 64, 128}, Line{0.3, 64, 128}, Line{0.01, 0, 1}}
			runs, cells := make([]Run, len(depths)), make([]int32, len(depths))
			for b.Loop() {
				k.FindRuns(runs, cells, ray, depths, Run{})
			}
		})
	}
}
