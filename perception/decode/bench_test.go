package decode

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/perception"
)

// full is the configuration of the full model's size: 128 x 128 cells.
func full() Config {
	c := reference()
	c.Grid = geom.Grid{X: geom.Axis{-51.2, 51.2, 0.8}, Y: geom.Axis{-51.2, 51.2, 0.8}}
	return c
}

// randomMaps returns maps whose cells are candidates with that probability, with scores
// that are often equal if coarse is set.
func randomMaps(c Config, share float64, coarse bool) []Maps {
	r, n := rand.New(rand.NewPCG(5, 6)), c.Grid.Cells()
	values := func(planes int, scale float64) []float32 {
		v := make([]float32, planes*n)
		for i := range v {
			v[i] = float32(scale * r.NormFloat64())
		}
		return v
	}
	var maps []Maps
	for _, task := range c.Tasks {
		m := Maps{values(2, 0.5), values(1, 1), values(3, 0.5), values(2, 1), values(2, 3), values(len(task.Classes), 1)}
		for i := range m.Heatmap {
			m.Heatmap[i] -= 6
			if r.Float64() < share {
				m.Heatmap[i] = -2 + 4*r.Float32()
				if coarse {
					m.Heatmap[i] = float32(r.IntN(4) - 2)
				}
			}
		}
		maps = append(maps, m)
	}
	return maps
}

// BenchmarkAppend decodes maps with about 3, 50 and 16384 candidates a class.
func BenchmarkAppend(b *testing.B) {
	for _, share := range []float64{0.0002, 0.003, 1} {
		b.Run(fmt.Sprint(share), func(b *testing.B) {
			c := full()
			maps := randomMaps(c, share, false)
			var dst []perception.Detection
			for _, set := range slices.Backward(isa.Sets()) {
				b.Run(string(set), func(b *testing.B) {
					d := New(c, compute.Resources{Kernels: set})
					b.ReportAllocs()
					for b.Loop() {
						dst = d.Append(dst[:0], maps)
					}
					b.ReportMetric(float64(len(dst)), "boxes")
				})
			}
			b.Run("naive", func(b *testing.B) {
				for b.Loop() {
					dst = naive(&c, dst[:0], maps)
				}
			})
		})
	}
}
