package bench

import (
	"context"
	"fmt"
	"os"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
	"github.com/solofusion/solofusion/synth"
)

// Render makes a drive of that many frames and returns its sets. Nothing of it
// stays on the disk.
func Render(ctx context.Context, frames int, progress func(done, total int)) ([]*perception.FrameSet, error) {
	dir, err := os.MkdirTemp("", "solofusion-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := synth.Write(ctx, dir, synth.Options{Seed: 1, Drives: 1, Frames: frames}, progress); err != nil {
		return nil, err
	}
	ds, err := nuscenes.Open(dir, synth.Version)
	if err != nil {
		return nil, err
	}
	source, err := replay.NewSource(ds, ds.Scenes, replay.Options{})
	if err != nil {
		return nil, err
	}
	var sets []*perception.FrameSet
	err = framesync.Each(ctx, source, func(s *perception.FrameSet) error {
		sets = append(sets, s)
		return nil
	})
	if err == nil && len(sets) != frames {
		err = fmt.Errorf("bench: %d sets of %d rendered frames", len(sets), frames)
	}
	return sets, err
}
