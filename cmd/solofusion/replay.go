package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/solofusion/solofusion/internal/playback"
	"github.com/solofusion/solofusion/internal/whole"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type replayCmd struct {
	Input          string   `arg:"" help:"Folder of a data set in nuScenes format." placeholder:"INPUT"`
	DatasetVersion string   `help:"Folder of the tables; not needed if there is only one." placeholder:"V"`
	Split          string   `xor:"part" help:"Official split, all, or a name in the data set's own splits.json." placeholder:"S"`
	Splits         string   `help:"File of custom splits instead, a JSON object of name to scene names." placeholder:"FILE"`
	Scenes         []string `xor:"part" help:"Names or tokens of the scenes; all if not given." placeholder:"A,B"`
	Out            string   `help:"File for the detections in nuScenes' submission format." placeholder:"FILE"`
	Via            string   `default:"direct" enum:"direct,nats" help:"Way of the frames to the service: direct, or nats over an embedded server. The results are the same."`
	Overlap        bool     `help:"Look at a set while the one before is finished, each with half of the threads: more sets a second, the same results."`
	Rate           string   `default:"max" help:"Speed as a multiple of real time, or max." placeholder:"X"`
	detectorFlags  `set:"lost=keep"`
	rigFlags
	faultFlags
}

// faultFlags are the faults that are added to the frames.
type faultFlags struct {
	DropCamera []string      `help:"Cameras that send nothing, NAME or NAME@FROM-TO in key frames of each scene." placeholder:"NAME[@FROM-TO]"`
	DropFrame  float64       `help:"Probability that a frame is lost." placeholder:"P"`
	Jitter     time.Duration `help:"Largest error of a capture time." placeholder:"D"`
	Reorder    int           `help:"Shuffle frames in groups of this many." placeholder:"N"`
	Seed       uint64        `default:"1" help:"Seed of losses, jitter and order." placeholder:"N"`
}

func (c *replayCmd) Help() string {
	return `Sends a recording through the same service that serve runs, and writes the detections.
It waits for the detector and drops nothing. The same input gives the same bytes. A summary goes to
standard error: the number of sets, and what was missing, rejected, skipped and dropped; its last line
says how many of the images were used, and why others were not. If none was, there is no results file,
and the exit code is 1.

Examples:

  solofusion replay data/nuscenes --dataset-version v1.0-mini --split mini_val --out results.json
  solofusion replay drives --via nats --drop-camera CAM_BACK@3-10 --jitter 5ms --out results.json`
}

// Validate returns an error for a flag out of range.
func (c *replayCmd) Validate() error {
	if err := c.rigFlags.Validate(); err != nil {
		return err
	}
	if _, err := parseRate(c.Rate); err != nil {
		return err
	}
	if c.Splits != "" && c.Split == "" {
		return fmt.Errorf("--splits %s: want --split with the name of one of them", c.Splits)
	}
	faults, err := c.faults()
	if err != nil {
		return err
	}
	return faults.Validate()
}

// parseRate returns the multiple of real time that --rate says, infinite for max.
func parseRate(text string) (float64, error) {
	if text == "max" {
		return math.Inf(1), nil
	}
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || !(rate > 0) {
		return 0, fmt.Errorf("--rate %s: want max or a number above 0", text)
	}
	return rate, nil
}

func (f *faultFlags) faults() (replay.Faults, error) {
	faults := replay.Faults{Seed: f.Seed, DropFrame: f.DropFrame, Jitter: f.Jitter, Reorder: f.Reorder}
	for _, text := range f.DropCamera {
		drop, err := replay.ParseCameraDrop(text)
		if err != nil {
			return faults, err
		}
		faults.Drop = append(faults.Drop, drop)
	}
	return faults, nil
}

func (c *replayCmd) Run(ctx context.Context) error {
	ds, err := openDataset(c.Input, c.DatasetVersion)
	if err != nil {
		return err
	}
	if err := c.tell(ds); err != nil {
		return err
	}
	scenes, samples, err := c.part(ds)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := whole.Check(c.Out, append(ds.Files(), c.Splits)...); err != nil {
			return fmt.Errorf("--out %w", err)
		}
	}
	recorded, err := replay.NewSource(ds, scenes, replay.Options{Poses: c.Jitter > 0})
	if err != nil {
		return err
	}
	source, err := c.disturb(recorded, samples)
	if err != nil {
		return err
	}
	rows, err := replay.NewRows(samples)
	if err != nil {
		return err
	}
	p, err := c.open(pipeline.Options{Overlap: c.Overlap})
	if err != nil {
		return err
	}
	defer p.Close()
	progress, finish := progressBar("detecting", "sets")
	summary := playback.NewSummary(rows, len(samples), progress)
	start := time.Now()
	status, err := playback.Run(ctx, playback.Options{Via: playback.Way(c.Via), Overlap: c.Overlap}, source, p.For(p.NewMemory()), summary)
	finish()
	if err != nil {
		return err
	}
	if err := summary.Write(os.Stderr, time.Since(start), recorded.Stats(), status); err != nil {
		return err
	}
	if err := summary.Check(recorded.Stats(), status); err != nil || c.Out == "" {
		return err
	}
	return rows.Results().WriteFile(c.Out)
}

// part returns the scenes and samples that the flags select.
func (c *replayCmd) part(ds *nuscenes.Dataset) ([]*nuscenes.Scene, []*nuscenes.Sample, error) {
	if c.Split == "" {
		scenes, err := scenesOf(ds, c.Scenes)
		return scenes, samplesOf(scenes), err
	}
	split, err := ds.Part(nuscenes.Part{Split: c.Split, File: c.Splits})
	if err != nil {
		return nil, nil, err
	}
	warnOfAbsentScenes(ds, split)
	in := map[*nuscenes.Scene]bool{}
	for _, sample := range split.Samples {
		in[sample.Scene] = true
	}
	scenes := slices.DeleteFunc(slices.Clone(ds.Scenes), func(s *nuscenes.Scene) bool { return !in[s] })
	return scenes, split.Samples, nil
}

func samplesOf(scenes []*nuscenes.Scene) (samples []*nuscenes.Sample) {
	for _, scene := range scenes {
		samples = append(samples, scene.Samples...)
	}
	return samples
}

// disturb adds the faults and the pace of the flags to source.
func (c *replayCmd) disturb(source perception.Source, samples []*nuscenes.Sample) (perception.Source, error) {
	faults, err := c.faults()
	if err != nil {
		return nil, err
	}
	for _, drop := range faults.Drop {
		if !slices.ContainsFunc(samples, func(s *nuscenes.Sample) bool { return s.Key(drop.Camera) != nil }) {
			return nil, fmt.Errorf("--drop-camera %s: no sample has a camera of that name", drop.Camera)
		}
	}
	if source, err = replay.Inject(source, faults); err != nil {
		return nil, err
	}
	speed, err := parseRate(c.Rate)
	if err != nil || math.IsInf(speed, 1) {
		return source, err
	}
	return replay.Pace(source, speed), nil
}
