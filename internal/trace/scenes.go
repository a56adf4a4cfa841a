package trace

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

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

	// Traced is called for each frame that was written; may be nil.
	Traced func(scene string, index int, r *perception.Result)
}

// Scenes traces scenes of a data set with the detector that the writer observes.
// Each scene begins a sequence.
func (w *Writer) Scenes(ctx context.Context, d *pipeline.Detector, ds *nuscenes.Dataset, scenes []*nuscenes.Scene, o Options) error {
	m := d.NewMemory()
	for _, scene := range scenes {
		m.Reset("scene " + scene.Name + " begins")
		if err := w.scene(ctx, d.For(m), ds, scene, o); err != nil {
			return fmt.Errorf("trace: scene %s: %w", scene.Name, err)
		}
	}
	return nil
}

func (w *Writer) scene(ctx context.Context, d pipeline.One, ds *nuscenes.Dataset, scene *nuscenes.Scene, o Options) error {
	if o.Frames > 0 && len(scene.Samples) > o.Frames {
		first := *scene
		first.Samples = scene.Samples[:o.Frames]
		scene = &first
	}
	source, err := replay.NewSource(ds, []*nuscenes.Scene{scene}, replay.Options{})
	if err != nil {
		return err
	}
	return framesync.Each(ctx, source, func(set *perception.FrameSet) error {
		index := slices.IndexFunc(scene.Samples, func(s *nuscenes.Sample) bool { return s.KeyTime().Time().Equal(set.Time) })
		if index < 0 {
			return fmt.Errorf("no sample at %s", set.Time.Format(time.RFC3339Nano))
		}
		if err := w.begin(filepath.Join(o.Out, scene.Name, strconv.Itoa(index))); err != nil {
			return err
		}
		r, err := d.Step(set)
		if err != nil {
			return err
		}
		if o.Traced != nil {
			o.Traced(scene.Name, index, r)
		}
		return w.finish(r)
	})
}
