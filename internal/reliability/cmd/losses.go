package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/solofusion/solofusion/internal/reliability"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/perception/preprocess"
	"github.com/solofusion/solofusion/synth"
)

// losses runs what was not run yet, then writes tables and pictures.
func losses(ctx context.Context, args []string) error {
	flags, drives, report := newFlags("losses")
	cache := flags.String("cache", "out/losses/results", "folder that keeps results; a study goes on where it was stopped")
	frames := flags.Int("frames", 8, "samples of each drive under crashes and lost images")
	rounds := flags.Int("rounds", 1, "how often each drive loses other cameras")
	from := flags.Int("from", 0, "first drive to run")
	threads := flags.Int("threads", 0, "of the detector; 0 for all cores")
	parts := flags.String("parts", "crashes,bursts", "what to run and write: crashes, bursts or both")
	only := flags.String("only", "", "run only crashes and lost images whose case has this in its name, such as absent-crash3")
	written := flags.Bool("report-only", false, "run nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ds, err := nuscenes.Open(*drives, synth.Version)
	if err != nil {
		return err
	}
	plan := &reliability.Plan{Dataset: ds, Frames: *frames, Rounds: *rounds}
	study := &reliability.Study{Cache: *cache}
	for i := *from; i < len(ds.Scenes) && !*written; i++ {
		err := detect(study, *threads, func() error {
			return each(*parts, func() error { return plan.Run(ctx, study, i, *only) }, func() error { return reliability.RunLong(ctx, study, ds, i) })
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "done:", ds.Scenes[i].Name)
	}
	return each(*parts,
		func() error { return writeCrashes(ctx, plan, study, *report) },
		func() error { return writeBursts(ctx, plan, study, *report) })
}

// each does what belongs to the parts.
func each(parts string, crashes, bursts func() error) error {
	for part := range strings.SplitSeq(parts, ",") {
		do := map[string]func() error{"crashes": crashes, "bursts": bursts}[part]
		if do == nil {
			return fmt.Errorf("reliability: --parts %s, want crashes, bursts or crashes,bursts", parts)
		}
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func writeCrashes(ctx context.Context, plan *reliability.Plan, study *reliability.Study, report string) error {
	found, err := plan.Losses(ctx, study)
	if err != nil {
		return err
	}
	fmt.Println(found.Table())
	if report == "" {
		return nil
	}
	if err := found.Draw(beside(report, "reliability-losses.png")); err != nil {
		return err
	}
	return reliability.Replace(report, "losses", found.Table())
}

func writeBursts(ctx context.Context, plan *reliability.Plan, study *reliability.Study, report string) error {
	found, err := plan.Bursting(ctx, study)
	if err != nil {
		return err
	}
	fmt.Println(found.Table())
	if report == "" {
		return nil
	}
	if err := found.Draw(beside(report, "reliability-bursts.png")); err != nil {
		return err
	}
	picture := "\n![Recall during and after bursts](reliability-bursts.png)\n"
	return reliability.Replace(report, "bursts", found.Table()+picture)
}

// detect runs with a detector of its own, so that what it keeps of images does not grow
// from drive to drive.
func detect(s *reliability.Study, threads int, run func() error) (err error) {
	b, err := model.Default()
	if err != nil {
		return err
	}
	s.Detector, err = pipeline.New(b, pipeline.Options{
		Threads: threads, Encodings: &pipeline.Encodings{},
		Images: preprocess.Options{Blank: preprocess.Use}, // black images are shown to the network, as the benchmark does
	})
	if err != nil {
		return err
	}
	defer s.Detector.Close()
	return run()
}
