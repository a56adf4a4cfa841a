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
func checkRuns(t *testing.T, name string, n int, cells []int32, marks []Marks, ray Ray, depths []float64) {
	t.Helper()
	found, last := 0, int32(outside)
	for b, d := range depths {
		m := marks[b/16]
		begins, continues := m.Begins>>(b%16)&1 != 0, m.Continues>>(b%16)&1 != 0
		want := int32(outside)
		x, inX := naiveCell(ray.X, d)
		y, inY := naiveCell(ray.Y, d)
		if _, inZ := naiveCell(ray.Z, d); inX && inY && inZ {
			want = int32(y*int(ray.X.Cells) + x)
		}
		if in := want != outside; begins != (in && want != last) || continues != (in && want == last) {
			t.Fatalf("%s: point %d in cell %d, after one in %d: a run begins %v, continues %v", name, b, want, last, begins, continues)
		}
		if begins {
			if found >= n || cells[found] != want {
				t.Fatalf("%s: run %d of %d is in another cell than %d", name, found, n, want)
			}
			found++
		}
		last = want
	}
	if found != n {
		t.Fatalf("%s: %d runs, want %d", name, n, found)
	}
	if left := len(depths) % 16; left > 0 {
		if m := marks[len(marks)-1]; (m.Begins|m.Continues)>>left != 0 {
			t.Fatalf("%s: marks %+v of %d bins", name, m, left)
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
				ray, depths := randomRay(rng), bins(n)
				cells, marks := golden.Guard[int32](n, n%4, -9), golden.Guard(MarksOf(n), n%3, Marks{7, 7})
				found := k.FindRuns(cells.Slice, marks.Slice, ray, depths)
				checkRuns(t, k.name, found, cells.Slice, marks.Slice, ray, depths)
				cells.Check(t, k.name)
				marks.Check(t, k.name)
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
			cells, marks := make([]int32, 1), make([]Marks, 1)
			got := int32(-1)
			if k.FindRuns(cells, marks, ray, []float64{1}) > 0 {
				got = cells[0]
			}
			if got != c.cell {
				t.Errorf("%s: %v is in cell %d, want %d", k.name, c.at, got, c.cell)
			}
		}
	}
}

// scene is pixels with random bins and runs in them, and a plane.
type scene struct {
	pixels []pixel
	plane  []float32
}

type pixel struct {
	depth   []float32
	marks   []Marks
	runs    [][2]int // first bin, end
	context []float32
	cells   []int32 // of each run, all different
}

// newScene draws pixels with runs of at most so many bins. Pixels that follow each other
// have much the same cells.
func newScene(rng *rand.Rand, pixels, channels, bins, longest int) (s scene) {
	cells := bins + 3
	path := rng.Perm(cells)
	for range pixels {
		p := newPixel(rng, channels, bins, longest)
		for i := range p.runs {
			p.cells = append(p.cells, int32(path[i]))
		}
		s.pixels = append(s.pixels, p)
		i, j := rng.IntN(cells), rng.IntN(cells)
		path[i], path[j] = path[j], path[i]
	}
	s.plane = make([]float32, cells*channels)
	for i := range s.plane {
		s.plane[i] = float32(rng.NormFloat64())
	}
	return s
}

func newPixel(rng *rand.Rand, channels, bins, longest int) pixel {
	p := pixel{depth: make([]float32, bins), marks: make([]Marks, MarksOf(bins)), context: make([]float32, channels)}
	for i := range p.depth {
		p.depth[i] = rng.Float32() / float32(bins)
	}
	for i := range p.context {
		p.context[i] = float32(rng.NormFloat64())
	}
	for b := rng.IntN(3); b < bins; b += rng.IntN(2) {
		end := min(bins, b+1+rng.IntN(longest))
		p.runs = append(p.runs, [2]int{b, end})
		p.marks[b/16].Begins |= 1 << (b % 16)
		for b++; b < end; b++ {
			p.marks[b/16].Continues |= 1 << (b % 16)
		}
	}
	return p
}

// naive is the package comment's loops.
func (s *scene) naive() (weights [][]float32, plane []float32) {
	plane = slices.Clone(s.plane)
	for _, p := range s.pixels {
		var all []float32
		for i, r := range p.runs {
			w := p.depth[r[0]]
			for _, d := range p.depth[r[0]+1 : r[1]] {
				w += d
			}
			all = append(all, w)
			for c, x := range p.context {
				plane[int(p.cells[i])*len(p.context)+c] += float32(w * x)
			}
		}
		weights = append(weights, all)
	}
	return weights, plane
}

// checkSplat compares weighing and accumulating with the loops, bit by bit.
func checkSplat(t *testing.T, k implementation, s scene, offset int) {
	t.Helper()
	wantWeights, wantPlane := s.naive()
	plane := golden.Guard[float32](len(s.plane), offset, 7)
	copy(plane.Slice, s.plane)
	var pixels []Pixel
	for i, p := range s.pixels {
		name := fmt.Sprintf("%s, %d bins", k.name, len(p.depth))
		weights := golden.Guard[float32](len(p.depth), offset, 7)
		k.Weigh(weights.Slice, p.depth, p.marks)
		golden.Within(t, name, weights.Slice[:len(p.runs)], wantWeights[i], golden.Bound{})
		weights.Check(t, name)
		pixels = append(pixels, Pixel{Context: p.context, Weights: weights.Slice[:len(p.runs)], Cells: p.cells})
	}
	name := fmt.Sprintf("%s, %d pixels", k.name, len(pixels))
	k.Accumulate(plane.Slice, pixels)
	golden.Within(t, name, plane.Slice, wantPlane, golden.Bound{})
	plane.Check(t, name)
}

func TestSplat(t *testing.T) {
	for _, k := range implementations() {
		rng := rand.New(rand.NewPCG(5, 1))
		for channels := range 170 {
			for _, bins := range []int{0, 1, 2, 15, 16, 17, 31, 33, 70} {
				checkSplat(t, k, newScene(rng, channels%6, channels, bins, 1+channels%40), channels%4)
			}
		}
	}
}

func TestSplatPropagates(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, k := range implementations() {
		depth, marks := []float32{nan, 1, 2, inf}, []Marks{{Begins: 0b1010, Continues: 0b0100}}
		weights, plane := make([]float32, 4), make([]float32, 10)
		k.Weigh(weights, depth, marks)
		k.Accumulate(plane, []Pixel{{Context: []float32{1, nan, inf, -inf, 0}, Weights: weights[:2], Cells: []int32{1, 0}}})
		golden.Within(t, k.name, plane, []float32{inf, nan, inf, -inf, nan, 3, nan, inf, -inf, 0}, golden.Bound{})
	}
}

func TestLengthsAreChecked(t *testing.T) {
	k := Table[isa.Generic]
	for name, call := range map[string]func(){
		"cells":      func() { k.FindRuns(make([]int32, 2), make([]Marks, 1), Ray{}, make([]float64, 3)) },
		"marks":      func() { k.FindRuns(make([]int32, 17), make([]Marks, 1), Ray{}, make([]float64, 17)) },
		"weights":    func() { k.Weigh(make([]float32, 1), make([]float32, 2), make([]Marks, 1)) },
		"their bins": func() { k.Weigh(make([]float32, 17), make([]float32, 17), make([]Marks, 1)) },
		"accumulate": func() { k.Accumulate(nil, []Pixel{{Weights: make([]float32, 1), Cells: make([]int32, 2)}}) },
		"contexts":   func() { k.Accumulate(nil, []Pixel{{Context: make([]float32, 1)}, {}}) },
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
