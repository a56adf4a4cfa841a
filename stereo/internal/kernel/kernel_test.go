package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
)

// implementation is an entry of the table.
type implementation struct {
	Kernels
	name isa.Set
}

// implementations returns all that this build has.
func implementations() (all []implementation) {
	for set, k := range Table {
		all = append(all, implementation{k, set})
	}
	return all
}

// each runs a test for every implementation, with the same random numbers.
func each(t *testing.T, test func(t *testing.T, k implementation, rng *rand.Rand)) {
	t.Helper()
	for _, k := range implementations() {
		t.Run(string(k.name), func(t *testing.T) { test(t, k, rand.New(rand.NewPCG(3, 1))) })
	}
}

// TestTable: every entry is whole, and the set that SOLOFUSION_REQUIRE_KERNELS
// names is among them.
func TestTable(t *testing.T) { golden.Kernels(t, Table) }

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

// randomProjection is one of a camera that moved and turned a little; small maps,
// so that points fall on borders and outside.
func randomProjection(rng *rand.Rand) *Projection {
	stride, block := 1+rng.IntN(4), 1+rng.IntN(3)
	m := geom.Size{Width: 2 + rng.IntN(6), Height: 2 + rng.IntN(4)}
	p := &Projection{
		Image: m.Times(stride), Map: m, Stride: stride, Block: block, Channels: 1 + rng.IntN(9),
		Shift: geom.Vec3{rng.NormFloat64() * 20, rng.NormFloat64() * 20, rng.NormFloat64() * 3},
		Ray:   geom.Identity3(),
	}
	for i := range p.Ray {
		p.Ray[i] += rng.NormFloat64() * 0.02
	}
	return p
}

// naiveTaps is the package comment's loop. The weights of a tap are those of the
// map's pixels by their distance.
func naiveTaps(p *Projection, x, y int, depths []float64) (points []int32, weights []map[int32]float64) {
	for i := range p.Block * p.Block * len(depths) {
		pixel, d := i/len(depths), depths[i%len(depths)]
		sx, sy := x*p.Block+pixel%p.Block, y*p.Block+pixel/p.Block
		s := float64(p.Stride)
		q := p.Ray.Apply(geom.Vec3{(float64(sx) + 0.5) * s, (float64(sy) + 0.5) * s, 1}).Scale(d).Add(p.Shift)
		u, v := q[0]/q[2], q[1]/q[2]
		if !(q[2] > MinDepth && u > 0 && u < float64(p.Image.Width) && v > 0 && v < float64(p.Image.Height)) {
			continue
		}
		w := map[int32]float64{}
		for at := range p.Map.Pixels() {
			wx := 1 - math.Abs(u/s-0.5-float64(at%p.Map.Width))
			wy := 1 - math.Abs(v/s-0.5-float64(at/p.Map.Width))
			if wx > 0 && wy > 0 {
				w[int32(at*p.Channels)] = wx * wy
			}
		}
		points, weights = append(points, int32(i)), append(weights, w)
	}
	return points, weights
}

func checkTaps(t *testing.T, name string, taps []Tap, p *Projection, x, y int, depths []float64) {
	t.Helper()
	points, weights := naiveTaps(p, x, y, depths)
	if len(taps) != len(points) {
		t.Fatalf("%s: %d taps, want %d", name, len(taps), len(points))
	}
	for i, tap := range taps {
		pixel := int(points[i]) / len(depths)
		own := ((y*p.Block+pixel/p.Block)*p.Map.Width + x*p.Block + pixel%p.Block) * p.Channels
		if tap.Point != points[i] || int(tap.Pixel) != own {
			t.Fatalf("%s: tap %d is point %d at %d, want point %d at %d", name, i, tap.Point, tap.Pixel, points[i], own)
		}
		sum := map[int32]float64{}
		for j, o := range tap.Offset {
			if o < 0 || int(o) > (p.Map.Pixels()-1)*p.Channels || int(o)%p.Channels != 0 {
				t.Fatalf("%s: offset %d is outside the map", name, o)
			}
			sum[o] += float64(tap.Weight[j])
		}
		for o, w := range sum {
			if math.Abs(w-weights[i][o]) > 1e-6 {
				t.Fatalf("%s: tap %d weighs element %d by %v, want %v", name, i, o, w, weights[i][o])
			}
		}
	}
}

