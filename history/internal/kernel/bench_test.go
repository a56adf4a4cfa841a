package kernel

import (
	"math/rand/v2"
	"testing"
)

// The benchmarks have the default bundle's shapes, one row of 128 cells with 32
// channels, and report GFLOP/s or gigabytes a second.

const cells, channels, frames = 128, 32, 9

func BenchmarkProject(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, w, dst := normal(rng, cells*channels), normal(rng, channels*channels), make([]float32, cells*channels)
	for b.Loop() {
		Project(dst, src, w, channels)
	}
	perNanosecond(b, 2*cells*channels*channels, "GFLOP/s")
}

func BenchmarkWarp(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, dst := normal(rng, cells*cells*channels), make([]float32, cells*channels)
	for b.Loop() {
		Warp(dst, src, Line{0.3, 60.7, 0.99, 0.1}, cells, cells, channels)
	}
	perNanosecond(b, 7*cells*channels, "GFLOP/s")
}

func BenchmarkActivateU8(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, add, dst := normal(rng, cells*channels), normal(rng, channels), make([]uint8, cells*channels*frames)
	for b.Loop() {
		ActivateU8(dst, src, add, channels*frames, 0.02, 0)
	}
	perNanosecond(b, 5*cells*channels, "GB/s")
}

func BenchmarkActivateF32(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	src, add, dst := normal(rng, cells*channels), normal(rng, channels), make([]float32, cells*channels*frames)
	for b.Loop() {
		ActivateF32(dst, src, add, channels*frames)
	}
	perNanosecond(b, 8*cells*channels, "GB/s")
}

func perNanosecond(b *testing.B, each int, unit string) {
	b.ReportMetric(float64(each)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), unit)
}
