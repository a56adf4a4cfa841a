package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// eachSet calls do with every set that a recording's events make, in order,
// until do returns an error or there are no more.
func eachSet(ctx context.Context, source perception.Source, do func(*perception.FrameSet) error) error {
	sync := framesync.New(framesync.Options{StreamTime: true})
	for {
		event, err := source.Next(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		sets := sync.Flush
		if err == nil {
			sets = func() []*perception.FrameSet { return sync.Push(event, time.Time{}) }
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
