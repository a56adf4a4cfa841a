package history

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
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

// BenchmarkStep reports, beside the time, nanoseconds for each byte of the
// head's input.
func BenchmarkStep(b *testing.B) {
	for _, s := range []struct {
		name string
		cfg  Config
	}{{"small", small}, {"full", full}} {
		for _, goroutines := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", s.name, goroutines), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 2))
				pool := parallel.New(goroutines)
				defer pool.Close()
				r := mustNew(b, s.cfg, randomWeights(rng, s.cfg.Channels), pool)
				feature := randomPlane(rng, &s.cfg)
				stack := Stack{U8: tensor.New[uint8](1, s.cfg.height(), s.cfg.width(), (s.cfg.Frames+1)*s.cfg.Channels), Scale: 0.02}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					r.Step(shot{Frame: Frame{Feature: feature, GlobalFromGrid: drive(i), Time: second(i)}}, stack)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(stack.U8.Data)), "ns/byte")
			})
		}
	}
}
