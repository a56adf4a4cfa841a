package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
	for set, k := range golden.Runnable(Table) {
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

// naivePick is the package comment's loop, of one pixel.
func naivePick(left, penalties []float32, k int) (samples []int32) {
	for {
		best := 0
		for i, x := range left {
			if x > left[best] || left[best] != left[best] && x == x {
				best = i
			}
		}
		if samples = append(samples, int32(best)); len(samples) == k {
			break
		}
		for i := range left {
			left[i] += penalties[len(left)-1+i-best]
		}
	}
	slices.Sort(samples)
	return samples
}

func TestPick(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for n := 1; n < 150; n++ {
			for pixels := range 4 {
				x, p := normal(rng, n*pixels), normal(rng, 2*n-1)
				for i := range x {
					x[i] = float32(int(x[i] * 2)) // ties
				}
				for i := range p {
					p[i] = float32(int(p[i]))
				}
				logits, left := guarded(x, pixels), golden.Guard[float32](n, pixels, 7)
				each := 1 + rng.IntN(20)
				samples, want := golden.Guard[int32](pixels*each, pixels, -7), []int32{}
				k.Pick(samples.Slice, logits.Slice, left.Slice, p)
				for i := range pixels {
					want = append(want, naivePick(slices.Clone(x[i*n:][:n]), p, each)...)
				}
				golden.Within(t, fmt.Sprintf("%d bins: samples", n), samples.Slice, want, golden.Bound{})
				golden.Within(t, "logits", logits.Slice, x, golden.Bound{})
				left.Check(t, "what is left")
				samples.Check(t, "samples")
			}
		}
	})
}

func TestPickSpecialValues(t *testing.T) {
	each(t, func(t *testing.T, k implementation, _ *rand.Rand) {
		for _, c := range []struct {
			logits []float32
			want   []int32
		}{
			{[]float32{nan, nan}, []int32{0, 0}},
			{[]float32{nan, -3, 2, nan}, []int32{1, 2}},
			{[]float32{-inf, -inf}, []int32{0, 0}},
			{[]float32{nan, -inf, nan}, []int32{0, 0}},
			{[]float32{-inf, 1, inf, inf}, []int32{2, 2}},
			{[]float32{5, 5, 5}, []int32{0, 1}},
		} {
			for _, before := range []int{0, 1, 5, 16, 31, 40, 64, 100, 108, 109, 110} { // bins that are never picked
				if before > 0 && c.want[0] == 0 {
					continue
				}
				logits := append(slices.Repeat([]float32{-inf}, before), c.logits...)
				penalties := make([]float32, 2*len(logits)-1)
				penalties[len(logits)-1] = -1000
				got := make([]int32, 2)
				k.Pick(got, logits, make([]float32, len(logits)), penalties)
				for i, w := range c.want {
					if int(got[i]) != before+int(w) {
						t.Errorf("%v after %d: picked %v, want %v", c.logits, before, got, c.want)
					}
				}
			}
		}
	})
}

func TestInterleave(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, shape := range shapes {
			channels, groups := shape[0], shape[1]
			for n := range 6 {
				x := normal(rng, n*channels)
				g := golden.Guard[float32](len(x), n%4, 7)
				k.interleave(g.Slice, x, channels, groups)
				for i, v := range x {
					c := i % channels
					if got := g.Slice[i-c+c%(channels/groups)*groups+c/(channels/groups)]; got != v {
						t.Fatalf("%d channels, %d groups: channel %d of descriptor %d is lost", channels, groups, c, i/channels)
					}
				}
				g.Check(t, "descriptors")
			}
		}
	})
}

// shapes are channels and their groups.
var shapes = [][2]int{{1, 1}, {8, 8}, {16, 8}, {24, 8}, {32, 8}, {64, 8}, {128, 8}, {64, 4}, {32, 16}, {96, 32}, {12, 4}, {7, 1}, {33, 3}}

