package framesync

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Each calls do with every set of a recording, in order and by the frames' own
// time, until the source ends or do returns an error. It returns the error of do or
// of the source, nil for io.EOF. The frames of a set are settled with what do
// returned.
func Each(ctx context.Context, source perception.Source, do func(*perception.FrameSet) error) error {
	s := New(Options{StreamTime: true})
	defer s.Discard()
	for {
		d, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			return settleEach(s.Flush(), do)
		}
		if err == nil {
			err = settleEach(s.Push(d, time.Time{}), do)
		}
		if err != nil {
			return err
		}
	}
}

// settleEach calls do with each set and settles the set with what do returned.
// After an error of do it settles the other sets with that error.
func settleEach(sets []Set, do func(*perception.FrameSet) error) (err error) {
	for _, set := range sets {
		if err == nil {
			err = do(set.FrameSet)
		}
		set.Settle(err)
	}
	return err
}
