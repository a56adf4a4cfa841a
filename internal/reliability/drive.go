package reliability

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Drive is a scene with what its cameras saw.
type Drive struct {
	Index int // among the drives
	Scene *nuscenes.Scene
	Sets  []*perception.FrameSet // of its samples, in order
}

// Read reads the sets of a scene's first samples, all if frames is zero.
func Read(ctx context.Context, ds *nuscenes.Dataset, index, frames int) (*Drive, error) {
	d := &Drive{Index: index, Scene: ds.Scenes[index]}
	source, err := replay.NewSource(ds, ds.Scenes[index:index+1], replay.Options{})
	if err != nil {
		return nil, err
	}
	err = framesync.Each(ctx, source, func(s *perception.FrameSet) error {
		d.Sets = append(d.Sets, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if frames > 0 {
		d.Sets = d.Sets[:min(frames, len(d.Sets))]
	}
	for i, s := range d.Sets {
		if s.KeyFrame != d.Scene.Samples[i].Token {
			return nil, fmt.Errorf("reliability: scene %s: set %d is of sample %q, want every sample to have images", d.Scene.Name, i, s.KeyFrame)
		}
	}
	return d, nil
}

// under returns what is left of a set of the drive in a case.
func (d *Drive) under(c Case, frame int) (*perception.FrameSet, error) {
	set := *d.Sets[frame]
	set.Frames = slices.Clone(set.Frames)
	for i := range set.Frames {
		if !c.lost(d.Index, frame, i) || set.Frames[i] == nil {
			continue
		}
		if c.Way == Absent {
			set.Frames[i] = nil
			continue
		}
		dark := *set.Frames[i]
		camera := set.Rig.Cameras[i]
		var err error
		if dark.Image, err = black(camera.Width, camera.Height); err != nil {
			return nil, err
		}
		set.Frames[i] = &dark
	}
	return &set, nil
}

// black returns an image without light.
func black(width, height int) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil)
	return b.Bytes(), err
}
