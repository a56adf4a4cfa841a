package kernel

import (
	"math/rand/v2"
	"testing"
)

// The benchmarks have the published model's shapes, one row of 128 cells with 80
// channels, and report GFLOP/s or gigabytes a second.

const cells, channels, frames = 128, 80, 17

func BenchmarkProject(b *testing.B) { eachBench(b, benchmarkProject) }

func benchmarkProject(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, w, dst := normal(rng, cells*channels), normal(rng, channels*channels), make([]float32, cells*channels)
	for b.Loop() {
		k.Project(dst, src, w, channels)
	}
	perNanosecond(b, 2*cells*channels*channels, "GFLOP/s")
}

func BenchmarkWarp(b *testing.B) { eachBench(b, benchmarkWarp) }

func benchmarkWarp(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, dst := normal(rng, cells*cells*channels), make([]float32, cells*channels)
	taps := make([]Tap, cells)
	k.Locate(taps, Line{0.3, 60.7, 0.99, 0.1}, cells, cells, channels)
	for b.Loop() {
		k.Warp(dst, src, taps, channels)
	}
	perNanosecond(b, 7*cells*channels, "GFLOP/s")
}

func BenchmarkLocate(b *testing.B) { eachBench(b, benchmarkLocate) }

func benchmarkLocate(b *testing.B, k *Kernels) {
	taps := make([]Tap, cells)
	for b.Loop() {
		k.Locate(taps, Line{0.3, 60.7, 0.99, 0.1}, cells, cells, channels)
	}
}

func BenchmarkWarpActivateU8(b *testing.B) { eachBench(b, benchmarkWarpActivateU8) }

func benchmarkWarpActivateU8(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, add, dst := normal(rng, cells*cells*channels), normal(rng, channels), make([]uint8, cells*channels*frames)
	taps, gain := make([]Tap, cells), constant(50, channels)
	k.Locate(taps, Line{0.3, 60.7, 0.99, 0.1}, cells, cells, channels)
	for b.Loop() {
		k.WarpActivateU8(dst, src, taps, gain, add, channels*frames, 0)
	}
	perNanosecond(b, 10*cells*channels, "GFLOP/s")
}

func BenchmarkWarpActivateF32(b *testing.B) { eachBench(b, benchmarkWarpActivateF32) }

func benchmarkWarpActivateF32(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, add, dst := normal(rng, cells*cells*channels), normal(rng, channels), make([]float32, cells*channels*frames)
	taps := make([]Tap, cells)
	k.Locate(taps, Line{0.3, 60.7, 0.99, 0.1}, cells, cells, channels)
	for b.Loop() {
		k.WarpActivateF32(dst, src, taps, add, channels*frames)
	}
	perNanosecond(b, 9*cells*channels, "GFLOP/s")
}

func BenchmarkActivateU8(b *testing.B) { eachBench(b, benchmarkActivateU8) }

func benchmarkActivateU8(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, add, dst := normal(rng, cells*channels), normal(rng, channels), make([]uint8, cells*channels*frames)
	gain := constant(50, channels)
	for b.Loop() {
		k.ActivateU8(dst, src, gain, add, channels*frames, 0)
	}
	perNanosecond(b, 5*cells*channels, "GB/s")
}

func BenchmarkActivateF32(b *testing.B) { eachBench(b, benchmarkActivateF32) }

func benchmarkActivateF32(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, add, dst := normal(rng, cells*channels), normal(rng, channels), make([]float32, cells*channels*frames)
	for b.Loop() {
		k.ActivateF32(dst, src, add, channels*frames)
	}
	perNanosecond(b, 8*cells*channels, "GB/s")
}

// eachBench runs a benchmark for every implementation.
func eachBench(b *testing.B, run func(b *testing.B, k *Kernels)) {
	for _, k := range implementations() {
		b.Run(string(k.name), func(b *testing.B) { run(b, &k.Kernels) })
	}
}

func perNanosecond(b *testing.B, each int, unit string) {
	b.ReportMetric(float64(each)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), unit)
}
