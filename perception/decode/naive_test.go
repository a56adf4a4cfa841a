package decode

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/decode/internal/kernel"
)

// place is a candidate of the naive decoder.
type place struct {
	score       float32
	class, cell int
}

// naive is the decoder in its plainest form: it sorts all candidates, and compares each
// box with each better one that stayed.
func naive(c *Config, dst []perception.Detection, maps []Maps) []perception.Detection {
	d := New(*c, compute.Resources{})
	for t := range maps {
		var places []place
		for class := range c.Tasks[t].Classes {
			var all []place
			for cell, logit := range maps[t].Heatmap[class*d.cells:][:d.cells] {
				if s := sigmoid(logit); s > c.Threshold {
					all = append(all, place{s, class, cell})
				}
			}
			places = append(places, sorted(all, c.Max)...)
		}
		var boxes []box
		for _, p := range sorted(places, c.Max) {
			b := box{class: p.class, detection: d.box(&maps[t], p.cell, p.cell)}
			b.detection.Class, b.detection.Score = c.Tasks[t].Classes[p.class], p.score
			if d.wanted(&b.detection) {
				boxes = append(boxes, b)
			}
		}
		for _, i := range naiveKeep(c.Tasks[t].NMS, boxes) {
			dst = append(dst, boxes[i].detection)
		}
	}
	return dst
}

func sorted(places []place, most int) []place {
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.class, b.class), cmp.Compare(a.cell, b.cell))
	})
	return places[:min(most, len(places))]
}

func naiveKeep(nms NMS, boxes []box) []int {
	var kept []int
	post := 0
	suppresses := func(i, j int) bool { return false }
	switch n := nms.(type) {
	case Circle:
		post = n.Post
		suppresses = func(i, j int) bool {
			a, b := boxes[i].detection.Center, boxes[j].detection.Center
			dx, dy := a[0]-b[0], a[1]-b[1]
			return dx*dx+dy*dy <= n.Radius2
		}
	case Rotated:
		boxes, post = boxes[:min(n.Pre, len(boxes))], n.Post
		suppresses = func(i, j int) bool {
			a := footprint(&boxes[i].detection, n.Factors[boxes[i].class])
			b := footprint(&boxes[j].detection, n.Factors[boxes[j].class])
			if math.Hypot(a.center.x-b.center.x, a.center.y-b.center.y) > a.radius+b.radius {
				return 0 > n.IoU
			}
			common := a.intersection(&b)
			return common > 0 && common/(a.area+b.area-common) > n.IoU
		}
	}
	for j := range boxes {
		if len(kept) < post && !slices.ContainsFunc(kept, func(i int) bool { return suppresses(i, j) }) {
			kept = append(kept, j)
		}
	}
	return kept
}

// TestAppendEqualsNaive: every kernel set gives the naive decoder's detections to the
// bit, whether there are few candidates or many, with different scores or equal ones.
func TestAppendEqualsNaive(t *testing.T) {
	for _, share := range []float64{0, 0.0005, 0.01, 0.2} {
		for _, coarse := range []bool{false, true} {
			c := full()
			c.Max = 60
			maps := randomMaps(c, share, coarse)
			maps[2].Heatmap[5], maps[2].Heatmap[9] = float32(math.NaN()), float32(math.Inf(1))
			maps[0].Dim[7] = float32(math.Inf(-1))
			want := naive(&c, nil, maps)
			for set := range golden.Runnable(kernel.Table) {
				d := New(c, compute.Resources{Kernels: set})
				for range 2 { // the second time with used buffers
					if got := d.Append(nil, maps); !slices.Equal(got, want) {
						t.Errorf("%s, share %v, coarse %v: %d detections differ from %d", set, share, coarse, len(got), len(want))
					}
				}
			}
		}
	}
}

// TestAppendDoesNotAllocate: all but the result is in buffers that are kept.
func TestAppendDoesNotAllocate(t *testing.T) {
	c := full()
	d, maps := New(c, compute.Resources{}), randomMaps(c, 0.003, false)
	dst := d.Append(nil, maps)
	if n := testing.AllocsPerRun(5, func() { dst = d.Append(dst[:0], maps) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestKernels: what runs is the set that was asked for.
func TestKernels(t *testing.T) {
	for set := range golden.Runnable(kernel.Table) {
		d := New(reference(), compute.Resources{Kernels: set})
		if d.Kernels() != set {
			t.Errorf("%s: kernels %s", set, d.Kernels())
		}
		golden.RunsSet(t, kernel.Table, set, d.kernel)
	}
}

func TestBestEqualsSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		largest := rapid.SampledFrom([]uint64{1, 5, math.MaxUint64}).Draw(t, "largest")
		var all []candidate
		for _, v := range rapid.SliceOfN(rapid.Uint64Range(0, largest), 0, 300).Draw(t, "candidates") {
			all = append(all, candidate(v))
		}
		n := rapid.IntRange(0, 320).Draw(t, "n")
		want := slices.Sorted(slices.Values(all))
		want = want[:min(n, len(want))]
		got := best(all, n)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the first %d: got %v, want %v", n, got, want)
		}
	})
}

func TestCandidateIsOrdered(t *testing.T) {
	order := []candidate{
		newCandidate(1, 5), newCandidate(0.5, 0), newCandidate(0.5, 7), newCandidate(1e-30, 1<<31),
		newCandidate(0, 0), newCandidate(0, math.MaxUint32),
	}
	if !slices.IsSorted(order) {
		t.Errorf("%x", order)
	}
	if c := order[3]; c.score() != 1e-30 || c.index() != 1<<31 {
		t.Errorf("score %v, index %d", c.score(), c.index())
	}
}

// TestApart: circles that touch are never apart, whatever their size.
func TestApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) float64 {
			scale := rapid.SampledFrom([]float64{0, 1e-310, 1e-160, 1, 1e160, 1e300}).Draw(t, "scale")
			return scale * rapid.Float64Range(0, 2).Draw(t, name)
		}
		a, b := rectangle{radius: number("radius")}, rectangle{radius: number("radius")}
		if b.center = (point{number("x"), number("y")}); rapid.Bool().Draw(t, "touch") {
			b.radius = max(0, math.Nextafter(math.Hypot(b.center.x, b.center.y)-a.radius, number("towards")))
		}
		if got, want := a.apart(&b), math.Hypot(b.center.x, b.center.y) > a.radius+b.radius; got != want {
			t.Errorf("apart %v, want %v", got, want)
		}
	})
}
