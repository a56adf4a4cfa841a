package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

func randomNetwork(rng *rand.Rand, groups int) *Network {
	return NewNetwork(groups, normal(rng, Hidden0*groups), normal(rng, Hidden0),
		normal(rng, Hidden1*Hidden0), normal(rng, Hidden1), normal(rng, Hidden1), float32(rng.NormFloat64()))
}

// naiveSimilarity is the network of one point in float64.
func naiveSimilarity(x []float32, n *Network) float64 {
	layer := func(w, b []float32, x []float64) []float64 {
		y := make([]float64, len(b))
		for o := range y {
			y[o] = float64(b[o])
			for i := range x {
				y[o] += float64(w[o*len(x)+i]) * x[i]
			}
		}
		return y
	}
	relu := func(x []float64) []float64 {
		for i := range x {
			x[i] = max(x[i], 0)
		}
		return x
	}
	h := relu(layer(n.Weight0, n.Bias0, widen(x)))
	h = relu(layer(n.Weight1, n.Bias1, h))
	return layer(n.Weight2, []float32{n.Bias2}, h)[0]
}

func TestSimilarity(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, groups := range []int{1, 3, 4, 8, 16} {
			net := randomNetwork(rng, groups)
			for n := range 35 {
				x := normal(rng, n*groups)
				if n > 3 {
					x[2*groups] = nan
				}
				g := golden.Guard[float32](n, n%4, 7)
				k.similarity(g.Slice, x, net)
				want := make([]float64, n)
				for i := range want {
					want[i] = naiveSimilarity(x[i*groups:][:groups], net)
				}
				golden.Within(t, fmt.Sprintf("%d points of %d groups", n, groups), widen(g.Slice), want, golden.Bound{Abs: 1e-6, Rel: 1e-5})
				same := make([]float32, n)
				generic.similarity(same, x, net)
				golden.Within(t, "as generic", g.Slice, same, golden.Bound{})
				g.Check(t, "logits")
			}
		}
	})
}

func naiveSoftmax(x []float32) []float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = math.Max(m, float64(v))
	}
	y, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		y[i] = math.Exp(float64(v) - m)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}

func TestSoftmax(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for n := range 120 {
			x := normal(rng, n)
			for i := range x {
				x[i] *= 20
			}
			g := guarded(x, n%4)
			k.softmax(g.Slice, g.Slice) // in place
			golden.Within(t, fmt.Sprintf("%d bins", n), widen(g.Slice), naiveSoftmax(x), golden.Bound{Abs: 1e-6})
			generic.softmax(x, x)
			golden.Within(t, "as generic", g.Slice, x, golden.Bound{})
			g.Check(t, "probabilities")
		}
		for _, bad := range []float32{nan, inf} {
			x := []float32{1, bad, 2}
			k.softmax(x, x)
			golden.Within(t, "broken logits", x, []float32{nan, nan, nan}, golden.Bound{})
		}
		x := []float32{-inf, 0}
		k.softmax(x, x)
		golden.Within(t, "impossible bin", x, []float32{0, 1}, golden.Bound{})
	})
}

// TestExp: it is the exponential to 3e-7, and zero where that is next to nothing.
func TestExp(t *testing.T) {
	for x := float32(0); x > -100; x -= 0.00137 {
		got, want := float64(exp(x)), math.Exp(float64(x))
		if x < expNormal {
			want = 0
		}
		if math.Abs(got-want) > 3e-7*want {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
}