func TestProject(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		seen := 0
		for i := range 500 {
			p := randomProjection(rng)
			depths := make([]float64, 1+rng.IntN(9))
			for j := range depths {
				depths[j] = 1 + 60*rng.Float64()
			}
			x, y := rng.IntN(max(1, p.Map.Width/p.Block)), rng.IntN(max(1, p.Map.Height/p.Block))
			taps := make([]Tap, p.Block*p.Block*len(depths)+2)
			guard := Tap{Point: -7}
			taps[len(taps)-1] = guard
			n := k.project(taps, p, x, y, depths)
			checkTaps(t, fmt.Sprint(i), taps[:n], p, x, y, depths)
			if taps[len(taps)-1] != guard {
				t.Fatal("what lies beyond the points is written")
			}
			seen += n
		}
		if seen < 1000 {
			t.Errorf("%d points are seen, too few to prove anything", seen)
		}
	})
}

// TestProjectIgnoresWhatIsNotFinite: a broken pose makes no tap.
func TestProjectIgnoresWhatIsNotFinite(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for axis := range 3 {
				p := randomProjection(rng)
				p.Shift[axis] = bad
				taps := make([]Tap, p.Block*p.Block*2)
				if n := k.project(taps, p, 0, 0, []float64{1, 2}); n != 0 && !math.IsInf(bad, 1) {
					t.Errorf("shift %v: %d taps", p.Shift, n)
				}
			}
		}
	})
}

func TestSpread(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for bins := 1; bins < 40; bins++ {
			samples := []int32{}
			for b := range int32(bins) {
				if rng.IntN(3) == 0 {
					samples = append(samples, b)
				}
			}
			if len(samples) == 0 {
				samples = []int32{rng.Int32N(int32(bins))}
			}
			logits, before := normal(rng, len(samples)), normal(rng, bins)
			want := widen(before)
			for j := range len(samples) - 1 {
				a, b := samples[j], samples[j+1]
				for at := a; at < b; at++ {
					f := float64(at-a) / float64(b-a)
					want[at] += (1-f)*float64(logits[j]) + f*float64(logits[j+1])
				}
			}
			want[samples[len(samples)-1]] += float64(logits[len(logits)-1])
			got := guarded(before, bins%4)
			k.spread(got.Slice, samples, logits)
			golden.Within(t, fmt.Sprintf("%d bins, samples %v", bins, samples), widen(got.Slice), want, golden.Bound{Abs: 2e-6})
			got.Check(t, "bins")
		}
	})
}

func TestLengthsAreChecked(t *testing.T) {
	k := Table[isa.Generic]
	for name, call := range map[string]func(){
		"suppress":   func() { k.Suppress(make([]float32, 2), make([]float32, 3)) },
		"groups":     func() { k.Correlate(nil, nil, nil, nil, 10, 4) },
		"no groups":  func() { k.Correlate(nil, nil, nil, nil, 10, 0) },
		"similarity": func() { k.Similarity(make([]float32, 2), make([]float32, 3), &Network{Groups: 2}) },
		"taps":       func() { k.Project(make([]Tap, 7), &Projection{Block: 2}, 0, 0, make([]float64, 2)) },
		"samples":    func() { k.Spread(make([]float32, 4), []int32{1, 2}, make([]float32, 3)) },
		"no samples": func() { k.Spread(make([]float32, 4), nil, nil) },
		"bins":       func() { k.Spread(make([]float32, 4), []int32{1, 4}, make([]float32, 2)) },
		"softmax":    func() { k.Softmax(make([]float32, 2), make([]float32, 3)) },
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
