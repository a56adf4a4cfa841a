package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/solofusion/solofusion/internal/isa"
)

// The shapes of six cameras of 1600 columns at two scales: 704 columns of 9 taps, 352 of 18.
var shapes = []struct {
	name        string
	width, taps int
}{{"704", 704, 9}, {"352", 352, 18}}

// BenchmarkHorizontal computes 64 rows.
func BenchmarkHorizontal(b *testing.B) {
	const rows, from = 64, 1600
	for _, shape := range shapes {
		r := rand.New(rand.NewPCG(1, 2))
		src, dst := pixels(r, rows*3*from), make([]uint8, rows*3*shape.width)
		var start, coef []int32
		for x := range shape.width {
			start = append(start, int32(min(100*x/48, from-shape.taps)))
			coef = append(coef, coefficients(r, shape.taps)...)
		}
		if shape.width == 352 {
			for x := range start {
				start[x] = int32(min(100*x/24, from-shape.taps))
			}
		}
		c := NewColumns(from, start, coef)
		b.Run(shape.name, func(b *testing.B) {
			compare(b, func(k *Kernels) { k.Horizontal(dst, src, c) })
		})
	}
}

// BenchmarkVertical computes one row.
func BenchmarkVertical(b *testing.B) {
	for _, shape := range shapes {
		r := rand.New(rand.NewPCG(1, 2))
		src, dst := pixels(r, 3*shape.width*shape.taps), make([]uint8, 3*shape.width)
		coef := coefficients(r, shape.taps)
		b.Run(shape.name, func(b *testing.B) {
			compare(b, func(k *Kernels) { k.Vertical(dst, src, coef) })
		})
	}
}

// BenchmarkNormalise writes one row.
func BenchmarkNormalise(b *testing.B) {
	const n = 704
	bgr, planes := pixels(rand.New(rand.NewPCG(1, 2)), 3*n), make([]float32, 3*n)
	levels := map[*Kernels]*Levels{}
	compare(b, func(k *Kernels) {
		if levels[k] == nil {
			levels[k] = k.NewLevels([3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225})
		}
		k.Normalise(planes[:n], planes[n:2*n], planes[2*n:], bgr, levels[k])
	})
}

// compare runs a function for every implementation, and reports how many times as fast
// as generic's it is, from the shortest of several times of both.
func compare(b *testing.B, run func(k *Kernels)) {
	generic := Table[isa.Generic]
	for _, set := range slices.Backward(isa.Sets()) {
		k, ok := Table[set]
		if !ok {
			continue
		}
		b.Run(string(set), func(b *testing.B) {
			for b.Loop() {
				run(&k)
			}
			own, base := shortest(func() { run(&k) }), shortest(func() { run(&generic) })
			b.ReportMetric(float64(base)/float64(own), "x-generic")
		})
	}
}

// shortest returns the shortest time of ten calls, of twenty tries.
func shortest(run func()) time.Duration {
	least := time.Hour
	for range 20 {
		begun := time.Now()
		for range 10 {
			run()
		}
		least = min(least, time.Since(begun))
	}
	return least
}
