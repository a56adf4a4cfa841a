package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// implementations are tested against the package comment's loop, each by itself.
var implementations = []struct {
	name       string
	accumulate func(dst, depth, context []float32, runs []Run)
}{
	{"selected", Accumulate},
	{"generic", accumulateGeneric},
}

// naive is the package comment's loop in float64. It returns the sum and, for
// the bound, the sum of the terms' magnitudes.
func naive(channels int, depth, context []float32, runs []Run) (sum, magnitude []float64) {
	sum, magnitude = make([]float64, channels), make([]float64, channels)
	for _, r := range runs {
		p := 0.0
		for b := range r.Bins {
			p += float64(depth[r.Depth+b])
		}
		for c := range channels {
			v := p * float64(context[int(r.Context)+c])
			sum[c] += v
			magnitude[c] += math.Abs(v)
		}
	}
	return sum, magnitude
}

// scene is random maps and runs in them.
type scene struct {
	depth, context []float32
	runs           []Run
}

func newScene(rng *rand.Rand, channels, runs int) scene {
	const pixels, bins = 6, 20
	s := scene{make([]float32, pixels*bins), make([]float32, pixels*channels), make([]Run, runs)}
	for i := range s.depth {
		s.depth[i] = rng.Float32() / bins
	}
	for i := range s.context {
		s.context[i] = float32(rng.NormFloat64())
	}
	for i := range s.runs {
		pixel, first := rng.IntN(pixels), rng.IntN(bins)
		s.runs[i] = Run{Depth: int32(pixel*bins + first), Context: int32(pixel * channels), Bins: 1 + rng.Int32N(int32(bins-first))}
	}
	return s
}

func check(t *testing.T, name string, got []float32, s scene) {
	t.Helper()
	want, magnitude := naive(len(got), s.depth, s.context, s.runs)
	for c := range got {
		if d := math.Abs(float64(got[c]) - want[c]); !(d <= 1e-6*magnitude[c]) {
			t.Errorf("%s: channel %d of %d is %v, want %v", name, c, len(got), got[c], want[c])
		}
	}
}

func TestAccumulate(t *testing.T) {
	for _, k := range implementations {
		rng := rand.New(rand.NewPCG(5, 1))
		for channels := range 70 {
			for _, runs := range []int{0, 1, 2, 5, 30} {
				s := newScene(rng, channels, runs)
				dst := golden.Guard[float32](channels, runs%4, 7)
				for i := range dst.Slice {
					dst.Slice[i] = 99 // is overwritten
				}
				k.accumulate(dst.Slice, s.depth, s.context, s.runs)
				check(t, fmt.Sprintf("%s, %d runs", k.name, runs), dst.Slice, s)
				dst.Check(t, k.name)
			}
		}
	}
}

func TestAccumulatePropagates(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, k := range implementations {
		dst := make([]float32, 4)
		k.accumulate(dst, []float32{0, 1, 2}, []float32{1, nan, inf, -inf}, []Run{{Depth: 1, Bins: 2}})
		golden.Within(t, k.name, dst, []float32{3, nan, inf, -inf}, golden.Bound{})
		k.accumulate(dst, []float32{0, 1, nan}, []float32{1, 1, 1, 1}, []Run{{Depth: 1, Bins: 2}})
		golden.Within(t, k.name, dst, []float32{nan, nan, nan, nan}, golden.Bound{})
	}
}
