package history

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// small is the default bundle's size, full the published model's.
var (
	small = Config{
		Grid:     geom.Grid{X: geom.Axis{-51.2, 51.2, 0.8}, Y: geom.Axis{-51.2, 51.2, 0.8}},
		Channels: 32, Frames: 8, Period: 0.5,
	}
	full = Config{
		Grid:     geom.Grid{X: geom.Axis{-51.2, 51.2, 0.8}, Y: geom.Axis{-51.2, 51.2, 0.8}},
		Channels: 80, Frames: 16, Period: 0.5,
	}
)

func randomWeights(rng *rand.Rand, channels int) Weights {
	return Weights{
		Weight: normal(rng, channels*channels, 0.3),
		Age:    normal(rng, channels, 0.3),
		Bias:   normal(rng, channels, 0.3),
	}
}

func normal(rng *rand.Rand, n int, sigma float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * sigma)
	}
	return x
}

func randomPlane(rng *rand.Rand, c *Config) *tensor.F32 {
	return tensor.From(normal(rng, c.width()*c.height()*c.Channels, 1), 1, c.height(), c.width(), c.Channels)
}

// drive is where the vehicle is at its i-th frame, on a bend at 10 m/s.
func drive(i int) geom.Pose {
	return geom.NewPose(geom.QuatFromYaw(0.05*float64(i)), geom.Vec3{600, 1600 + 5*float64(i), 0})
}

func second(i int) time.Time { return time.Unix(1_700_000_000, int64(i)*5e8).UTC() }

// BenchmarkStep reports, beside the time, gigabytes a second of what a step cannot do
// without: reading the planes, writing those that are replaced, writing the head's input.
func BenchmarkStep(b *testing.B) {
	for _, s := range []struct {
		name  string
		cfg   Config
		mode  Mode
		bytes int // of a value of the stack
	}{
		{"small/direct/u8", small, Direct, 1},
		{"full/direct/u8", full, Direct, 1},
		{"full/recursive/f32", full, Recursive, 4},
	} {
		s.cfg.Mode = s.mode
		for set := range golden.Runnable(kernel.Table) {
			for _, goroutines := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/%d", s.name, set, goroutines), func(b *testing.B) {
					benchmarkStep(b, s.cfg, s.bytes, set, goroutines)
				})
			}
		}
	}
}

func benchmarkStep(b *testing.B, cfg Config, bytes int, set isa.Set, goroutines int) {
	rng := rand.New(rand.NewPCG(1, 2))
	pool := parallel.New(goroutines)
	defer pool.Close()
	c, err := New(cfg, randomWeights(rng, cfg.Channels), compute.Resources{Kernels: set, Pool: pool})
	if err != nil {
		b.Fatal(err)
	}
	ring, feature := c.NewRing(), randomPlane(rng, &cfg)
	shape := []int{1, cfg.height(), cfg.width(), (cfg.Frames + 1) * cfg.Channels}
	stack := Stack{U8: tensor.New[uint8](shape...), Scales: []float32{0.02}}
	if bytes == 4 {
		stack = Stack{F32: tensor.New[float32](shape...)}
	}
	step := func(i int) {
		c.Step(ring, steady(ring, Frame{Feature: feature, GlobalFromGrid: drive(i), Time: second(i)}, cfg.Frames), stack)
	}
	i := 0
	for ; i <= cfg.Frames; i++ {
		step(i)
	}
	b.ReportAllocs()
	for ; b.Loop(); i++ {
		step(i)
	}
	planes := cfg.Frames + 2
	if cfg.Mode == Recursive {
		planes += cfg.Frames
	}
	moved := planes*cfg.size()*4 + tensor.Size(shape)*bytes
	b.ReportMetric(float64(moved)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GB/s")
}

// steady stacks all planes of the ring and keeps the newest ones.
func steady(r *Ring, f Frame, frames int) Frame {
	for i := range r.Len() {
		f.Earlier = append(f.Earlier, i)
	}
	f.Keep = f.Earlier[:min(len(f.Earlier), frames-1)]
	return f
}
