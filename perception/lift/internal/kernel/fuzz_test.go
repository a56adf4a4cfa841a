package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// FuzzAccumulate draws maps and runs of fuzzed shapes.
func FuzzAccumulate(f *testing.F) {
	f.Add(uint64(1), uint8(32), uint8(9))
	f.Fuzz(func(t *testing.T, seed uint64, channels, runs uint8) {
		s := newScene(rand.New(rand.NewPCG(seed, 0)), int(channels), int(runs))
		for _, k := range implementations() {
			dst := golden.Guard[float32](int(channels), int(seed%8), 7)
			sum(k, dst.Slice, s.depth, s.context, s.runs)
			check(t, k.name, dst.Slice, s)
			want := make([]float32, channels)
			sum(implementation{Kernels: generic}, want, s.depth, s.context, s.runs)
			golden.Within(t, k.name+" as generic", dst.Slice, want, golden.Bound{})
			dst.Check(t, k.name)
		}
	})
}

// FuzzFindRuns gives lines of any bits.
func FuzzFindRuns(f *testing.F) {
	f.Add(1.0, -3.0, 0.5, 2.0, 0.0, 0.5, uint8(9))
	f.Add(math.NaN(), 0.0, 1e300, -1.0, math.Inf(1), 0.0, uint8(1))
	f.Fuzz(func(t *testing.T, sx, ox, sy, oy, sz, oz float64, n uint8) {
		size := float64(n%16) + 1
		ray, depths := Ray{Line{sx, ox, size}, Line{sy, oy, size}, Line{sz, oz, 1}}, bins(int(n))
		for _, k := range implementations() {
			runs, cells := make([]Run, n), make([]int32, n)
			found := k.FindRuns(runs, cells, ray, depths, Run{})
			checkRuns(t, k.name, runs[:found], cells, ray, depths, Run{})
		}
	})
}
