package framesync

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Each calls do with every set that a recording's events make, in order and by
// the frames' own time, until do returns an error or there are no more.
func Each(ctx context.Context, source perception.Source, do func(*perception.FrameSet) error) error {
	s := New(Options{StreamTime: true})
	for {
		event, err := source.Next(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		sets := s.Flush
		if err == nil {
			sets = func() []*perception.FrameSet { return s.Push(event, time.Time{}) }
		}
		for _, set := range sets() {
			if err := do(set); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}
