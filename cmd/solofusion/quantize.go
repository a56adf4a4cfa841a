package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/quant"
	"github.com/solofusion/solofusion/quant/figure"
)

type modelQuantizeCmd struct {
	Bundle         string   `arg:"" default:"default" help:"Folder of a bundle, or default." placeholder:"BUNDLE"`
	Calibration    []string `required:"" help:"Folders of recordings in nuScenes format, of the vehicle that the model is to see." placeholder:"DIR"`
	DatasetVersion string   `help:"Folder of the tables; not needed if there is only one." placeholder:"V"`
	Out            string   `required:"" help:"Folder of the new bundle; it may be BUNDLE's own." placeholder:"DIR"`
	Target         []string `default:"cpu" enum:"cpu,tensorrt,cuda" help:"Providers that get graphs of their own: cpu (uint8 and int8), tensorrt (symmetric int8), cuda (float16)." placeholder:"P"`
	MaxLoss        float64  `default:"0.1" help:"Largest share of the float32 model's boxes above 0.3 that may be lost, 0 to 1." placeholder:"X"`
	Frames         int      `default:"160" help:"Frames that the ranges are taken from." placeholder:"N"`
	Statistics     string   `help:"File in which the measured ranges are kept: an interrupted run goes on from it." type:"path" placeholder:"FILE"`
	Breakdown      bool     `help:"Also count the loss by class, sets before and missing images, which takes eight runs over the scenes that are counted."`
	Plot           string   `help:"Picture of the trials: boxes lost against the time of a set." type:"path" placeholder:"FILE.png"`
	SevenBits      bool     `help:"Weights of 7 bits: the same results on processors without 8-bit dot products (VNNI)."`
	Threads        int      `help:"Threads; 0 for all processors." placeholder:"N"`
}

func (c *modelQuantizeCmd) Help() string {
	return `Writes a bundle with graphs of 8-bit integers for the CPU beside the float32 ones, which other
providers run. Ranges are measured over the recording, in order, with the history as in use, with
cameras missing and frames lost. A quarter of the scenes, if there are four, is not measured: on
these the loss is counted. While it is above --max-loss, the layers that cost most stay float32.
Nothing is written unless the loss is within it; the manifest records data, layers and loss. The
loss is counted on the CPU, whose graphs are written in any case; those for GPUs come from the same ranges.
Boxes of a weak model move by half a metre for little: docs/quantisation.md has what to expect.

A head that is quantised already is taken back to float32 first; its weights stay rounded.

Example:

  solofusion model quantize path/to/bundle --calibration drives --out path/to/eight
  solofusion model quantize path/to/bundle --calibration day,night --target cpu,tensorrt,cuda \
    --max-loss 0.02 --statistics ranges.json --out path/to/eight`
}

// Validate returns an error for a flag out of range.
func (c *modelQuantizeCmd) Validate() error {
	switch {
	case !(c.MaxLoss >= 0 && c.MaxLoss <= 1):
		return fmt.Errorf("--max-loss %v: want 0 to 1", c.MaxLoss)
	case c.Frames < 1:
		return fmt.Errorf("--frames %d: want at least 1", c.Frames)
	}
	return nil
}

