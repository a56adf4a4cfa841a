package reliability

import (
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/perception"
)

// Ceiling grades what a detector without memory would keep at best under a case: all that is
// found without a loss, but for what only lost cameras have in their pictures.
func (s *Study) Ceiling(ds *nuscenes.Dataset, drives []*Drive, c Case) (*eval.Metrics, error) {
	all := &nuscenes.Results{}
	part := nuscenes.Split{Name: c.Name}
	for _, d := range drives {
		clean, err := nuscenes.ReadResults(s.file(d.Scene, Clean().Name))
		if err != nil {
			return nil, err
		}
		for i, set := range d.Sets {
			sample := clean.Samples[i]
			sample.Boxes = slices.DeleteFunc(sample.Boxes, func(b nuscenes.Box) bool {
				return hidden(set, &b, func(camera int) bool { return c.lost(d.Index, i, camera) })
			})
			all.Samples = append(all.Samples, sample)
			part.Samples = append(part.Samples, d.Scene.Samples[i])
		}
	}
	frames, err := eval.Frames(ds, part, all, eval.CVPR2019())
	if err != nil {
		return nil, err
	}
	return eval.Evaluate(eval.CVPR2019(), frames), nil
}

// hidden reports whether a box is in pictures of lost cameras only. A box in none is not.
func hidden(set *perception.FrameSet, b *nuscenes.Box, lost func(camera int) bool) bool {
	inLost := false
	for i := range set.Rig.Cameras {
		if !inPicture(&set.Rig.Cameras[i], set.Frames[i], b.Center) {
			continue
		}
		if !lost(i) {
			return false
		}
		inLost = true
	}
	return inLost
}
