package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/solofusion/solofusion/internal/bench"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type benchCmd struct {
	Frames        int  `default:"12" help:"Frames of the rendered drive; the first two are not counted." placeholder:"N"`
	JSON          bool `name:"json" help:"Print one object, stage to numbers, in place of the table."`
	detectorFlags `set:"lost=keep"`
}

func (c *benchCmd) Help() string {
	return `Renders a short drive of full-size images and detects in it. Prints, for each
stage, the median milliseconds of a frame of all cameras, its share of the frame, allocations and,
if the manifest has the sizes, the bytes and floating-point operations that the stage needs at
least; then frames per second and the peak of memory.

Example:

  solofusion bench --json > bench.json`
}

// Validate returns an error if no frame would be left to measure.
func (c *benchCmd) Validate() error {
	if c.Frames <= bench.WarmUp {
		return fmt.Errorf("--frames must be above %d", bench.WarmUp)
	}
	return nil
}

func (c *benchCmd) Run(ctx context.Context) error {
	b, err := model.Open(c.Model)
	if err != nil {
		return err
	}
	progress, finish := progressBar("rendering", "images")
	sets, err := bench.Render(ctx, c.Frames, progress)
	finish()
	if err != nil {
		return err
	}
	cameras := len(sets[0].Frames)
	r := bench.NewReport(&b.Manifest, cameras)
	d, err := c.openWith(b, pipeline.Options{Observer: r})
	if err != nil {
		return err
	}
	defer d.Close()
	if err := r.Measure(d, sets); err != nil {
		return err
	}
	if c.JSON {
		return r.WriteJSON(os.Stdout)
	}
	fmt.Printf("%s on %d threads, %d frames of %d cameras\n\n", b.ID(), c.threads(), len(sets)-bench.WarmUp, cameras)
	return r.WriteTable(os.Stdout)
}

func (c *benchCmd) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0)
}
