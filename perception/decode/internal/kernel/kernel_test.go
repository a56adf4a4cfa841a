package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// TestTable: every entry is whole, and the set that SOLOFUSION_REQUIRE_KERNELS
// names is among them.
func TestTable(t *testing.T) { golden.Kernels(t, Table) }

// wantAbove is the loop of the package comment, word for word.
func wantAbove(dst []int32, logits []float32, floor float32) int {
	n := 0
	for i, x := range logits {
		if !(x <= floor) {
			dst[n] = int32(i)
			n++
		}
	}
	return n
}

// logits returns numbers of which a share is above zero, some NaN or infinite.
func logits(r *rand.Rand, n int, share float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = -r.Float32()
		if r.Float64() < share {
			x[i] = [...]float32{1, float32(math.NaN()), float32(math.Inf(1)), 1e-45}[r.IntN(4)]
		} else if r.IntN(10) == 0 {
			x[i] = [...]float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(-1))}[r.IntN(3)]
		}
	}
	return x
}

// check compares every implementation with the loop.
func check(t *testing.T, x []float32, offset int, floor float32) {
	t.Helper()
	want := make([]int32, len(x))
	want = want[:wantAbove(want, x, floor)]
	for set, k := range golden.Runnable(Table) {
		dst := golden.Guard[int32](len(x), offset, 7)
		n := k.Above(dst.Slice, x, floor)
		if !slices.Equal(dst.Slice[:n], want) {
			t.Fatalf("%s, %d logits, floor %v: got %v, want %v", set, len(x), floor, dst.Slice[:n], want)
		}
		dst.Check(t, string(set))
	}
}

func TestAbove(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		for _, share := range []float64{0, 0.01, 0.5, 1} {
			for _, floor := range []float32{0, -0.5, float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1))} {
				check(t, logits(r, n+n%3, share)[n%3:], n%5, floor)
			}
		}
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	for _, k := range golden.Runnable(Table) {
		k.Above(make([]int32, 3), make([]float32, 4), 0)
	}
}

func FuzzAbove(f *testing.F) {
	f.Add(uint64(1), uint16(300), 0.1, float32(0))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, share float64, floor float32) {
		check(t, logits(rand.New(rand.NewPCG(seed, 0)), int(n%2000), share), 0, floor)
	})
}
