package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
)

// bound is that of doc.go for |a| < 1 and |b| of at most 1.
var bound = golden.Bound{Abs: 4e-6, Rel: 1e-6}

func TestTable(t *testing.T) { golden.Kernels(t, Table) }

// naive is the loop of doc.go.
func naive(x []float32, a, b float32, rounds int) {
	for range rounds {
		for i := range x {
			x[i] = float32(x[i]*a) + b
		}
	}
}

func TestMulAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for set := range golden.Runnable(Table) {
		for n := range 400 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			compare(t, set, x, n%5, n%4)
		}
	}
}

func FuzzMulAdd(f *testing.F) {
	f.Add(uint64(1), 193, 0, 3)
	f.Fuzz(func(t *testing.T, seed uint64, n, offset, rounds int) {
		rng := rand.New(rand.NewPCG(seed, 0))
		x := make([]float32, uint(n)%1000)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		for set := range golden.Runnable(Table) {
			compare(t, set, x, int(uint(offset)%17), int(uint(rounds)%20))
		}
	})
}

// compare compares an implementation with doc.go's loop on the numbers x.
func compare(t *testing.T, set isa.Set, x []float32, offset, rounds int) {
	t.Helper()
	name := fmt.Sprintf("%s, %d chains, %d rounds", set, len(x), rounds)
	got, want := golden.Guard[float32](len(x), offset, -7), slices.Clone(x)
	copy(got.Slice, x)
	Table[set].MulAdd(got.Slice, 0.5, -0.75, rounds)
	naive(want, 0.5, -0.75, rounds)
	golden.Within(t, name, got.Slice, want, bound)
	got.Check(t, name)
}

func TestMulAddPropagatesWhatIsNotFinite(t *testing.T) {
	for set, k := range golden.Runnable(Table) {
		x := make([]float32, 193)
		for i := range x {
			x[i] = [...]float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[i%3]
		}
		k.MulAdd(x, 0.5, 1, 2)
		for i, v := range x {
			ok := [...]bool{v != v, v > math.MaxFloat32, v < -math.MaxFloat32}
			if !ok[i%3] {
				t.Fatalf("%s: x[%d] = %v", set, i, v)
			}
		}
	}
}
