package stereo

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
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
	s := p.room(views)
	for i := range views {
		copy(s.views[i].Features, views[i].Features)
	}
	p.keep(nil, s)
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

// BenchmarkStep reports the fastest step, also for each point tested, what it computes in
// a nanosecond, and how many times as fast as with the generic kernels it is, which run
// first.
func BenchmarkStep(b *testing.B) {
	for _, s := range []struct {
		name string
		cfg  Config
	}{{"small", small}, {"full", full}} {
		for _, goroutines := range []int{1, 2} {
			slowest := 0.0
			for _, set := range sets() {
				b.Run(fmt.Sprintf("%s/%d/%s", s.name, goroutines, set), func(b *testing.B) {
					r := newRun(b, &s.cfg, 6, goroutines, set)
					fastest := r.measure(b)
					if set == isa.Generic {
						slowest = fastest
					}
					b.ReportMetric(1e6*fastest/float64(6*s.cfg.Stereo.Pixels()*s.cfg.Samples), "ns/point")
					b.ReportMetric(float64(r.operations())/fastest/1e6, "GFLOP/s")
					b.ReportMetric(slowest/fastest, "x-generic")
				})
			}
		}
	}
}

// BenchmarkCameras: the time grows as the number of points that are seen, although each
// camera might see any. The more cameras a ring has, the more of them see a point.
func BenchmarkCameras(b *testing.B) {
	for _, cameras := range []int{1, 2, 4, 6, 8, 12} {
		b.Run(fmt.Sprint(cameras), func(b *testing.B) {
			all := sets()
			r := newRun(b, &full, cameras, 1, all[len(all)-1])
			fastest := r.measure(b)
			b.ReportMetric(fastest/float64(cameras), "ms/camera")
			b.ReportMetric(1e6*fastest/float64(r.seen()), "ns/seen")
		})
	}
}

// sets are those that this build has, slowest first.
func sets() (all []isa.Set) {
	for _, set := range slices.Backward(isa.Sets()) {
		if _, ok := kernel.Table[set]; ok {
			all = append(all, set)
		}
	}
	return all
}

// run is two frames of a ring of cameras, four metres apart, in turn.
type run struct {
	*Matcher
	frames [2][]View
	past   *Past
	mono   *tensor.F32
}

func newRun(b *testing.B, cfg *Config, cameras, goroutines int, set isa.Set) *run {
	rng := rand.New(rand.NewPCG(1, 2))
	pool := parallel.New(goroutines)
	b.Cleanup(pool.Close)
	m, err := New(*cfg, randomWeights(rng, cfg.Groups), compute.Resources{Pool: pool, Kernels: set})
	if err != nil {
		b.Fatal(err)
	}
	r := &run{Matcher: m, frames: [2][]View{ring(rng, cfg, cameras, 4), ring(rng, cfg, cameras, 0)}, mono: multimodal(rng, cfg, cameras)}
	r.past = against(r.frames[1])
	return r
}

// measure returns the milliseconds of the fastest step: other work on the machine makes
// steps slower, never faster.
func (r *run) measure(b *testing.B) float64 {
	depth := tensor.New[float32](r.mono.Shape...)
	r.Step(r.past, Frame{Views: r.frames[0]}, r.mono, depth)
	b.ReportAllocs()
	fastest := math.Inf(1)
	for i := 1; b.Loop(); i++ {
		start := time.Now()
		r.Step(r.past, Frame{Views: r.frames[i&1]}, r.mono, depth)
		fastest = min(fastest, time.Since(start).Seconds()*1000)
	}
	b.ReportMetric(fastest, "ms")
	return fastest
}

// seen returns the number of points that previous cameras see, each as often as it is seen.
func (r *run) seen() (points int) {
	c := &r.cfg
	r.current, r.previous = r.frames[0], r.frames[1]
	taps, depths := r.newBuffers().taps, make([]float64, c.Samples)
	for i := range len(r.samples) / c.Samples {
		camera, at := i/c.Coarse.Pixels(), i%c.Coarse.Pixels()
		if at == 0 {
			r.findPairs(camera)
		}
		for k := range depths {
			depths[k] = c.Depth.Center(int(r.samples[i*c.Samples+k]))
		}
		for j := range r.pairs[camera] {
			r.kernel.Project(taps, &r.pairs[camera][j].Projection, at%c.Coarse.Width, at/c.Coarse.Width, depths)
			for _, s := range taps.Seen {
				points += bits.OnesCount16(s)
			}
		}
	}
	return points
}

// operations returns the additions and multiplications of correlation and similarity.
func (r *run) operations() int {
	c := &r.cfg
	tested := len(r.samples) * c.block() * c.block()
	return r.seen()*9*c.Channels + tested*2*(kernel.Hidden0*c.Groups+kernel.Hidden1*kernel.Hidden0+kernel.Hidden1)
}
