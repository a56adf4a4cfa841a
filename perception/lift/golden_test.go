package lift

import (
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/perception/lift/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// The reference's small configuration: ../shared/reference/tiny/config.json.
var tiny = Config{
	Image: geom.Size{Width: 352, Height: 128}, Coarse: geom.Size{Width: 22, Height: 8},
	Depth: geom.Bins{Start: 2, Step: 1, Count: 56}, Channels: 16,
	Grid: geom.Grid{X: geom.Axis{-51.2, 51.2, 1.6}, Y: geom.Axis{-51.2, 51.2, 1.6}, Z: geom.Axis{-10, 10, 20}},
}

func referenceCameras(z *golden.Archive) []geom.Camera {
	poses := golden.Array[float64](z, "exact_cam2lidar")
	intrinsics := golden.Array[float64](z, "intrins")
	rotations, shifts := golden.Array[float64](z, "post_rots"), golden.Array[float64](z, "post_trans")
	out := make([]geom.Camera, poses.Shape[0])
	for i := range out {
		p, r, s := poses.Data[16*i:], rotations.Data[9*i:], shifts.Data[3*i:]
		out[i] = geom.Camera{
			Pose:       geom.Pose{R: geom.Mat3{p[0], p[1], p[2], p[4], p[5], p[6], p[8], p[9], p[10]}, T: geom.Vec3{p[3], p[7], p[11]}},
			Intrinsics: geom.Mat3(intrinsics.Data[9*i:][:9]),
			Augment:    geom.Mat4{r[0], r[1], r[2], s[0], r[3], r[4], r[5], s[1], r[6], r[7], r[8], s[2], 0, 0, 0, 1},
		}
	}
	return out
}

func TestReference(t *testing.T) {
	for _, name := range []string{
		"rig/frame_000.npz", "rig/frame_001.npz", "rig/frame_002.npz", "rig/frame_003.npz",
		"mini/scene-0103/000.npz", "mini/scene-0103/001.npz",
	} {
		z := golden.Open(t, golden.Shared(t, "reference/tiny/"+name))
		cameras := referenceCameras(z)
		depth := golden.ChannelsLast(golden.Array[float32](z, "depth_prob"))
		context := golden.ChannelsLast(golden.Array[float32](z, "context"))
		want := golden.ChannelsLast(golden.Array[float32](z, "bev_lifted"))
		_, close := naive(&tiny, cameras, depth.Data, context.Data)
		for set := range golden.Runnable(kernel.Table) {
			got := tensor.New[float32](want.Shape...)
			l := mustNew(t, tiny, compute.Resources{Kernels: set})
			l.Place(&l.rig, cameras)
			l.Splat(&l.rig, depth, context, got)
			masked := mask(got.Data, want.Data, close, tiny.Channels)
			d := golden.Within(t, name, got.Data, want.Data, golden.Bound{Rel: 1e-5})
			t.Logf("%s, %s: %.2g of the largest; %d of %d cells have a point on a boundary", name, set, d.Rel, masked, l.cfg.Grid.Cells())
			if masked > 400 {
				t.Errorf("%s: %d cells are not compared", name, masked)
			}
		}
	}
}

// TestReferenceCells compares the geometry: the points in float64, and the
// cells of those that are kept.
func TestReferenceCells(t *testing.T) {
	z := golden.Open(t, golden.Shared(t, "reference/tiny/rig/frame_001.npz"))
	cameras := referenceCameras(z)
	points := golden.Array[float64](z, "geom").Data
	cells := golden.Array[int32](z, "voxel_coords_kept").Data
	next, worst := 0, 0.0
	l := mustNew(t, tiny, compute.Resources{})
	l.Place(&l.rig, cameras)
	table := l.points()
	naivePoints(&tiny, cameras, func(n, b, i, j int, p geom.Vec3) {
		index := ((n*tiny.Depth.Count+b)*tiny.Coarse.Height+i)*tiny.Coarse.Width + j
		want := geom.Vec3(points[3*index:][:3])
		worst = max(worst, p.Sub(want).Norm())
		_, _, ok, _ := naiveCell(&tiny, want)
		cell := int32(-1)
		if ok {
			cell = cells[4*next+1]*int32(tiny.Grid.X.Cells()) + cells[4*next]
			next++
		}
		pixel := (n*tiny.Coarse.Height+i)*tiny.Coarse.Width + j
		if got := table[pixel*tiny.Depth.Count+b]; got != cell {
			t.Fatalf("point %v of camera %d, bin %d, row %d, column %d: cell %d, want %d", want, n, b, i, j, got, cell)
		}
	})
	t.Logf("%d points kept; geometry within %.2g m", next, worst)
	if 4*next != len(cells) || worst > 1e-4 {
		t.Errorf("%d points kept, want %d; geometry within %g m", next, len(cells)/4, worst)
	}
}

// points returns the cell of each point, [pixel of the maps][bin], -1 if it is dropped.
func (l *placed) points() []int32 {
	bins := len(l.depths)
	out := make([]int32, len(l.rig.cells))
	for pixel := range len(out) / bins {
		cells, n := binsOf(l.Lifter, l.rig.cells, pixel), -1
		for b := range bins {
			m := l.rig.marks[pixel*kernel.MarksOf(bins)+b/16]
			n += int(m.Begins >> (b % 16) & 1)
			cell := int32(-1)
			if (m.Begins|m.Continues)>>(b%16)&1 != 0 {
				cell = cells[n]
			}
			out[(l.place(pixel/tiny.Coarse.Height)+pixel%tiny.Coarse.Height*tiny.Coarse.Width)*bins+b] = cell
		}
	}
	return out
}
