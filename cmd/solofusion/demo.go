package main

import (
	"context"
	"fmt"
	"os"

	"github.com/solofusion/solofusion/internal/demo"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type demoCmd struct {
	Out           string `default:"out/demo" help:"Folder for everything; it is created." placeholder:"DIR"`
	Frames        int    `default:"20" help:"Key frames of the drive, two a second." placeholder:"N"`
	Seed          uint64 `default:"1000" help:"Seed of the drive. The default bundle was not trained on the drive of the default seed." placeholder:"N"`
	detectorFlags `set:"lost=keep"`
}

func (c *demoCmd) Help() string {
	return `Demonstrates the whole service: renders a drive, sends its images over an embedded NATS
server to the service, receives the detections, grades them with the nuScenes metric and draws them.
Prints a table, and the paths of the files.

Example:

  solofusion demo --out out/demo --frames 20`
}

// Validate returns an error for a drive without frames.
func (c *demoCmd) Validate() error {
	if c.Frames < 1 {
		return fmt.Errorf("--frames %d: want at least 1", c.Frames)
	}
	return nil
}

func (c *demoCmd) Run(ctx context.Context) error {
	detector, err := c.open(pipeline.Options{})
	if err != nil {
		return err
	}
	defer detector.Close()
	made, err := demo.Run(ctx, detector, demo.Options{
		Out: c.Out, Frames: c.Frames, Seed: c.Seed, Words: os.Stderr, Progress: progressBar,
	})
	if err != nil {
		return err
	}
	return made.Write(os.Stdout)
}