// naiveCorrelate is the package comment's loop in float64.
func naiveCorrelate(sums []float64, cur, prev []float32, t *Taps, groups int) {
	eachSeen(t, func(batch, n, point, pixel int) {
		for c := range t.Channels {
			f := 0.0
			for j, o := range [4]int{0, t.Right, t.Below, t.Below + t.Right} {
				f += float64(t.Weight[batch][j][n]) * float64(prev[int(t.Offset[batch][n])+o+c])
			}
			sums[point*groups+c%groups] += float64(cur[t.First+int(t.own[pixel])+c]) * f
		}
	})
}

// eachSeen calls visit for each point that is seen: a batch's n-th, its number and that of its
// pixel.
func eachSeen(t *Taps, visit func(batch, n, point, pixel int)) {
	pixels := t.Block * t.Block
	batch := 0
	for k := range len(t.Seen) * lanes / len(t.own) {
		for pixel := range pixels {
			if n := pixel % lanes; t.Seen[batch+pixel/lanes]>>n&1 == 1 {
				visit(batch+pixel/lanes, n, k*pixels+pixel, pixel)
			}
		}
		batch += len(t.own) / lanes
	}
}

// randomTaps returns taps in a map of three coarse pixels, of the middle one. Batches
// are full, half full and empty.
func randomTaps(rng *rand.Rand, block, samples, channels int) *Taps {
	t := NewTaps(Grid{Map: geom.Size{Width: 3 * block, Height: block + 1}, Block: block, Channels: channels}, samples)
	t.place(1, 0)
	for i := range t.Seen {
		if t.Seen[i] = uint16(rng.Uint32()); rng.IntN(3) > 0 {
			t.Seen[i] = uint16(rng.IntN(2) * 0xffff)
		}
		if rest := block*block - i*lanes%len(t.own); rest < lanes {
			t.Seen[i] &= 1<<rest - 1
		}
		for n := range lanes {
			t.Offset[i][n] = int32((rng.IntN(t.Map.Height-1)*t.Map.Width + rng.IntN(t.Map.Width-1)) * channels)
			fx, fy := rng.Float32(), rng.Float32()
			for j, w := range [4]float32{(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy} {
				t.Weight[i][j][n] = w
			}
			if t.Seen[i]>>n&1 == 0 {
				t.Offset[i][n] = -1 << 31
			}
		}
	}
	return t
}

// part returns some of the samples.
func part(t *Taps, from, to int) *Taps {
	p, each := *t, len(t.own)/lanes
	p.Seen, p.Offset, p.Weight = t.Seen[from*each:to*each], t.Offset[from*each:to*each], t.Weight[from*each:to*each]
	return &p
}

func TestCorrelate(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, shape := range shapes {
			channels, groups := shape[0], shape[1]
			for block := 1; block <= 5; block++ {
				samples := rng.IntN(8)
				taps := randomTaps(rng, block, samples, channels)
				cur, prev := normal(rng, taps.Map.Pixels()*channels), normal(rng, taps.Map.Pixels()*channels)
				before := normal(rng, samples*block*block*groups)
				got := guarded(before, block%4)
				want := widen(before)
				k.correlate(got.Slice, cur, prev, taps, groups)
				naiveCorrelate(want, cur, prev, taps, groups)
				golden.Within(t, fmt.Sprintf("%d channels, %d groups, %d samples", channels, groups, samples), widen(got.Slice), want, golden.Bound{Rel: 2e-6})
				generic.correlate(before, cur, prev, taps, groups)
				golden.Within(t, "as generic", got.Slice, before, golden.Bound{})
				got.Check(t, "sums")
			}
		}
	})
}

// TestCorrelateSplits checks that a result does not depend on how samples are
// split over calls.
func TestCorrelateSplits(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, channels := range []int{32, 64} {
			const samples, each = 7, 16 * 8
			taps := randomTaps(rng, 4, samples, channels)
			cur, prev := normal(rng, taps.Map.Pixels()*channels), normal(rng, taps.Map.Pixels()*channels)
			want := make([]float32, samples*each)
			k.correlate(want, cur, prev, taps, 8)
			for split := range samples {
				got := make([]float32, samples*each)
				k.correlate(got[:split*each], cur, prev, part(taps, 0, split), 8)
				k.correlate(got[split*each:], cur, prev, part(taps, split, samples), 8)
				golden.Within(t, fmt.Sprintf("split at %d", split), got, want, golden.Bound{})
			}
		}
	})
}

