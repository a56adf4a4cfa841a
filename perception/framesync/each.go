package framesync

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Each calls do with every set that a recording's events make, in order and by
// the frames' own time, until do returns an error or there are no more. The
// sets' deliveries are settled with what do returned.
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

// settleEach calls do with each set until it returns an error, which then settles
// all that are left.
func settleEach(sets []Set, do func(*perception.FrameSet) error) (err error) {
	for _, set := range sets {
		if err == nil {
			err = do(set.FrameSet)
		}
		set.Settle(err)
	}
	return err
}
