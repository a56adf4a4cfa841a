package kernel

import (
	"math/rand/v2"
	"testing"
)

// The benchmarks have the default bundle's shapes and report GFLOP/s, additions
// and multiplications counted, or bins a nanosecond.

func BenchmarkSuppress(b *testing.B) { eachBench(b, benchmarkSuppress) }

func benchmarkSuppress(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, p := normal(rng, 112), make([]float32, 112)
	for b.Loop() {
		k.Suppress(x, p)
	}
	perNanosecond(b, 112, "bins/ns")
}

func BenchmarkCorrelate(b *testing.B) { eachBench(b, benchmarkCorrelate) }

func benchmarkCorrelate(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	const channels, groups, pixels, points = 32, 8, 88 * 32, 4 * 7
	cur, prev := normal(rng, pixels*channels), normal(rng, pixels*channels)
	taps := randomTaps(rng, points, points, pixels, channels)
	sums := make([]float32, points*groups)
	for b.Loop() {
		k.Correlate(sums, cur, prev, taps, channels, groups)
	}
	perNanosecond(b, points*channels*9, "GFLOP/s")
}

func BenchmarkSimilarity(b *testing.B) { eachBench(b, benchmarkSimilarity) }

func benchmarkSimilarity(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	const groups, points = 8, 4 * 7
	net, x, dst := randomNetwork(rng, groups), normal(rng, points*groups), make([]float32, points)
	for b.Loop() {
		k.Similarity(dst, x, net)
	}
	perNanosecond(b, points*2*(Hidden0*groups+Hidden1*Hidden0+Hidden1), "GFLOP/s")
}

func BenchmarkSoftmax(b *testing.B) { eachBench(b, benchmarkSoftmax) }

func benchmarkSoftmax(b *testing.B, k *Kernels) {
	x, dst := normal(rand.New(rand.NewPCG(1, 2)), 112), make([]float32, 112)
	for b.Loop() {
		k.Softmax(dst, x)
	}
	perNanosecond(b, 112, "bins/ns")
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