// TestCorrelateKeepsToItsSums: NaN in a descriptor reaches the sums of its group, of
// the points that see it or are its.
func TestCorrelateKeepsToItsSums(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, channels := range []int{16, 64} {
			taps := randomTaps(rng, 4, 2, channels)
			taps.Seen[0], taps.Seen[1] = 0b110, 0b1011
			taps.Offset[0], taps.Offset[1] = [lanes]int32{}, [lanes]int32{}
			cur, prev := normal(rng, taps.Map.Pixels()*channels), normal(rng, taps.Map.Pixels()*channels)
			prev[channels-5], cur[taps.First+int(taps.own[3])+2] = nan, nan
			g := golden.Guard[float32](2*16*8, 3, 7)
			k.correlate(g.Slice, cur, prev, taps, 8)
			for i, v := range g.Slice {
				point, group := i/8, i%8
				seen := taps.Seen[point/16]>>(point%16)&1 == 1
				wantNaN := seen && (group == (channels-5)%8 || point%16 == 3 && group == 2)
				if isNaN := v != v; isNaN != wantNaN || !seen && v != 0 {
					t.Errorf("sum %d of point %d is %v", group, point, v)
				}
			}
			g.Check(t, "sums")
		}
	})
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(x[i])
	}
	return y
}

func TestSpread(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for bins := 1; bins < 120; bins++ {
			samples := []int32{}
			for b := range int32(bins) {
				if rng.IntN(3+bins/8) == 0 {
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
			got := golden.Guard[float32](bins, bins%4, 7)
			k.spread(got.Slice, before, samples, logits)
			golden.Within(t, fmt.Sprintf("%d bins, samples %v", bins, samples), widen(got.Slice), want, golden.Bound{Abs: 2e-6})
			got.Check(t, "bins")
			exact := make([]float32, bins)
			spreadGeneric(exact, before, samples, logits)
			golden.Within(t, "every bit", got.Slice, exact, golden.Bound{})
			k.spread(before, before, samples, logits) // in place
			golden.Within(t, "in place", before, exact, golden.Bound{})
		}
	})
}

func TestLengthsAreChecked(t *testing.T) {
	k := Table[isa.Generic]
	for name, call := range map[string]func(){
		"descriptors": func() { k.Interleave(make([]float32, 9), make([]float32, 9), 8, 4) },
		"copies":      func() { k.Interleave(make([]float32, 8), make([]float32, 16), 8, 4) },
		"penalties":   func() { k.Pick(make([]int32, 2), make([]float32, 2), make([]float32, 2), make([]float32, 4)) },
		"pixels":      func() { k.Pick(make([]int32, 2), make([]float32, 3), make([]float32, 2), make([]float32, 3)) },
		"picks":       func() { k.Pick(make([]int32, 3), make([]float32, 4), make([]float32, 2), make([]float32, 3)) },
		"no picks":    func() { k.Pick(nil, make([]float32, 2), make([]float32, 2), make([]float32, 3)) },
		"groups":      func() { k.Correlate(nil, nil, nil, &Taps{Grid: Grid{Channels: 10}}, 4) },
		"no groups":   func() { k.Correlate(nil, nil, nil, &Taps{Grid: Grid{Channels: 10}}, 0) },
		"similarity":  func() { k.Similarity(make([]float32, 2), make([]float32, 3), &Network{Groups: 2}) },
		"taps":        func() { k.Project(NewTaps(Grid{Block: 2}, 1), &Projection{}, 0, 0, make([]float64, 2)) },
		"samples":     func() { k.Spread(make([]float32, 4), make([]float32, 4), []int32{1, 2}, make([]float32, 3)) },
		"no samples":  func() { k.Spread(make([]float32, 4), make([]float32, 4), nil, nil) },
		"bins":        func() { k.Spread(make([]float32, 4), make([]float32, 4), []int32{1, 4}, make([]float32, 2)) },
		"logits":      func() { k.Spread(make([]float32, 4), make([]float32, 5), []int32{1, 3}, make([]float32, 2)) },
		"softmax":     func() { k.Softmax(make([]float32, 2), make([]float32, 3)) },
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
