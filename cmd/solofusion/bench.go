package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/solofusion/solofusion/internal/bench"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/internal/whole"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type benchCmd struct {
	Size          string `default:"" enum:",r50,default,tiny" help:"Measure only the stages between the networks, with random tensors, at the size of the published model (r50) or of the default bundle (default)." placeholder:"SIZE"`
	Frames        int    `default:"12" help:"Frames that are run; the first two are not counted." placeholder:"N"`
	Sweep         bool   `help:"With --size: how times grow with the frames of history and with the cameras."`
	JSON          bool   `name:"json" help:"Print one object, stage to numbers, in place of the table."`
	Plot          string `help:"Write a roofline picture of the stages, a PNG file." type:"path" placeholder:"FILE"`
	Overlap       bool   `help:"Also measure frames of which each is looked at while the one before is finished. Each half, and each stage in the table, then has half of the threads."`
	detectorFlags `set:"lost=keep"`
}

func (c *benchCmd) Help() string {
	return `Measures this machine, before and (without --sweep) after the stages: how fast it copies memory that is in
no cache, and how fast it multiplies and adds in the vectors of the kernels, on one core and on all
threads. In between it renders a short drive of full-size images and detects in it. With --size
it needs no model: it runs the stages between the networks on random tensors, with six cameras whose
poses change from frame to frame.

Prints, for each stage, the median milliseconds of a frame of all cameras, its share of the frame,
the bytes and the arithmetic operations that it cannot do without, which of the two limits would
bind it, how much of that limit it reaches, and allocations. Lines without a share of the frame are
parts or variants of a stage.

Examples:

  solofusion bench --json > bench.json        every stage of the default bundle
  solofusion bench --size r50 --plot roof.png at the published model's size
  solofusion bench --size r50 --sweep         how times grow with frames and cameras
  SOLOFUSION_KERNELS=generic solofusion bench --size r50 --threads 1`
}

// Validate returns an error if no frame would be left to measure, or flags exclude
// each other.
func (c *benchCmd) Validate() error {
	switch {
	case c.Frames <= bench.WarmUp:
		return fmt.Errorf("--frames must be above %d", bench.WarmUp)
	case c.Sweep && c.Size == "":
		return errors.New("--sweep needs --size")
	case c.Sweep && c.Plot != "":
		return errors.New("--sweep has no roofline picture: leave --plot out")
	case c.Size != "" && c.Model != model.DefaultName:
		return errors.New("--size has random tensors in place of a model: leave --model out")
	case c.Size != "" && c.changesDetector():
		return errors.New("--size runs no detector: leave --overlap, --time, --storage, --lost, --providers and --device out")
	}
	return nil
}

// changesDetector reports whether a flag is set that only a detector heeds.
func (c *benchCmd) changesDetector() bool {
	d := pipeline.Defaults()
	onGPU := (!slices.Equal(c.names(), d.Providers) || c.Device != d.Device) && os.Getenv(providersVariable) == ""
	return c.Overlap || c.Time != d.Time || c.Storage != d.Storage || c.Lost != d.Lost || onGPU
}

func (c *benchCmd) Run(ctx context.Context) error {
	if c.Plot != "" {
		if err := whole.Check(c.Plot); err != nil {
			return err
		}
	}
	with, err := c.resources()
	if err != nil {
		return err
	}
	defer with.Pool.Close()
	effort := bench.Thorough()
	if c.Size == bench.SizeTiny {
		effort = bench.Quick()
	}
	machine := bench.NewMachine(with, c.threads(), effort)
	if c.Sweep {
		return c.sweep(machine, with)
	}
	measure := c.between
	if c.Size == "" {
		measure = c.detector
	}
	r, err := measure(ctx, machine, with)
	if err != nil {
		return err
	}
	r.Machine.MeasureAgain(with, effort)
	if c.Plot != "" {
		if err := r.WritePlot(c.Plot); err != nil {
			return err
		}
	}
	return c.print(r)
}

// printer is what the command prints.
type printer interface {
	WriteJSON(w io.Writer) error
	WriteTable(w io.Writer) error
}

func (c *benchCmd) print(p printer) error {
	if c.JSON {
		return p.WriteJSON(os.Stdout)
	}
	return p.WriteTable(os.Stdout)
}

// resources returns the kernels and the threads that the stages take. The caller closes
// the pool.
func (c *benchCmd) resources() (compute.Resources, error) {
	set, err := isa.Choose(os.Getenv(isa.Variable), isa.Detect())
	if err == nil {
		err = isa.Require(os.Getenv(isa.RequireVariable), set)
	}
	if err != nil {
		return compute.Resources{}, err
	}
	return compute.Resources{Kernels: set, Pool: parallel.New(c.threads())}, nil
}

// detector measures all stages of a bundle.
func (c *benchCmd) detector(ctx context.Context, machine bench.Machine, _ compute.Resources) (*bench.Report, error) {
	b, err := model.Open(c.Model)
	if err != nil {
		return nil, err
	}
	progress, finish := progressBar("rendering", "images")
	sets, err := bench.Render(ctx, c.Frames, progress)
	finish()
	if err != nil {
		return nil, err
	}
	var o bench.Observer
	d, err := c.openWith(b, pipeline.Options{Observer: &o, Overlap: c.Overlap})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return bench.Detector(d, &o, b, sets, machine)
}

// cameras is the number of a nuScenes vehicle's.
const cameras = 6

// between measures the stages between the networks.
func (c *benchCmd) between(_ context.Context, machine bench.Machine, with compute.Resources) (*bench.Report, error) {
	m, err := c.manifest()
	if err != nil {
		return nil, err
	}
	return bench.Between(m, cameras, c.Frames, machine, with)
}

func (c *benchCmd) sweep(machine bench.Machine, with compute.Resources) error {
	m, err := c.manifest()
	if err != nil {
		return err
	}
	s, err := bench.NewSweep(m, c.Frames, machine, with)
	if err != nil {
		return err
	}
	return c.print(s)
}

// manifest returns the numbers of a model of the size, with the history as the flag has
// it.
func (c *benchCmd) manifest() (*model.Manifest, error) {
	m, err := bench.ManifestOf(c.Size)
	if err == nil && c.History != pipeline.AsModel {
		m.History.Mode = c.History
	}
	return m, err
}

func (c *benchCmd) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0)
}
