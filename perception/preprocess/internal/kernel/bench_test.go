package kernel

import (
	"math/rand/v2"
	"testing"
)

// The default bundle's shape: 1600 columns to 352, 17 taps.

func BenchmarkHorizontal(b *testing.B) { eachBench(b, benchmarkHorizontal) }

func benchmarkHorizontal(b *testing.B, k *Kernels) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, width = 19, 352
	src, dst := pixels(r, 3*1600), make([]uint8, 3*width)
	var start, coef []int32
	for x := range int32(width) {
		start = append(start, 4*x)
		coef = append(coef, coefficients(r, n)...)
	}
	b.SetBytes(3 * n * width)
	for b.Loop() {
		k.Horizontal(dst, src, start, coef)
	}
}

func BenchmarkVertical(b *testing.B) { eachBench(b, benchmarkVertical) }

func benchmarkVertical(b *testing.B, k *Kernels) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, width = 19, 352
	src, dst := pixels(r, 3*width*n), make([]uint8, 3*width)
	coef := coefficients(r, n)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		k.Vertical(dst, src, coef)
	}
}

// eachBench runs a benchmark for every implementation.
func eachBench(b *testing.B, run func(b *testing.B, k *Kernels)) {
	for set, k := range Table {
		b.Run(string(set), func(b *testing.B) { run(b, &k) })
	}
}
