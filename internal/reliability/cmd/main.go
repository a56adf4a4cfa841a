// Command cmd measures reliability and writes it into docs/reliability.md.
//
//	go run ./internal/reliability/cmd losses --drives out/held-out --cache out/losses
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/solofusion/solofusion/internal/reliability"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/synth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := losses(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func losses(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("losses", flag.ExitOnError)
	dir := flags.String("drives", "out/held-out", "")
	cache := flags.String("cache", "out/losses", "")
	frames := flags.Int("frames", 10, "")
	rounds := flags.Int("rounds", 1, "")
	from := flags.Int("from", 0, "")
	step := flags.Int("step", 1, "")
	what := flags.String("what", "cases", "")
	threads := flags.Int("threads", 1, "")
	flags.Parse(args)
	b, err := model.Default()
	if err != nil {
		return err
	}
	ds, err := nuscenes.Open(*dir, synth.Version)
	if err != nil {
		return err
	}
	var cases []reliability.Case
	cases = append(cases, reliability.Clean())
	n := len(ds.Scenes)
	for r := range *rounds {
		for _, way := range reliability.Ways {
			for k := 1; k < 6; k++ {
				cases = append(cases, reliability.Crash(way, k, 6, r, n))
			}
			for _, sixths := range []int{2, 4, 5} {
				if r == 0 {
					cases = append(cases, reliability.Frames(way, sixths, r))
				}
			}
		}
	}
	for i := *from; i < n; i += *step {
		d, err := pipeline.New(b, pipeline.Options{Threads: *threads, Encodings: &pipeline.Encodings{}})
		if err != nil {
			return err
		}
		study := &reliability.Study{Detector: d, Cache: *cache}
		if *what == "cases" {
			drive, err := reliability.Read(ctx, ds, i, *frames)
			if err != nil {
				return err
			}
			for _, c := range cases {
				if err := study.Run(ctx, drive, c); err != nil {
					return err
				}
				fmt.Println(i, c.Name)
			}
		} else {
			drive, err := reliability.Read(ctx, ds, i, 0)
			if err != nil {
				return err
			}
			clean := reliability.Clean()
			clean.Name = "clean-long"
			if err := study.Run(ctx, drive, clean); err != nil {
				return err
			}
			if err := study.RunBursts(ctx, drive, reliability.Absent); err != nil {
				return err
			}
			fmt.Println(i, "bursts")
		}
		d.Close()
	}
	return nil
}
