package lift

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/perception/lift/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// toy is small enough for many random placements; its grid is not square, and
// the frustums reach beyond it.
var toy = Config{
	Image: geom.Size{Width: 64, Height: 32}, Coarse: geom.Size{Width: 5, Height: 3},
	Depth: geom.Bins{Start: 1, Step: 0.75, Count: 30}, Channels: 3,
	Grid: geom.Grid{X: geom.Axis{-10, 12, 2}, Y: geom.Axis{-9, 9, 1.5}, Z: geom.Axis{-4, 4, 8}},
}

// splat places the cameras and returns the plane.
func splat(l *placed, cameras []geom.Camera, depth, context *tensor.F32) *tensor.F32 {
	plane := tensor.New[float32](1, l.cfg.Grid.Y.Cells(), l.cfg.Grid.X.Cells(), l.cfg.Channels)
	for i := range plane.Data {
		plane.Data[i] = 99 // is overwritten
	}
	l.Place(&l.rig, cameras)
	l.Splat(&l.rig, depth, context, plane)
	return plane
}

func TestSplatAgreesWithTheSpecification(t *testing.T) {
	l := mustNew(t, toy, compute.Resources{})
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		cameras := ring(&toy, rapid.IntRange(0, 4).Draw(rt, "cameras"), rng.Float64()*6)
		for i := range cameras {
			cameras[i].Pose.T = geom.Vec3{rng.NormFloat64() * 5, rng.NormFloat64() * 5, rng.NormFloat64()}
		}
		depth, context := random(rng, &toy, len(cameras))
		got := splat(l, cameras, depth, context)
		want, close := naive(&toy, cameras, depth.Data, context.Data)
		mask(got.Data, want, close, toy.Channels)
		golden.Within(rt, "plane", got.Data, want, golden.Bound{Abs: 1e-6, Rel: 1e-5})
	})
}

// TestBandsHaveAllRuns: each run of a pixel is in the span of the band that has its cell,
// and in no other.
func TestBandsHaveAllRuns(t *testing.T) {
	l := mustNew(t, toy, compute.Resources{})
	l.Place(&l.rig, ring(&toy, 3, 0.3))
	all := 0
	for pixel := range 3 * toy.Coarse.Pixels() {
		runs, found := 0, 0
		for _, m := range l.marksOf(&l.rig, pixel) {
			runs += bits.OnesCount16(m.Begins)
		}
		for band := range l.bands {
			s := l.rig.spans[band*3*toy.Coarse.Pixels()+pixel]
			for _, cell := range binsOf(l.Lifter, l.rig.cells, pixel)[s.from:s.to] {
				if y := int(cell) / toy.Grid.X.Cells(); y/bandRows != band {
					t.Fatalf("pixel %d: band %d has cell %d of row %d", pixel, band, cell, y)
				}
				found++
			}
		}
		if found != runs {
			t.Fatalf("pixel %d: the bands have %d runs, want %d", pixel, found, runs)
		}
		all += runs
	}
	if all == 0 {
		t.Error("no runs")
	}
}

func TestPlaceFollowsTheCameras(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	l := mustNew(t, toy, compute.Resources{})
	for _, n := range []int{2, 4, 3, 0, 3} { // grows, shrinks, loses all
		for _, angle := range []float64{0, 0.2, 0.2} {
			cameras := ring(&toy, n, angle)
			depth, context := random(rng, &toy, n)
			got := splat(l, cameras, depth, context)
			want := splat(mustNew(t, toy, compute.Resources{}), cameras, depth, context)
			golden.Within(t, fmt.Sprintf("%d cameras at %v", n, angle), got.Data, want.Data, golden.Bound{})
		}
	}
}

// TestPlaceFollowsEachCamera: the table is made anew if a single number of a
// single camera changed.
func TestPlaceFollowsEachCamera(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 3))
	depth, context := random(rng, &toy, 3)
	for name, move := range map[string]func(*geom.Camera){
		"rotation":    func(c *geom.Camera) { c.Pose.R = geom.QuatFromYaw(0.3).Mat3().Mul(c.Pose.R) },
		"translation": func(c *geom.Camera) { c.Pose.T[1] += 3 },
		"intrinsics":  func(c *geom.Camera) { c.Intrinsics[0] *= 2 },
		"crop":        func(c *geom.Camera) { c.Augment[3] -= 20 },
	} {
		for i := range 3 {
			l, cameras := mustNew(t, toy, compute.Resources{}), ring(&toy, 3, 0.1)
			before := splat(l, cameras, depth, context)
			move(&cameras[i])
			got, want := splat(l, cameras, depth, context), splat(mustNew(t, toy, compute.Resources{}), cameras, depth, context)
			golden.Within(t, fmt.Sprintf("%s of camera %d", name, i), got.Data, want.Data, golden.Bound{})
			if slices.Equal(want.Data, before.Data) {
				t.Errorf("%s of camera %d: the plane does not show it", name, i)
			}
		}
	}
}

