package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// FuzzSplat draws scenes of fuzzed shapes.
func FuzzSplat(f *testing.F) {
	f.Add(uint64(1), uint8(32), uint8(9))
	f.Add(uint64(2), uint8(80), uint8(112))
	f.Fuzz(func(t *testing.T, seed uint64, channels, bins uint8) {
		s := newScene(rand.New(rand.NewPCG(seed, 0)), int(seed%7), int(channels), int(bins), 1+int(seed%40))
		for _, k := range implementations() {
			checkSplat(t, k, s, int(seed%8))
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
			cells, marks := golden.Guard[int32](int(n), int(n%5), -9), golden.Guard(MarksOf(int(n)), 1, Marks{7, 7})
			found := k.FindRuns(cells.Slice, marks.Slice, ray, depths)
			checkRuns(t, k.name, found, cells.Slice, marks.Slice, ray, depths)
			cells.Check(t, k.name)
			marks.Check(t, k.name)
		}
	})
}
