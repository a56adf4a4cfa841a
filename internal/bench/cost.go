package bench

import (
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// cost is what a stage cannot do without: bytes read and written once, and
// floating-point operations, a multiplication with its addition being two.
type cost struct{ bytes, flops int64 }

// costs returns those of the stages between the graphs, as far as the manifest
// gives them. Points of which no earlier camera has a view, or that lie outside
// the grid, are counted too, so that these are upper bounds.
func costs(m *model.Manifest, cameras int) map[string]cost {
	f := &m.Features
	coarse := int64(cameras * m.Coarse().Pixels())
	fine := int64(cameras * m.Fine().Pixels())
	cells := int64(m.Grid.Cells())
	bins, channels, frames := int64(m.Depth.Count), int64(f.Context), int64(m.History.Frames)
	stereo, groups := int64(f.Stereo), int64(m.Stereo.Groups)
	const float = 4

	points := fine * int64(m.Stereo.Samples)
	sample := 4*2*stereo + 2*stereo            // bilinear, product with the pixel's own
	network := 2 * (groups*16 + 16*8 + 8)      // the similarity network
	warp := 4*2*channels + channels + channels // bilinear, age, quantisation
	stack := int64(float)
	if m.Head.Input.Type == "uint8" {
		stack = 1
	}
	return map[string]cost{
		pipeline.Stereo: {
			bytes: float * (2*fine*stereo + 2*coarse*bins),
			flops: points * (sample + network),
		},
		pipeline.Lift: {
			bytes: float * (coarse*bins + coarse*channels + cells*channels),
			flops: 2 * coarse * bins * channels,
		},
		pipeline.History: {
			bytes: cells * channels * (float*(2*frames+2) + stack*(frames+1)),
			flops: cells * (2*channels*channels + frames*warp),
		},
	}
}
