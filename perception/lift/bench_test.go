package lift

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// small is the default bundle's size, full the published model's.
var (
	small = Config{
		Width: 352, Height: 128, CoarseWidth: 44, CoarseHeight: 16,
		Bins: 112, Start: 2, Step: 0.5, Channels: 32,
		X: Axis{-51.2, 51.2, 0.8}, Y: Axis{-51.2, 51.2, 0.8}, Z: Axis{-10, 10, 20},
	}
	full = Config{
		Width: 704, Height: 256, CoarseWidth: 44, CoarseHeight: 16,
		Bins: 112, Start: 2, Step: 0.5, Channels: 80,
		X: Axis{-51.2, 51.2, 0.8}, Y: Axis{-51.2, 51.2, 0.8}, Z: Axis{-10, 10, 20},
	}
)

// ring returns n cameras that look around, turned by an angle.
func ring(c *Config, n int, angle float64) []Camera {
	out := make([]Camera, n)
	scale := float64(c.Width) / 1600
	ahead := geom.Mat3{1, 0, 0, 0, 0, 1, 0, -1, 0} // camera axes in a frame with y forward, z up
	for i := range out {
		yaw := geom.QuatFromYaw(angle + 6.28/float64(n)*float64(i))
		out[i] = Camera{
			LidarFromCamera: geom.NewPose(yaw, geom.Vec3{}).Mul(geom.Pose{R: ahead, T: geom.Vec3{0, 0.6, -0.3}}),
			Intrinsics:      geom.Mat3{1250, 0, 800, 0, 1250, 450, 0, 0, 1},
			Augment:         geom.Mat4{scale, 0, 0, 0, 0, scale, 0, float64(c.Height)/2 - 450*scale, 0, 0, 1, 0, 0, 0, 0, 1},
		}
	}
	return out
}

// random returns distributions over bins and contexts.
func random(rng *rand.Rand, c *Config, cameras int) (depth, context *tensor.F32) {
	depth = tensor.New[float32](cameras, c.CoarseHeight, c.CoarseWidth, c.Bins)
	context = tensor.New[float32](cameras, c.CoarseHeight, c.CoarseWidth, c.Channels)
	for i := range depth.Data {
		depth.Data[i] = rng.Float32() * 2 / float32(c.Bins)
	}
	for i := range context.Data {
		context.Data[i] = float32(rng.NormFloat64())
	}
	return depth, context
}

// BenchmarkPlace and BenchmarkSplat report nanoseconds for each point of the
// frustums, whether inside the grid or not.

func BenchmarkPlace(b *testing.B) {
	each(b, func(b *testing.B, l *Lifter) {
		cameras := [2][]Camera{ring(&l.cfg, 6, 0), ring(&l.cfg, 6, 0.1)}
		for i := 0; b.Loop(); i++ {
			l.Place(cameras[i&1])
		}
	})
}

func BenchmarkSplat(b *testing.B) {
	each(b, func(b *testing.B, l *Lifter) {
		depth, context := random(rand.New(rand.NewPCG(1, 2)), &l.cfg, 6)
		plane := tensor.New[float32](1, l.cfg.Y.Cells(), l.cfg.X.Cells(), l.cfg.Channels)
		l.Place(ring(&l.cfg, 6, 0))
		for b.Loop() {
			l.Splat(depth, context, plane)
		}
	})
}

func each(b *testing.B, run func(b *testing.B, l *Lifter)) {
	for _, s := range []struct {
		name string
		cfg  Config
	}{{"small", small}, {"full", full}} {
		for _, goroutines := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", s.name, goroutines), func(b *testing.B) {
				pool := parallel.New(goroutines)
				defer pool.Close()
				b.ReportAllocs()
				run(b, mustNew(b, s.cfg, pool))
				points := 6 * s.cfg.CoarseHeight * s.cfg.CoarseWidth * s.cfg.Bins
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(points), "ns/point")
			})
		}
	}
}
