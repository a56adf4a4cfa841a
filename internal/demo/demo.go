package demo

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/solofusion/solofusion/internal/picture"
	"github.com/solofusion/solofusion/internal/playback"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/synth"
)

// Options configure a demonstration.
type Options struct {
	Out    string // folder for everything; it is created
	Frames int    // key frames of the drive, at least 1
	Seed   uint64 // of the drive

	Words    io.Writer                                                               // gets a summary of each part
	Progress func(name, unit string) (progress func(done, total int), finish func()) // called at the start of a part
}

// Demo is a demonstration and what it has made.
type Demo struct {
	options  Options
	detector *pipeline.Detector
	dataset  *nuscenes.Dataset
	results  *nuscenes.Results
	summary  *playback.Summary
	metrics  *eval.Metrics
	files    [][2]string // name, path
}

// Run renders, detects, grades and draws. The caller closes the detector.
func Run(ctx context.Context, detector *pipeline.Detector, o Options) (*Demo, error) {
	d := &Demo{options: o, detector: detector}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"render", d.render}, {"detect", d.detect}, {"grade", d.grade}, {"draw", d.draw},
	} {
		start := time.Now()
		if err := part.run(ctx); err != nil {
			return nil, fmt.Errorf("demo: %s: %w", part.name, err)
		}
		fmt.Fprintf(o.Words, "%s  %.1f s\n", part.name, time.Since(start).Seconds())
	}
	return d, nil
}

// file returns a path below the demo's folder, and adds it to the files under name.
func (d *Demo) file(name string, path ...string) string {
	file := filepath.Join(append([]string{d.options.Out}, path...)...)
	d.files = append(d.files, [2]string{name, file})
	return file
}

func (d *Demo) render(ctx context.Context) (err error) {
	folder := d.file("drive", "drive")
	progress, finish := d.options.Progress("rendering", "images")
	err = synth.Write(ctx, folder, synth.Options{Seed: d.options.Seed, Drives: 1, Frames: d.options.Frames}, progress)
	finish()
	if err == nil {
		d.dataset, err = nuscenes.Open(folder, synth.Version)
	}
	return err
}

func (d *Demo) detect(ctx context.Context) error {
	source, err := replay.NewSource(d.dataset, d.dataset.Scenes, replay.Options{})
	if err != nil {
		return err
	}
	rows, err := replay.NewRows(d.dataset.Samples)
	if err != nil {
		return err
	}
	progress, finish := d.options.Progress("detecting", "sets")
	d.summary = playback.NewSummary(rows, len(d.dataset.Samples), progress)
	start := time.Now()
	status, err := playback.Run(ctx, playback.Options{Via: playback.NATS}, source, d.detector.For(d.detector.NewMemory()), d.summary)
	finish()
	if err != nil {
		return err
	}
	if err := d.summary.Write(d.options.Words, time.Since(start), source.Stats(), status); err != nil {
		return err
	}
	if err := d.summary.Check(source.Stats(), status); err != nil {
		return err
	}
	d.results = rows.Results()
	return d.results.WriteFile(d.file("detections", "results.json"))
}

func (d *Demo) grade(context.Context) error {
	split, err := d.dataset.Split("all")
	if err != nil {
		return err
	}
	start, cfg := time.Now(), eval.CVPR2019()
	frames, err := eval.Frames(d.dataset, split, d.results, cfg)
	if err != nil {
		return err
	}
	d.metrics = eval.Evaluate(cfg, frames)
	return d.metrics.WriteFiles(d.file("metrics", "metrics"), d.results.Meta, time.Since(start))
}

// shownScore is the lowest score of the boxes in pictures.
const shownScore = 0.3

func (d *Demo) draw(ctx context.Context) error {
	samples := d.dataset.Scenes[0].Samples
	load := func(i int) (*picture.Frame, error) {
		for _, r := range d.results.Samples {
			if r.Token == samples[i].Token {
				return picture.Load(d.dataset, samples[i], r.Boxes, shownScore)
			}
		}
		return nil, fmt.Errorf("no results of sample %s", samples[i].Token)
	}
	var above []*picture.Frame
	for _, i := range spread(6, len(samples)) {
		f, err := load(i)
		if err != nil {
			return err
		}
		above = append(above, f)
	}
	title := fmt.Sprintf("White outline: truth. Filled: detected, score %g and above. Line: way of one second.", shownScore)
	if err := picture.BirdsEye(d.file("from above", "birdseye.png"), title, above); err != nil {
		return err
	}
	for _, i := range spread(4, len(samples)) {
		f, err := load(i)
		if err != nil {
			return err
		}
		title := fmt.Sprintf("%s, key frame %d of %d. White: truth. Coloured: detected, with its score.", f.Sample.Scene.Name, i+1, len(samples))
		if err := picture.Cameras(d.file("cameras", fmt.Sprintf("cameras-%02d.jpg", i+1)), title, f); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// spread returns up to n of the indices below total, evenly spaced and including
// the last.
func spread(n, total int) (indices []int) {
	n = min(n, total)
	for i := range n {
		indices = append(indices, (i+1)*total/n-1)
	}
	return indices
}

// Write prints the metrics of each class, the means, and the paths of the files. A
// class that the drive lacks has a dash; in the means it counts as zero, as the
// metric defines.
func (d *Demo) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-20s\tAP\ttruth\tfound\t\n", "class")
	absent := 0
	for i := range d.metrics.Classes {
		c, ap := &d.metrics.Classes[i], "-"
		if c.Truth > 0 {
			ap = fmt.Sprintf("%.3f", c.MeanAP)
		} else {
			absent++
		}
		fmt.Fprintf(t, "%-20s\t%s\t%d\t%d\t\n", c.Class, ap, c.Truth, c.Found)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	fmt.Fprintf(w, "\nmAP %.3f   NDS %.3f", d.metrics.MeanAP, d.metrics.NDS)
	if absent > 0 {
		fmt.Fprintf(w, "   (%d classes that the drive lacks count as 0)", absent)
	}
	fmt.Fprintf(w, "\n%.0f ms a frame of %d cameras\n\n", d.summary.PerFrame().Seconds()*1000, len(d.dataset.Samples[0].Cameras()))
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range d.files {
		fmt.Fprintf(t, "%s\t%s\n", f[0], f[1])
	}
	return t.Flush()
}
