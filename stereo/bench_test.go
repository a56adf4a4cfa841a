package stereo

import (
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// small is the default bundle's size, full the published model's.
var (
	small = Config{
		Image: geom.Size{Width: 352, Height: 128}, Coarse: geom.Size{Width: 44, Height: 16}, Stereo: geom.Size{Width: 88, Height: 32},
		Channels: 32, Groups: 8, Depth: geom.Bins{Start: 2, Step: 0.5, Count: 112}, Samples: 7, Sigma: 2,
	}
	full = Config{
		Image: geom.Size{Width: 704, Height: 256}, Coarse: geom.Size{Width: 44, Height: 16}, Stereo: geom.Size{Width: 176, Height: 64},
		Channels: 64, Groups: 8, Depth: geom.Bins{Start: 2, Step: 0.5, Count: 112}, Samples: 7, Sigma: 2,
	}
)

// randomWeights are plausible weights of a similarity network.
func randomWeights(rng *rand.Rand, groups int) Weights {
	fill := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = rng.Float32()*2 - 1
		}
		return x
	}
	return Weights{fill(16 * groups), fill(16), fill(8 * 16), fill(8), fill(8), fill(1)}
}

// ring returns n cameras that look around from a vehicle which has moved by
// shift metres, with random unit descriptors.
func ring(rng *rand.Rand, c *Config, n int, shift float64) []View {
	out := make([]View, n)
	scale := float64(c.Image.Width) / 1600
	for i := range out {
		yaw := geom.QuatFromYaw(6.28 / float64(n) * float64(i))
		ahead := geom.Mat3{0, 0, 1, -1, 0, 0, 0, -1, 0} // camera axes in a frame with x forward, z up
		out[i] = View{
			Features: descriptors(rng, c),
			Camera: geom.Camera{
				Pose: geom.NewPose(yaw, geom.Vec3{600 + shift, 1600, 0}).
					Mul(geom.Pose{R: ahead, T: geom.Vec3{1, 0, 1.5}}),
				Intrinsics: geom.Mat3{1250, 0, 800, 0, 1250, 450, 0, 0, 1},
				Augment:    geom.Mat4{scale, 0, 0, 0, 0, scale, 0, 64 - 450*scale, 0, 0, 1, 0, 0, 0, 0, 1},
			},
		}
	}
	return out
}

// against returns the past in which these views were seen.
func against(views []View) *Past {
	p := &Past{}
	p.take(Frame{Views: views})
	return p
}

func descriptors(rng *rand.Rand, c *Config) []float32 {
	x := make([]float32, c.Stereo.Width*c.Stereo.Height*c.Channels)
	for i := range x {
		x[i] = float32(rng.NormFloat64() / 6)
	}
	return x
}

// multimodal returns monocular logits with a few modes at each pixel.
func multimodal(rng *rand.Rand, c *Config, cameras int) *tensor.F32 {
	x := tensor.New[float32](cameras, c.Coarse.Height, c.Coarse.Width, c.Depth.Count)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64() * 2)
	}
	return x
}

// BenchmarkStep reports, beside the time, nanoseconds for each point tested.
func BenchmarkStep(b *testing.B) {
	for _, s := range []struct {
		name string
		cfg  Config
	}{{"small", small}, {"full", full}} {
		for _, goroutines := range []int{1, 2} {
			b.Run(s.name+"/"+string(rune('0'+goroutines)), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 2))
				pool := parallel.New(goroutines)
				defer pool.Close()
				m, err := New(s.cfg, randomWeights(rng, s.cfg.Groups), compute.Resources{Pool: pool})
				if err != nil {
					b.Fatal(err)
				}
				frames := [2][]View{ring(rng, &s.cfg, 6, 4), ring(rng, &s.cfg, 6, 0)}
				mono := multimodal(rng, &s.cfg, 6)
				depth := tensor.New[float32](mono.Shape...)
				b.ReportAllocs()
				past := against(frames[1])
				for i := 0; b.Loop(); i++ {
					m.Step(past, Frame{Views: frames[i&1]}, mono, depth)
				}
				points := 6 * s.cfg.Stereo.Width * s.cfg.Stereo.Height * s.cfg.Samples
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(points), "ns/point")
			})
		}
	}
}
