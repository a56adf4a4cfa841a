package bench

import (
	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// cost is what a stage cannot do without: bytes of its inputs read and its outputs
// written once, and arithmetic operations, a multiplication with its addition being
// two. What an implementation keeps in between is not in it.
type cost struct{ bytes, flops int64 }

func (c cost) plus(d cost) cost { return cost{c.bytes + d.bytes, c.flops + d.flops} }

const float = 4 // bytes

// costs returns those of the stages between the networks that a manifest gives. What
// depends on where the cameras are is that of a ring of cameras.
func costs(m *model.Manifest, cameras int, mode history.Mode, storage history.Storage) map[string]cost {
	r := newRing(m, cameras)
	points := r.points(1)
	all := map[string]cost{
		pipeline.Lift:    placeCost(m, cameras, points).plus(splatCost(m, cameras, points)),
		pipeline.History: historyCost(m, mode, storage, m.Head.Input.Type == "uint8"),
		pipeline.Decode:  decodeCost(m),
	}
	if m.HasStereo() {
		all[pipeline.Stereo] = stereoCost(m, cameras, r.seen(1, nil))
	}
	return all
}

// preprocessCost is that of decoded images: the part that the crop keeps is read and
// scaled along rows, then along columns, by a bicubic filter of four pixels of the
// result.
func preprocessCost(m *model.Manifest, cameras int) cost {
	config := pipeline.PreprocessConfig(m)
	taps := max(4, 4/config.Crop().Scale)
	width, height := float64(m.Image.Width), float64(m.Image.Height)
	columns, rows := width*taps/4, height*taps/4 // of the source
	return cost{
		bytes: int64(cameras) * int64(3*columns*rows+3*float*width*height),
		flops: int64(cameras) * int64(2*3*width*taps*(rows+height)),
	}
}

// stereoCost is that of reading both frames' descriptors and the logits, and of writing
// the distributions; for each coarse pixel, of picking bins and of the softmax; for each
// point seen by an earlier camera, of its place, of interpolating a descriptor and of
// its products with the pixel's own; for each point, of the similarity network.
func stereoCost(m *model.Manifest, cameras int, seen int64) cost {
	coarse, fine := int64(cameras*m.Coarse().Pixels()), int64(cameras*m.Fine().Pixels())
	bins, samples := int64(m.Depth.Count), int64(m.Stereo.Samples)
	channels, groups := int64(m.Features.Stereo), int64(m.Stereo.Groups)
	const place = 3*2 + 2 + 8 // along the ray, divided, four weights
	bilinear, products := 4*2*channels, 2*channels
	network := 2 * (groups*16 + 16*8 + 8)
	return cost{
		bytes: float * (2*fine*channels + 2*coarse*bins),
		flops: coarse*bins*(2*samples+5) + seen*(place+bilinear+products) + fine*samples*network,
	}
}

// placeCost is that of three coordinates for each point, and of writing the cell of each run
// of a pixel's bins and, for each point, two bits: whether a run begins or continues there.
func placeCost(m *model.Manifest, cameras int, p points) cost {
	all := int64(cameras * m.Coarse().Pixels() * m.Depth.Count)
	return cost{bytes: 4*p.runs + all/4, flops: 3 * 2 * all}
}

// splatCost is that of reading the depths and contexts and of writing the plane; of
// summing the depths of each run, and of adding its context to its cell.
func splatCost(m *model.Manifest, cameras int, p points) cost {
	coarse, channels := int64(cameras*m.Coarse().Pixels()), int64(m.Features.Context)
	return cost{
		bytes: float * (coarse*int64(m.Depth.Count) + coarse*channels + int64(m.Grid.Cells())*channels),
		flops: p.kept + 2*p.runs*channels,
	}
}

// historyCost is that of reading the current plane and the earlier ones, and of writing
// the stack, the current plane's product and, recursively, all planes that
// stay; of the product, of interpolating each earlier plane, and of adding an age to
// each plane of the stack, cutting it off at zero and quantising it. Without earlier
// planes the stack is the current one as it is.
func historyCost(m *model.Manifest, mode history.Mode, storage history.Storage, bytes bool) cost {
	frames, channels := int64(m.History.Frames), int64(m.Features.Context)
	plane := int64(m.Grid.Cells()) * channels
	const bilinear, age = 4*2 - 1, 2
	moved, stacked, finish := frames+1, int64(float), int64(age) // planes of the ring, and of it the one that is taken in
	if mode == history.Recursive {
		moved += frames - 1
	}
	if bytes {
		stacked, finish = 1, age+3
	}
	if frames == 0 {
		return cost{bytes: plane * (float + stacked), flops: plane * (finish - age)}
	}
	return cost{
		bytes: plane * (float + int64(storage.Bytes())*moved + stacked*(frames+1)),
		flops: plane * (2*channels + frames*bilinear + (frames+1)*finish),
	}
}

// decodeCost is that of comparing each cell's logit with the threshold.
func decodeCost(m *model.Manifest) cost {
	classes := 0
	for i := range m.Head.Tasks {
		classes += len(m.Head.Tasks[i].Classes)
	}
	cells := int64(classes * m.Grid.Cells())
	return cost{bytes: float * cells, flops: cells}
}
