package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// FuzzAccumulate draws maps and runs of fuzzed shapes.
func FuzzAccumulate(f *testing.F) {
	f.Add(uint64(1), uint8(32), uint8(9))
	f.Fuzz(func(t *testing.T, seed uint64, channels, runs uint8) {
		s := newScene(rand.New(rand.NewPCG(seed, 0)), int(channels), int(runs))
		for _, k := range implementations {
			dst := golden.Guard[float32](int(channels), int(seed%8), 7)
			k.accumulate(dst.Slice, s.depth, s.context, s.runs)
			check(t, k.name, dst.Slice, s)
			dst.Check(t, k.name)
		}
	})
}
