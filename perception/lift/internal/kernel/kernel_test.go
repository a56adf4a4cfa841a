package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
)

// implementation is an entry of the table.
type implementation struct {
	Kernels
	name string
}

// implementations returns all that this build has.
func implementations() (all []implementation) {
	for set, k := range golden.Runnable(Table) {
		all = append(all, implementation{k, string(set)})
	}
	return all
}

// TestTable: every entry is whole, and the set that SOLOFUSION_REQUIRE_KERNELS
// names is among them.
func TestTable(t *testing.T) { golden.Kernels(t, Table) }

// naiveCell is one coordinate's cell, by the package comment.
func naiveCell(l Line, depth float64) (cell int, ok bool) {
	v := float64(l.Slope*depth) + l.Offset
	if !(v > -1 && v < l.Cells) {
		return 0, false
	}
	return int(math.Trunc(v)), true
}

// checkRuns compares runs with the cells of the points one by one: each point in
// the grid lies in one run, and no two runs side by side share a cell.
func checkRuns(t *testing.T, name string, runs []Run, cells []int32, ray Ray, depths []float64, first Run) {
	t.Helper()
	got := make([]int32, len(depths))
	for i := range got {
		got[i] = -1
	}
	for i, r := range runs {
		if r.Context != first.Context || r.Bins < 1 {
			t.Fatalf("%s: run %+v of the pixel that begins with %+v", name, r, first)
		}
		if i > 0 && cells[i] == cells[i-1] && runs[i-1].Depth+runs[i-1].Bins == r.Depth {
			t.Fatalf("%s: runs %d and %d could be one", name, i-1, i)
		}
		for b := range r.Bins {
			got[r.Depth-first.Depth+b] = cells[i]
		}
	}
	for b, d := range depths {
		want := int32(-1)
		x, inX := naiveCell(ray.X, d)
		y, inY := naiveCell(ray.Y, d)
		if _, inZ := naiveCell(ray.Z, d); inX && inY && inZ {
			want = int32(y*int(ray.X.Cells) + x)
		}
		if got[b] != want {
			t.Fatalf("%s: point %d is in cell %d, want %d", name, b, got[b], want)
		}
	}
}

func randomRay(rng *rand.Rand) Ray {
	line := func() Line {
		return Line{Slope: rng.NormFloat64(), Offset: rng.NormFloat64() * 5, Cells: float64(1 + rng.IntN(9))}
	}
	return Ray{line(), line(), line()}
}

func bins(n int) []float64 {
	d := make([]float64, n)
	for i := range d {
		d[i] = 1 + 0.25*float64(i)
	}
	return d
}

func TestFindRuns(t *testing.T) {
	for _, k := range implementations() {
		rng := rand.New(rand.NewPCG(5, 2))
		for n := range 70 {
			for range 20 {
				ray, depths, first := randomRay(rng), bins(n), Run{Depth: 7, Context: 3}
				runs, cells := make([]Run, n+1), golden.Guard[int32](n, n%4, -9)
				runs[n] = Run{Bins: -5}
				found := k.FindRuns(runs[:n:n], cells.Slice, ray, depths, first)
				checkRuns(t, k.name, runs[:found], cells.Slice, ray, depths, first)
				cells.Check(t, k.name)
				if runs[n].Bins != -5 {
					t.Fatalf("%s: what lies beyond the bins is written", k.name)
				}
			}
		}
	}
}

// TestTruncation pins the rule at the grid's borders: up to one cell below the
// lower bound is the first cell, the upper bound is outside.
func TestTruncation(t *testing.T) {
	for _, k := range implementations() {
		for _, c := range []struct {
			at   float64
			cell int32 // -1 outside
		}{
			{-1, -1}, {-0.995, 0}, {0, 0}, {0.995, 0}, {1, 1}, {10.995, 10}, {11, -1},
			{math.NaN(), -1}, {math.Inf(1), -1}, {math.Inf(-1), -1},
		} {
			ray := Ray{Line{0, c.at, 11}, Line{0, 0, 1}, Line{0, 0, 1}}
			runs, cells := make([]Run, 1), make([]int32, 1)
			got := int32(-1)
			if k.FindRuns(runs, cells, ray, []float64{1}, Run{}) > 0 {
				got = cells[0]
			}
			if got != c.cell {
				t.Errorf("%s: %v is in cell %d, want %d", k.name, c.at, got, c.cell)
			}
		}
	}
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

const binsInScene = 20

// scene is random maps and runs in them.
type scene struct {
	depth, context []float32
	runs           []Run
}

func newScene(rng *rand.Rand, channels, runs int) scene {
	const pixels, bins = 6, binsInScene
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

// sum weighs and accumulates.
func sum(k implementation, dst, depth, context []float32, runs []Run) {
	weights := make([]float32, len(runs))
	k.weigh(weights, depth, runs)
	k.accumulate(dst, weights, context, runs)
}

func check(t *testing.T, name string, got []float32, s scene) {
	t.Helper()
	want, magnitude := naive(len(got), s.depth, s.context, s.runs)
	most := float64(len(s.runs)+binsInScene+1) * 0x1p-24 // a rounding for each addition and product
	for c := range got {
		if d := math.Abs(float64(got[c]) - want[c]); !(d <= most*magnitude[c]) {
			t.Errorf("%s: channel %d of %d is %v, want %v", name, c, len(got), got[c], want[c])
		}
	}
}

func TestAccumulate(t *testing.T) {
	for _, k := range implementations() {
		rng := rand.New(rand.NewPCG(5, 1))
		for channels := range 100 {
			for _, runs := range []int{0, 1, 2, 5, 30} {
				s := newScene(rng, channels, runs)
				dst := golden.Guard[float32](channels, runs%4, 7)
				for i := range dst.Slice {
					dst.Slice[i] = 99 // is overwritten
				}
				sum(k, dst.Slice, s.depth, s.context, s.runs)
				check(t, fmt.Sprintf("%s, %d runs", k.name, runs), dst.Slice, s)
				want := make([]float32, channels)
				sum(implementation{Kernels: generic}, want, s.depth, s.context, s.runs)
				golden.Within(t, k.name+" as generic", dst.Slice, want, golden.Bound{})
				dst.Check(t, k.name)
			}
		}
	}
}

func TestAccumulatePropagates(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, k := range implementations() {
		dst := make([]float32, 4)
		sum(k, dst, []float32{0, 1, 2}, []float32{1, nan, inf, -inf}, []Run{{Depth: 1, Bins: 2}})
		golden.Within(t, k.name, dst, []float32{3, nan, inf, -inf}, golden.Bound{})
		sum(k, dst, []float32{0, 1, nan}, []float32{1, 1, 1, 1}, []Run{{Depth: 1, Bins: 2}})
		golden.Within(t, k.name, dst, []float32{nan, nan, nan, nan}, golden.Bound{})
	}
}

func TestLengthsAreChecked(t *testing.T) {
	k := Table[isa.Generic]
	for name, call := range map[string]func(){
		"runs":       func() { k.FindRuns(make([]Run, 2), make([]int32, 3), Ray{}, make([]float64, 3), Run{}) },
		"weights":    func() { k.Weigh(make([]float32, 1), nil, make([]Run, 2)) },
		"accumulate": func() { k.Accumulate(nil, make([]float32, 1), nil, make([]Run, 2)) },
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