// TestMissingCamera checks that a plane is the sum of the planes of its cameras.
func TestMissingCamera(t *testing.T) {
	l := mustNew(t, toy, compute.Resources{})
	depth, context := random(rand.New(rand.NewPCG(4, 3)), &toy, 3)
	cameras := ring(&toy, 3, 0.1)
	all := splat(l, cameras, depth, context)
	sum := make([]float32, len(all.Data))
	for i := range cameras {
		one := splat(l, cameras[i:i+1], camera(depth, i), camera(context, i))
		for j, v := range one.Data {
			sum[j] += v
		}
	}
	golden.Within(t, "sum of cameras", sum, all.Data, golden.Bound{Rel: 1e-6})
}

// camera returns one camera's map, [1, …], of [N, …].
func camera(a *tensor.F32, i int) *tensor.F32 {
	n := len(a.Data) / a.Shape[0]
	return tensor.From(a.Data[i*n:][:n], append([]int{1}, a.Shape[1:]...)...)
}

// TestWithoutCamerasThePlaneIsZero: also with contexts of no, one and several vectors.
func TestWithoutCamerasThePlaneIsZero(t *testing.T) {
	for set := range golden.Runnable(kernel.Table) {
		for channels := 1; channels <= 160; channels++ {
			c := toy
			c.Channels = channels
			depth, context := random(rand.New(rand.NewPCG(4, 4)), &c, 0)
			got := tensor.New[float32](1, c.Grid.Y.Cells(), c.Grid.X.Cells(), channels)
			for i := range got.Data {
				got.Data[i] = 9
			}
			l := mustNew(t, c, compute.Resources{Kernels: set})
			l.Place(&l.rig, nil)
			l.Splat(&l.rig, depth, context, got)
			golden.Within(t, fmt.Sprintf("%s, %d channels", set, channels), got.Data, make([]float32, len(got.Data)), golden.Bound{})
		}
	}
}

func TestBrokenPoseLiftsNothing(t *testing.T) {
	l := mustNew(t, toy, compute.Resources{})
	cameras := ring(&toy, 1, 0)
	cameras[0].Pose.T[1] = math.NaN()
	depth, context := random(rand.New(rand.NewPCG(4, 4)), &toy, 1)
	got := splat(l, cameras, depth, context)
	golden.Within(t, "plane", got.Data, make([]float32, len(got.Data)), golden.Bound{})
}

