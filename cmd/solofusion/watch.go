package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/internal/watch"
)

type watchCmd struct {
	connectFlags
	Score float64       `default:"0.3" help:"Lowest score of the boxes that are shown." placeholder:"S"`
	Rates time.Duration `default:"10s" help:"Time between two lines of rates; 0 for none." placeholder:"D"`
	JSON  bool          `name:"json" help:"One JSON object a line: {\"result\": …} or {\"status\": …}."`
}

func (c *watchCmd) Help() string {
	return `Prints a service's results as they come, one line each: the time of capture (UTC), cameras used
of those there are, time from capture to arrival, earlier frames that the result rests on, boxes of at
least --score, then what is missing, the strongest box and the boxes by class. Lines in between tell
changes of the service's state, its troubles, and rates. It ends with Ctrl-C and the exit code 0.

Examples:

  solofusion watch
  solofusion watch --url nats://vehicle:4222 --rig truck --score 0.5
  solofusion watch --json | jq '.result.boxes // empty'`
}

// Validate returns an error for a flag out of range.
func (c *watchCmd) Validate() error {
	if !(c.Score >= 0 && c.Score <= 1) {
		return fmt.Errorf("--score %g: want 0 to 1", c.Score)
	}
	if c.Rates < 0 {
		return fmt.Errorf("--rates %v: want a period, or 0 for none", c.Rates)
	}
	return nil
}

// silence is how long nothing may come until that is told; a service sends a status
// each second.
const silence = 5 * time.Second

func (c *watchCmd) Run(ctx context.Context) error {
	conn, subjects, err := c.connect("watch")
	if err != nil {
		return err
	}
	defer conn.Close()
	results, err := bus.NewResults(conn, subjects)
	if err != nil {
		return err
	}
	defer results.Close()
	statuses, err := bus.NewStatuses(conn, subjects)
	if err != nil {
		return err
	}
	defer statuses.Close()
	fmt.Fprintf(os.Stderr, "watching %s\n", subjects.All())
	return watch.New(os.Stdout, watch.Options{
		Score: c.Score, Rates: c.Rates, Silence: silence, JSON: c.JSON, Colours: coloured(os.Stdout),
		Words: os.Stderr, Where: subjects.All(), Rig: subjects.Rig,
	}).Run(ctx, results, statuses)
}

// coloured reports whether a file is a terminal on which colours are wanted.
func coloured(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
