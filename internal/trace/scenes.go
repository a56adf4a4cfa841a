package trace

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// Options are what is traced.
type Options struct {
	Out    string // folder; it is made
	Frames int    // of each scene at most; all if it is 0

	// Traced is called for each frame that was written, with its scene's folder; may
	// be nil.
	Traced func(scene string, index int, r *perception.Result)
}

// Scenes traces scenes of a data set with the detector that the writer observes.
// Each scene begins a sequence. The summary is one line: how many of the images were
// used, and why others were not. It fails if none was.
func (w *Writer) Scenes(ctx context.Context, d *pipeline.Detector, ds *nuscenes.Dataset, scenes []*nuscenes.Scene, o Options) (summary string, err error) {
	scenes = cut(scenes, o.Frames)
	places, err := places(scenes)
	if err != nil {
		return "", err
	}
	source, err := replay.NewSource(ds, scenes, replay.Options{})
	if err != nil {
		return "", err
	}
	var usage replay.Usage
	one := d.For(d.NewMemory())
	err = framesync.Each(ctx, source, func(set *perception.FrameSet) error {
		r, err := w.frame(one, set, places[set.KeyFrame], o)
		if err != nil {
			return fmt.Errorf("trace: sample %s: %w", set.KeyFrame, err)
		}
		usage.Add(r)
		return nil
	})
	if err != nil {
		return "", err
	}
	return usage.Describe(source.Stats(), ""), usage.Check(source.Stats(), "")
}

// frame traces one set into its place below the folder.
func (w *Writer) frame(d pipeline.One, set *perception.FrameSet, at place, o Options) (*perception.Result, error) {
	if err := w.begin(filepath.Join(o.Out, at.scene, strconv.Itoa(at.index))); err != nil {
		return nil, err
	}
	r, err := d.Step(set)
	if err != nil {
		return nil, err
	}
	if err := w.finish(r); err != nil {
		return nil, err
	}
	if o.Traced != nil {
		o.Traced(at.scene, at.index, r)
	}
	return r, nil
}

// cut returns the scenes with at most the first n samples of each, all if n is 0.
func cut(scenes []*nuscenes.Scene, n int) []*nuscenes.Scene {
	if n <= 0 {
		return scenes
	}
	first := make([]*nuscenes.Scene, len(scenes))
	for i, scene := range scenes {
		short := *scene
		short.Samples = scene.Samples[:min(n, len(scene.Samples))]
		first[i] = &short
	}
	return first
}
