// Command cmd measures what docs/quantisation.md reports beside what solofusion model
// quantize prints, and writes what the experiments in training/quantization read.
//
//	go run ./quant/cmd drift --model out/float --calibration out/calibration --statistics out/ranges.json \
//		--drive out/long --plot docs/quantisation-drift.png
//	go run ./quant/cmd examples --model out/float --drives out/calibration --out out/examples
//
// drift compares, in one long drive, the planes of a bundle whose bev_embed is in 8 bits
// with those of its float32 form, in recursive mode. examples writes inputs of the graphs
// as NumPy's arrays. Recordings are as synth writes them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/quant"
	"github.com/solofusion/solofusion/quant/figure"
	"github.com/solofusion/solofusion/synth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "quant:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context, []string) error{"drift": drift, "examples": examples}
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New("want drift or examples, then its flags; --help lists them")
	}
	return commands[args[0]](ctx, args[1:])
}

// examples writes inputs of a bundle's graphs.
func examples(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("examples", flag.ContinueOnError)
	bundle := flags.String("model", "default", "bundle with float32 graphs")
	drives := flags.String("drives", "", "recording, in nuScenes format as synth writes it")
	n := flags.Int("n", 16, "sets, each of another scene")
	out := flags.String("out", "", "folder to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, o, err := floatBundle(*bundle)
	if err != nil {
		return err
	}
	of, err := nuscenes.Open(*drives, synth.Version)
	if err != nil {
		return err
	}
	return quant.WriteExamples(ctx, b, quant.Drives(of), *n, o, *out)
}

// floatBundle opens a bundle, its graphs in float32, and says how it is run.
func floatBundle(name string) (*model.Bundle, quant.Run, error) {
	o := quant.Run{Threads: runtime.GOMAXPROCS(0)}
	b, err := model.Open(name)
	if err != nil {
		return nil, o, err
	}
	if b, err = quant.Float(b); err != nil {
		return nil, o, err
	}
	o.Kernels, err = isa.Choose(os.Getenv(isa.Variable), isa.Detect())
	return b, o, err
}

// drift compares planes over a long drive.
func drift(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("drift", flag.ContinueOnError)
	bundle := flags.String("model", "default", "bundle with float32 graphs")
	calibration := flags.String("calibration", "", "recording that ranges are from, in nuScenes format as synth writes it")
	statistics := flags.String("statistics", "", "file that keeps the ranges")
	frames := flags.Int("frames", 160, "frames that the ranges are taken from")
	drive := flags.String("drive", "", "recording whose first scene is gone through")
	plot := flags.String("plot", "", "picture to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, o, err := floatBundle(*bundle)
	if err != nil {
		return err
	}
	of, err := nuscenes.Open(*calibration, synth.Version)
	if err != nil {
		return err
	}
	long, err := nuscenes.Open(*drive, synth.Version)
	if err != nil {
		return err
	}
	measured, _ := quant.Split(quant.Drives(of))
	stats, err := quant.Calibrate(ctx, b, measured, quant.Calibration{Frames: *frames, File: *statistics, Run: o})
	if err != nil {
		return err
	}
	options, err := quant.Only(b, model.BEVEmbed)
	if err != nil {
		return err
	}
	eight, err := quant.Quantise(b, stats, options)
	if err != nil {
		return err
	}
	all, err := quant.Drift(ctx, b, eight, quant.Drives(long)[0], o)
	if err != nil {
		return err
	}
	newest, oldest := figure.Curve{Name: "newest plane"}, figure.Curve{Name: "oldest plane"}
	for i, a := range all {
		newest.Values, oldest.Values = append(newest.Values, 100*a.Newest), append(oldest.Values, 100*a.Oldest)
		fmt.Printf("%d\t%.4f\t%.4f\n", i, a.Newest, a.Oldest)
	}
	if *plot == "" {
		return nil
	}
	return figure.Drift(*plot, "bev_embed in 8 bits against float32, recursive history", "off by, % of the plane's size", newest, oldest)
}