func (c *modelQuantizeCmd) Run(ctx context.Context) error {
	if err := model.CheckOut(c.Out); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	b, err := c.float()
	if err != nil {
		return err
	}
	drives, err := c.drives()
	if err != nil {
		return err
	}
	measured, heldOut := quant.Split(drives)
	run := quant.Run{Threads: c.threads()}
	if run.Kernels, err = isa.Choose(os.Getenv(isa.Variable), isa.Detect()); err != nil {
		return err
	}
	progress, finish := progressBar("measuring", "drives under conditions")
	stats, err := quant.Calibrate(ctx, b, measured, quant.Calibration{Frames: c.Frames, File: c.Statistics, Run: run, Progress: progress})
	finish()
	if err != nil {
		return err
	}
	found, err := quant.Search(ctx, b, stats, heldOut, quant.Goal{MaxLoss: c.MaxLoss, SevenBits: c.SevenBits, Run: run, Step: tellStep})
	if err != nil {
		return err
	}
	done, err := found.Record(len(drives) != len(measured))
	if err == nil {
		done, err = c.others(done, stats, found)
	}
	if err != nil {
		return err
	}
	if err := done.Write(c.Out); err != nil {
		return err
	}
	if err := writeQuantised(os.Stdout, found, done, c.Out); err != nil {
		return err
	}
	if c.Plot != "" {
		if err := figure.Steps(c.Plot, found, c.MaxLoss); err != nil {
			return err
		}
	}
	if !c.Breakdown {
		return nil
	}
	parts, err := quant.Breakdown(ctx, b, done, heldOut, run)
	if err != nil {
		return err
	}
	return writeParts(os.Stdout, parts)
}

// others adds the graphs for the providers but the CPU.
func (c *modelQuantizeCmd) others(b *model.Bundle, s *quant.Statistics, found *quant.Found) (_ *model.Bundle, err error) {
	if slices.Contains(c.Target, "tensorrt") {
		if b, err = quant.ForTensorRT(b, s, found.Options); err != nil {
			return nil, err
		}
	}
	if slices.Contains(c.Target, "cuda") {
		if b, err = quant.ForCUDA(b, s); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// float returns the bundle with float32 graphs in their fastest form.
func (c *modelQuantizeCmd) float() (*model.Bundle, error) {
	b, err := model.Open(c.Bundle)
	if err != nil {
		return nil, err
	}
	if b.Manifest.Head.Input.Type != "float32" {
		slog.Warn("the head is quantised already: its weights stay rounded to 8 bits, and the loss is counted against that", "model", b.ID())
	}
	if b, err = quant.Float(b); err != nil {
		return nil, err
	}
	b, _, err = quant.Optimise(b)
	return b, err
}

// drives returns the scenes of all recordings.
func (c *modelQuantizeCmd) drives() (all []quant.Drive, err error) {
	for _, dir := range c.Calibration {
		ds, err := openDataset(dir, c.DatasetVersion)
		if err != nil {
			return nil, err
		}
		if len(ds.Scenes) == 0 {
			return nil, fmt.Errorf("--calibration %s has no scenes", dir)
		}
		all = append(all, quant.Drives(ds)...)
	}
	return all, nil
}

func (c *modelQuantizeCmd) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0)
}

func tellStep(s quant.Step) {
	slog.Info("tried", "float32_layers", len(s.Kept), "lost", fmt.Sprintf("%.2f %%", 100*s.Loss.Share()), "of", s.Loss.Boxes, "ms_per_set", s.Took.Round(time.Millisecond).Milliseconds())
}

// writeQuantised prints what was made.
func writeQuantised(w io.Writer, f *quant.Found, b *model.Bundle, folder string) error {
	q := b.Manifest.Graphs["cpu"].Quantisation
	last := f.Result
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "ranges\t%s, %d frames\n", q.Method, q.Frames)
	for _, l := range q.Kept {
		fmt.Fprintf(t, "float32\t%s %s\n", l.Graph, l.Layer)
	}
	fmt.Fprintf(t, "loss\t%s\n", last.Loss)
	fmt.Fprintf(t, "a set\t%.0f ms, %.0f with float32\n", ms(last.Took), ms(f.Float))
	fmt.Fprintf(t, "%s is in %s\n", b.ID(), folder)
	return t.Flush()
}

// writeParts prints the loss by parts.
func writeParts(w io.Writer, parts []quant.Part) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\npart\t\tboxes above 0.3\tlost")
	for _, p := range parts {
		fmt.Fprintf(t, "%s\t%s\t%d\t%.1f %%\n", p.Of, p.Name, p.Loss.Boxes, 100*p.Loss.Share())
	}
	return t.Flush()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
