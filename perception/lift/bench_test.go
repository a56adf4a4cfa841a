package lift

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/perception/lift/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// small is the default bundle's size, full the published model's.
var (
	small = Config{
		Image: geom.Size{Width: 352, Height: 128}, Coarse: geom.Size{Width: 44, Height: 16},
		Depth: geom.Bins{Start: 2, Step: 0.5, Count: 112}, Channels: 32,
		Grid: geom.Grid{X: geom.Axis{-51.2, 51.2, 0.8}, Y: geom.Axis{-51.2, 51.2, 0.8}, Z: geom.Axis{-10, 10, 20}},
	}
	full = Config{
		Image: geom.Size{Width: 704, Height: 256}, Coarse: geom.Size{Width: 44, Height: 16},
		Depth: geom.Bins{Start: 2, Step: 0.5, Count: 112}, Channels: 80,
		Grid: geom.Grid{X: geom.Axis{-51.2, 51.2, 0.8}, Y: geom.Axis{-51.2, 51.2, 0.8}, Z: geom.Axis{-10, 10, 20}},
	}
)

// ring returns n cameras that look around, turned by an angle.
func ring(c *Config, n int, angle float64) []geom.Camera {
	out := make([]geom.Camera, n)
	scale := float64(c.Image.Width) / 1600
	ahead := geom.Mat3{1, 0, 0, 0, 0, 1, 0, -1, 0} // camera axes in a frame with y forward, z up
	for i := range out {
		yaw := geom.QuatFromYaw(angle + 6.28/float64(n)*float64(i))
		out[i] = geom.Camera{
			Pose:       geom.NewPose(yaw, geom.Vec3{}).Mul(geom.Pose{R: ahead, T: geom.Vec3{0, 0.6, -0.3}}),
			Intrinsics: geom.Mat3{1250, 0, 800, 0, 1250, 450, 0, 0, 1},
			Augment:    geom.Mat4{scale, 0, 0, 0, 0, scale, 0, float64(c.Image.Height)/2 - 450*scale, 0, 0, 1, 0, 0, 0, 0, 1},
		}
	}
	return out
}

// random returns distributions over bins and contexts.
func random(rng *rand.Rand, c *Config, cameras int) (depth, context *tensor.F32) {
	depth = tensor.New[float32](cameras, c.Coarse.Height, c.Coarse.Width, c.Depth.Count)
	context = tensor.New[float32](cameras, c.Coarse.Height, c.Coarse.Width, c.Channels)
	for i := range depth.Data {
		depth.Data[i] = rng.Float32() * 2 / float32(c.Depth.Count)
	}
	for i := range context.Data {
		context.Data[i] = float32(rng.NormFloat64())
	}
	return depth, context
}

// BenchmarkPlace and BenchmarkSplat report nanoseconds for each point of the
// frustums, whether inside the grid or not.

func BenchmarkPlace(b *testing.B) {
	each(b, func(b *testing.B, l *placed) {
		cameras := [2][]geom.Camera{ring(&l.cfg, 6, 0), ring(&l.cfg, 6, 0.1)}
		for i := 0; b.Loop(); i++ {
			l.Place(&l.rig, cameras[i&1])
		}
	})
}

func BenchmarkSplat(b *testing.B) {
	each(b, func(b *testing.B, l *placed) {
		depth, context := random(rand.New(rand.NewPCG(1, 2)), &l.cfg, 6)
		plane := tensor.New[float32](1, l.cfg.Grid.Y.Cells(), l.cfg.Grid.X.Cells(), l.cfg.Channels)
		l.Place(&l.rig, ring(&l.cfg, 6, 0))
		for b.Loop() {
			l.Splat(&l.rig, depth, context, plane)
		}
	})
}

func each(b *testing.B, run func(b *testing.B, l *placed)) {
	for _, s := range []struct {
		name string
		cfg  Config
	}{{"small", small}, {"full", full}} {
		for set := range golden.Runnable(kernel.Table) {
			for _, goroutines := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/%d", s.name, set, goroutines), func(b *testing.B) {
					pool := parallel.New(goroutines)
					defer pool.Close()
					b.ReportAllocs()
					run(b, mustNew(b, s.cfg, compute.Resources{Kernels: set, Pool: pool}))
					points := 6 * s.cfg.Coarse.Height * s.cfg.Coarse.Width * s.cfg.Depth.Count
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(points), "ns/point")
				})
			}
		}
	}
}
