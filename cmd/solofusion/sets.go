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
	defer sync.Discard()
	for {
		d, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			return doEach(sync.Flush(), do)
		}
		if err == nil {
			err = doEach(sync.Push(d, time.Time{}), do)
		}
		if err != nil {
			return err
		}
	}
}

// doEach calls do with each set until it returns an error, which it then says of
// all that are left.
func doEach(sets []framesync.Set, do func(*perception.FrameSet) error) (err error) {
	for _, set := range sets {
		if err == nil {
			err = do(set.FrameSet)
		}
		set.Settle(err)
	}
	return err
}
