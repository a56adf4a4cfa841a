package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/solofusion/solofusion/synth"
)

type synthCmd struct {
	Out    string  `required:"" help:"Folder for the data set; it is created. One with other drives is refused." placeholder:"DIR"`
	Seed   uint64  `default:"1" help:"Seed of the drives; the same seed gives the same bytes."`
	Drives int     `default:"1" help:"Number of drives."`
	Frames int     `default:"20" help:"Key frames of each drive, two a second."`
	Rate   float64 `default:"2" help:"Images of each camera per second, a multiple of 2."`
	Window string  `help:"Render at a network's size, as if resized by SCALE and cropped at LEFT, TOP; the tables describe these images. For training." placeholder:"WxH@SCALE+LEFT+TOP"`
	Depth  bool    `help:"Also write depth images, 16 bit, 1/256 m."`
	Jobs   int     `help:"Images rendered at a time; 0 for all cores."`
}

func (c *synthCmd) Help() string {
	return `Renders drives through made-up streets as a data set in nuScenes format, version
v1.0-synth, with its own split "all".

Example:

  solofusion synth --out drives --seed 7 --drives 2 --frames 20
  solofusion synth --out train --drives 50 --window 352x128@0.24+16+88 --depth`
}

// options returns the options of the flags; without --window images have full size.
func (c *synthCmd) options() (synth.Options, error) {
	o := synth.Options{Seed: c.Seed, Drives: c.Drives, Frames: c.Frames, Rate: c.Rate, Depth: c.Depth, Jobs: c.Jobs}
	if c.Window != "" {
		w, err := synth.ParseWindow(c.Window)
		if err != nil {
			return o, err
		}
		o.Window = w
	}
	return o, o.Validate()
}

func (c *synthCmd) Validate() error {
	_, err := c.options()
	return err
}

func (c *synthCmd) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	start := time.Now()
	var images atomic.Int64
	progress, finish := progressBar("rendering", "images")
	err = synth.Write(ctx, c.Out, o, func(done, total int) {
		images.Store(int64(total))
		progress(done, total)
	})
	finish()
	if err != nil {
		return err
	}
	fmt.Printf("%d images of %d drives in %.1f s: %s (%s)\n", images.Load(), c.Drives, time.Since(start).Seconds(), c.Out, synth.Version)
	return nil
}