func TestSplatIsTheSameForAnyNumberOfGoroutines(t *testing.T) {
	depth, context := random(rand.New(rand.NewPCG(4, 5)), &toy, 4)
	for set := range golden.Runnable(kernel.Table) {
		want := splat(mustNew(t, toy, compute.Resources{Kernels: set}), ring(&toy, 4, 0.1), depth, context)
		for _, n := range []int{2, 3, 8} {
			pool := parallel.New(n)
			got := splat(mustNew(t, toy, compute.Resources{Kernels: set, Pool: pool}), ring(&toy, 4, 0.1), depth, context)
			golden.Within(t, fmt.Sprintf("%s, %d goroutines", set, n), got.Data, want.Data, golden.Bound{})
			pool.Close()
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	pool := parallel.New(2)
	defer pool.Close()
	depth, context := random(rand.New(rand.NewPCG(4, 6)), &toy, 4)
	plane := tensor.New[float32](1, toy.Grid.Y.Cells(), toy.Grid.X.Cells(), toy.Channels)
	cameras := [2][]geom.Camera{ring(&toy, 4, 0), ring(&toy, 4, 0.1)}
	for set := range golden.Runnable(kernel.Table) {
		l, i := mustNew(t, toy, compute.Resources{Kernels: set, Pool: pool}), 0
		if n := testing.AllocsPerRun(10, func() {
			i++
			l.Place(&l.rig, cameras[i&1])
			l.Splat(&l.rig, depth, context, plane)
		}); n != 0 {
			t.Errorf("%s: %v allocations", set, n)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"no cells":      func(c *Config) { c.Grid.X[1] = c.Grid.X[0] },
		"negative cell": func(c *Config) { c.Grid.Y[2] = -1 },
		"NaN cell":      func(c *Config) { c.Grid.Y[2] = math.NaN() },
		"storeys":       func(c *Config) { c.Grid.Z[2] = 4 },
		"one column":    func(c *Config) { c.Coarse.Width = 1 },
		"small image":   func(c *Config) { c.Image.Height = 2 },
		"bins":          func(c *Config) { c.Depth.Count = 0 },
		"many bins":     func(c *Config) { c.Depth.Count = 1 << 16 },
		"step":          func(c *Config) { c.Depth.Step = 0 },
	} {
		c := toy
		change(&c)
		if _, err := New(c, compute.Resources{}); err == nil || !strings.HasPrefix(err.Error(), "lift: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// naivePoints transcribes model spec, section 4: every point in the model's frame
// in the order of camera, bin, row, column.
func naivePoints(c *Config, cameras []geom.Camera, visit func(camera, bin, row, column int, p geom.Vec3)) {
	for n, cam := range cameras {
		a := cam.Augment
		undo := geom.Mat3{a[0], a[1], a[2], a[4], a[5], a[6], a[8], a[9], a[10]}.Inv()
		for b := range c.Depth.Count {
			for i := range c.Coarse.Height {
				for j := range c.Coarse.Width {
					u := float64(j) * float64(c.Image.Width-1) / float64(c.Coarse.Width-1)
					v := float64(i) * float64(c.Image.Height-1) / float64(c.Coarse.Height-1)
					p := undo.Apply(geom.Vec3{u, v, c.Depth.Start + c.Depth.Step*float64(b)}.Sub(geom.Vec3{a[3], a[7], a[11]}))
					p = geom.Vec3{p[0] * p[2], p[1] * p[2], p[2]}
					visit(n, b, i, j, cam.Pose.Apply(cam.Intrinsics.Inv().Apply(p)))
				}
			}
		}
	}
}

// naiveCell returns the cell of a point, whether the grid has it, and how far,
// in cells, it is from the closest boundary.
func naiveCell(c *Config, p geom.Vec3) (x, y int, ok bool, distance float64) {
	var index [3]int
	ok, distance = true, math.Inf(1)
	for i, a := range []geom.Axis{c.Grid.X, c.Grid.Y, c.Grid.Z} {
		v := (p[i] - a.Min()) / a.Step()
		index[i] = int(math.Trunc(v))
		ok = ok && index[i] >= 0 && index[i] < a.Cells()
		distance = min(distance, math.Abs(v-math.Round(v)))
	}
	return index[0], index[1], ok, distance
}

// naive computes the plane in float64, point by point, and marks the cells that
// a point within 1e-4 cells of a boundary touches.
func naive(c *Config, cameras []geom.Camera, depth, context []float32) (plane []float32, close []bool) {
	cells := c.Grid.Cells()
	sum := make([]float64, cells*c.Channels)
	close = make([]bool, cells)
	naivePoints(c, cameras, func(n, b, i, j int, p geom.Vec3) {
		x, y, ok, distance := naiveCell(c, p)
		pixel := (n*c.Coarse.Height+i)*c.Coarse.Width + j
		for dy := -1; dy <= 1 && distance < 1e-4; dy++ {
			for dx := -1; dx <= 1; dx++ {
				if nx, ny := x+dx, y+dy; nx >= 0 && nx < c.Grid.X.Cells() && ny >= 0 && ny < c.Grid.Y.Cells() {
					close[ny*c.Grid.X.Cells()+nx] = true
				}
			}
		}
		if !ok {
			return
		}
		for ch := range c.Channels {
			sum[(y*c.Grid.X.Cells()+x)*c.Channels+ch] += float64(depth[pixel*c.Depth.Count+b]) * float64(context[pixel*c.Channels+ch])
		}
	})
	plane = make([]float32, len(sum))
	for i, s := range sum {
		plane[i] = float32(s)
	}
	return plane, close
}

// mask zeroes the cells of both planes that are marked and returns their number.
func mask(a, b []float32, marked []bool, channels int) int {
	n := 0
	for i, m := range marked {
		if m {
			clear(a[i*channels:][:channels])
			clear(b[i*channels:][:channels])
			n++
		}
	}
	return n
}

// placed is a lifter with the table of one rig.
type placed struct {
	*Lifter
	rig Table
}

func mustNew(t testing.TB, c Config, with compute.Resources) *placed {
	t.Helper()
	l, err := New(c, with)
	if err != nil {
		t.Fatal(err)
	}
	return &placed{Lifter: l}
}

// TestKernels: what runs is the set that was asked for.
func TestKernels(t *testing.T) {
	for set := range golden.Runnable(kernel.Table) {
		l, err := New(toy, compute.Resources{Kernels: set})
		if err != nil || l.Kernels() != set {
			t.Fatalf("%s: kernels %s, error %v", set, l.Kernels(), err)
		}
		golden.RunsSet(t, kernel.Table, set, l.kernel)
	}
}

// TestTablesAreApart: one lifter serves several rigs in turn.
func TestTablesAreApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 7))
	l := mustNew(t, toy, compute.Resources{})
	var tables [3]Table
	for range 3 {
		for i := range tables {
			cameras := ring(&toy, 1+i, float64(i))
			depth, context := random(rng, &toy, len(cameras))
			got := tensor.New[float32](1, toy.Grid.Y.Cells(), toy.Grid.X.Cells(), toy.Channels)
			l.Place(&tables[i], cameras)
			l.Splat(&tables[i], depth, context, got)
			golden.Within(t, fmt.Sprintf("rig %d", i), got.Data, splat(mustNew(t, toy, compute.Resources{}), cameras, depth, context).Data, golden.Bound{})
		}
	}
}
