package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// implementation is one of each kernel; every test runs all that this build has.
type implementation struct {
	name       string
	suppress   func(logits, penalty []float32) int
	correlate  func(sums, cur, prev []float32, taps []Tap, channels, groups int)
	similarity func(dst, x []float32, n *Network)
	softmax    func(dst, x []float32)
}

var implementations = []implementation{
	{"selected", Suppress, Correlate, Similarity, Softmax},
	{"generic", suppressGeneric, correlateGeneric, similarityGeneric, softmaxGeneric},
}

// each runs a test for every implementation, with the same random numbers.
func each(t *testing.T, test func(t *testing.T, k implementation, rng *rand.Rand)) {
	t.Helper()
	for _, k := range implementations {
		t.Run(k.name, func(t *testing.T) { test(t, k, rand.New(rand.NewPCG(3, 1))) })
	}
}

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// guarded returns a guarded copy of x that begins at an offset.
func guarded(x []float32, offset int) golden.Guarded[float32] {
	g := golden.Guard[float32](len(x), offset, 1e30)
	copy(g.Slice, x)
	return g
}

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func naiveSuppress(logits, penalty []float32) int {
	for i := range logits {
		logits[i] += penalty[i]
	}
	at := 0
	for i, x := range logits {
		if x > logits[at] || logits[at] != logits[at] && x == x {
			at = i
		}
	}
	return at
}

func TestSuppress(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for n := range 67 {
			for offset := range 4 {
				x, p := normal(rng, n), normal(rng, n)
				for i := range x {
					x[i] = float32(int(x[i] * 2)) // ties
					p[i] = float32(int(p[i]))
				}
				got, want := guarded(x, offset), append([]float32(nil), x...)
				g, w := k.suppress(got.Slice, p), naiveSuppress(want, p)
				if n > 0 && g != w {
					t.Fatalf("%d bins: picked %d, want %d of %v", n, g, w, want)
				}
				golden.Within(t, "logits", got.Slice, want, golden.Bound{})
				got.Check(t, "logits")
			}
		}
	})
}

func TestSuppressSpecialValues(t *testing.T) {
	each(t, func(t *testing.T, k implementation, _ *rand.Rand) {
		for _, c := range []struct {
			logits []float32
			want   int
		}{
			{[]float32{nan, nan}, 0},
			{[]float32{nan, -3, 2, nan}, 2},
			{[]float32{-inf, -inf}, 0},
			{[]float32{-inf, 1, inf, inf}, 2},
			{[]float32{5, 5, 5}, 0},
		} {
			logits := append([]float32(nil), c.logits...)
			if got := k.suppress(logits, make([]float32, len(logits))); got != c.want {
				t.Errorf("%v: picked %d, want %d", c.logits, got, c.want)
			}
		}
	})
}

// naiveCorrelate is the package comment's loop in float64.
func naiveCorrelate(sums []float64, cur, prev []float32, taps []Tap, channels, groups int) {
	for _, t := range taps {
		for c := range channels {
			f := 0.0
			for j, o := range t.Offset {
				f += float64(t.Weight[j]) * float64(prev[int(o)+c])
			}
			sums[int(t.Point)*groups+c/(channels/groups)] += float64(cur[int(t.Pixel)+c]) * f
		}
	}
}

// randomTaps returns taps of points in maps of that many pixels.
func randomTaps(rng *rand.Rand, n, points, pixels, channels int) []Tap {
	taps := make([]Tap, n)
	for i := range taps {
		t := &taps[i]
		t.Point, t.Pixel = rng.Int32N(int32(points)), int32(rng.IntN(pixels)*channels)
		fx, fy := rng.Float32(), rng.Float32()
		t.Weight = [4]float32{(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy}
		for j := range t.Offset {
			t.Offset[j] = int32(rng.IntN(pixels) * channels)
		}
	}
	return taps
}

func TestCorrelate(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, shape := range [][2]int{{1, 1}, {8, 8}, {16, 8}, {24, 8}, {32, 8}, {64, 8}, {12, 4}, {7, 1}, {33, 3}} {
			channels, groups := shape[0], shape[1]
			for _, n := range []int{0, 1, 2, 3, 17} {
				const pixels, points = 9, 5
				cur, prev := normal(rng, pixels*channels), normal(rng, pixels*channels)
				taps := randomTaps(rng, n, points, pixels, channels)
				got := golden.Guard[float32](points*groups, n%4, 7)
				want := make([]float64, points*groups)
				k.correlate(got.Slice, cur, prev, taps, channels, groups)
				naiveCorrelate(want, cur, prev, taps, channels, groups)
				golden.Within(t, fmt.Sprintf("%d channels, %d groups, %d taps", channels, groups, n), widen(got.Slice), want, golden.Bound{Rel: 2e-6})
			}
		}
	})
}

// TestCorrelateSplits checks that a result does not depend on how taps are
// split over calls.
func TestCorrelateSplits(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		cur, prev := normal(rng, 9*32), normal(rng, 9*32)
		taps := randomTaps(rng, 20, 4, 9, 32)
		want := make([]float32, 4*8)
		k.correlate(want, cur, prev, taps, 32, 8)
		for split := range taps {
			got := make([]float32, 4*8)
			k.correlate(got, cur, prev, taps[:split], 32, 8)
			k.correlate(got, cur, prev, taps[split:], 32, 8)
			golden.Within(t, fmt.Sprintf("split at %d", split), got, want, golden.Bound{})
		}
	})
}

func TestCorrelateKeepsToItsSums(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		cur, prev := normal(rng, 4*16), normal(rng, 4*16)
		prev[3] = nan
		g := golden.Guard[float32](3*8, 3, 7)
		k.correlate(g.Slice, cur, prev, []Tap{{Point: 1, Pixel: 16, Offset: [4]int32{0, 0, 16, 16}, Weight: [4]float32{0.5, 0, 0.5, 0}}}, 16, 8)
		for i, v := range g.Slice {
			wantNaN := i == 8+3/2
			if isNaN := v != v; isNaN != wantNaN || i/8 != 1 && v != 0 {
				t.Errorf("sum %d is %v", i, v)
			}
		}
		g.Check(t, "sums")
	})
}

func randomNetwork(rng *rand.Rand, groups int) *Network {
	return &Network{
		Groups:  groups,
		Weight0: normal(rng, Hidden0*groups), Bias0: normal(rng, Hidden0),
		Weight1: normal(rng, Hidden1*Hidden0), Bias1: normal(rng, Hidden1),
		Weight2: normal(rng, Hidden1), Bias2: float32(rng.NormFloat64()),
	}
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

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(x[i])
	}
	return y
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
			golden.Within(t, fmt.Sprintf("%d bins", n), widen(g.Slice), naiveSoftmax(x), golden.Bound{Abs: 1e-5})
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

func TestLengthsAreChecked(t *testing.T) {
	for name, call := range map[string]func(){
		"suppress":   func() { Suppress(make([]float32, 2), make([]float32, 3)) },
		"groups":     func() { Correlate(nil, nil, nil, nil, 10, 4) },
		"no groups":  func() { Correlate(nil, nil, nil, nil, 10, 0) },
		"similarity": func() { Similarity(make([]float32, 2), make([]float32, 3), &Network{Groups: 2}) },
		"softmax":    func() { Softmax(make([]float32, 2), make([]float32, 3)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}
