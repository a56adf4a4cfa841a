package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/geom"
)

// The benchmarks have the published model's shapes: a coarse pixel of 4 x 4
// descriptors, 7 samples of 112 bins, 64 channels in 8 groups. They report what a
// nanosecond does: GFLOP/s, additions and multiplications counted, bins or points.

const (
	benchSamples = 7
	benchPoints  = benchSamples * 16
)

// benchProjection is a step of a metre ahead in the map of a nuScenes camera.
func benchProjection() (Grid, *Projection) {
	g := Grid{Map: geom.Size{Width: 176, Height: 64}, Block: 4, Channels: 64}
	return g, &Projection{Ray: geom.Identity3(), Shift: geom.Vec3{88, 32, 1}}
}

var benchDepths = []float64{3, 7, 12, 20, 31, 44, 56}

func benchTaps() *Taps {
	g, p := benchProjection()
	t := NewTaps(g, benchSamples)
	projectGeneric(t, p, 30, 10, benchDepths)
	return t
}

func BenchmarkInterleave(b *testing.B) { eachBench(b, benchmarkInterleave) }

func benchmarkInterleave(b *testing.B, k *Kernels) {
	src := normal(rand.New(rand.NewPCG(1, 2)), 4*176*64)
	dst := make([]float32, len(src))
	for b.Loop() {
		k.Interleave(dst, src, 64, 8)
	}
	perNanosecond(b, 4*len(src), "GB/s")
}

func BenchmarkPick(b *testing.B) { eachBench(b, benchmarkPick) }

func benchmarkPick(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	const pixels = 44
	x, p := normal(rng, pixels*112), make([]float32, 223)
	p[111] = -1000
	left, samples := make([]float32, 112), make([]int32, pixels*benchSamples)
	for b.Loop() {
		k.Pick(samples, x, left, p)
	}
	perNanosecond(b, pixels*benchSamples*112, "bins/ns")
}

func BenchmarkProject(b *testing.B) { eachBench(b, benchmarkProject) }

func benchmarkProject(b *testing.B, k *Kernels) {
	g, p := benchProjection()
	t := NewTaps(g, benchSamples)
	for b.Loop() {
		k.Project(t, p, 30, 10, benchDepths)
	}
	perNanosecond(b, benchPoints, "points/ns")
}

func BenchmarkCorrelate(b *testing.B) { eachBench(b, benchmarkCorrelate) }

func benchmarkCorrelate(b *testing.B, k *Kernels) {
	rng, t := rand.New(rand.NewPCG(1, 2)), benchTaps()
	cur, prev := normal(rng, t.Map.Pixels()*64), normal(rng, t.Map.Pixels()*64)
	sums := make([]float32, benchPoints*8)
	for b.Loop() {
		k.Correlate(sums, cur, prev, t, 8)
	}
	perNanosecond(b, benchPoints*64*9, "GFLOP/s")
}

func BenchmarkSimilarity(b *testing.B) { eachBench(b, benchmarkSimilarity) }

func benchmarkSimilarity(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	const groups = 8
	net, x, dst := randomNetwork(rng, groups), normal(rng, benchPoints*groups), make([]float32, benchPoints)
	for b.Loop() {
		k.Similarity(dst, x, net)
	}
	perNanosecond(b, benchPoints*2*(Hidden0*groups+Hidden1*Hidden0+Hidden1), "GFLOP/s")
}

func BenchmarkSpread(b *testing.B) { eachBench(b, benchmarkSpread) }

func benchmarkSpread(b *testing.B, k *Kernels) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, dst, logits := normal(rng, 112), make([]float32, 112), normal(rng, benchSamples)
	for b.Loop() {
		k.Spread(dst, x, []int32{3, 9, 20, 41, 56, 77, 103}, logits)
	}
	perNanosecond(b, 112, "bins/ns")
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
