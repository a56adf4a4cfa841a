package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

func draw(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// TestAxpy compares with the loop in the comment, bit for bit, at all lengths
// around the unrolled one, and that nothing beside dst is written.
func TestAxpy(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := range 35 {
		x, dst, a := draw(rng, n), draw(rng, n), float32(rng.NormFloat64())
		if n > 2 {
			x[n-1], x[n/2] = float32(math.NaN()), float32(math.Inf(1))
		}
		want := make([]float32, n)
		for i := range want {
			want[i] = dst[i] + float32(a*x[i])
		}
		got := golden.Guard[float32](n, n%4, 7)
		copy(got.Slice, dst)
		Axpy(got.Slice, x, a)
		golden.Within(t, fmt.Sprint(n), got.Slice, want, golden.Bound{})
		got.Check(t, "dst")
	}
}
