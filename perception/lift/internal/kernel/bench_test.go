package kernel

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkAccumulate has the published model's channels and bins, and reports GFLOP/s.
func BenchmarkAccumulate(b *testing.B) {
	for _, k := range implementations() {
		b.Run(k.name, func(b *testing.B) { accumulate(b, &k.Kernels) })
	}
}

func accumulate(b *testing.B, k *Kernels) {
	const channels, pixels = 80, 16
	s, all, runs := newScene(rand.New(rand.NewPCG(1, 2)), pixels, channels, 112, 2), make([]Pixel, pixels), 0
	for i, p := range s.pixels {
		weights := make([]float32, len(p.depth))
		k.Weigh(weights, p.depth, p.marks)
		all[i] = Pixel{Context: p.context, Weights: weights[:len(p.runs)], Cells: p.cells}
		runs += len(p.runs)
	}
	for b.Loop() {
		k.Accumulate(s.plane, all)
	}
	b.ReportMetric(2*channels*float64(runs)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

// BenchmarkFindRuns and BenchmarkWeigh have the published model's bins.

func BenchmarkFindRuns(b *testing.B) {
	for _, k := range implementations() {
		b.Run(k.name, func(b *testing.B) {
			depths, ray := bins(112), Ray{Line{1.1, 64, 128}, Line{0.3, 64, 128}, Line{0.01, 0, 1}}
			cells, marks := make([]int32, len(depths)), make([]Marks, MarksOf(len(depths)))
			for b.Loop() {
				k.FindRuns(cells, marks, ray, depths)
			}
		})
	}
}

func BenchmarkWeigh(b *testing.B) {
	for _, k := range implementations() {
		b.Run(k.name, func(b *testing.B) {
			depths, ray := bins(112), Ray{Line{1.1, 64, 128}, Line{0.3, 64, 128}, Line{0.01, 0, 1}}
			cells, marks := make([]int32, len(depths)), make([]Marks, MarksOf(len(depths)))
			k.FindRuns(cells, marks, ray, depths)
			weights, depth := make([]float32, len(depths)), make([]float32, len(depths))
			for b.Loop() {
				k.Weigh(weights, depth, marks)
			}
		})
	}
}
