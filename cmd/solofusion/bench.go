package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/synth"
)

type benchCmd struct {
	Frames int  `default:"12" help:"Frames of the rendered drive; the first two are not counted." placeholder:"N"`
	JSON   bool `name:"json" help:"Print one object, stage to numbers, in place of the table."`
	detectorFlags
}

func (c *benchCmd) Help() string {
	return `Renders a short drive of full-size images and detects in it. Prints, for each
stage, the median milliseconds of a frame of all cameras, its share of the frame, allocations and,
where the manifest tells them, the bytes and floating-point operations that the stage cannot do
without; then frames per second and the peak of memory.

Example:

  solofusion bench --json > bench.json`
}

// warmUp is the number of frames that are not counted: buffers grow in them.
const warmUp = 2

// Validate refuses what leaves nothing to measure.
func (c *benchCmd) Validate() error {
	if c.Frames <= warmUp {
		return fmt.Errorf("--frames must be above %d", warmUp)
	}
	return nil
}

func (c *benchCmd) Run(ctx context.Context) error {
	b, err := model.Open(c.Model)
	if err != nil {
		return err
	}
	sets, err := c.render(ctx)
	if err != nil {
		return err
	}
	r, err := c.measure(b, sets)
	if err != nil {
		return err
	}
	if c.JSON {
		return r.writeJSON(os.Stdout)
	}
	fmt.Printf("%s on %d threads, %d frames of %d cameras\n\n", b.ID(), c.threads(), len(sets)-warmUp, len(sets[0].Frames))
	return r.writeTable(os.Stdout)
}

func (c *benchCmd) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// render makes the drive and returns its sets.
func (c *benchCmd) render(ctx context.Context) ([]*perception.FrameSet, error) {
	dir, err := os.MkdirTemp("", "solofusion-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	progress, finish := progressBar("rendering", "images")
	err = synth.Write(ctx, dir, synth.Options{Seed: 1, Drives: 1, Frames: c.Frames}, progress)
	finish()
	if err != nil {
		return nil, err
	}
	ds, err := nuscenes.Open(dir, synth.Version)
	if err != nil {
		return nil, err
	}
	source, err := replay.NewSource(ds, ds.Scenes, replay.Options{})
	if err != nil {
		return nil, err
	}
	var sets []*perception.FrameSet
	err = eachSet(ctx, source, func(s *perception.FrameSet) error {
		sets = append(sets, s)
		return nil
	})
	if err == nil && len(sets) != c.Frames {
		err = fmt.Errorf("bench: %d sets of %d rendered frames", len(sets), c.Frames)
	}
	return sets, err
}

// measure steps through the sets.
func (c *benchCmd) measure(b *model.Bundle, sets []*perception.FrameSet) (*benchReport, error) {
	forgetPeak()
	counter := &allocations{}
	p, err := c.openWith(b, pipeline.Options{Observer: counter})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	m := p.NewMemory()
	r := newBenchReport(&b.Manifest, len(sets[0].Frames))
	for i, set := range sets {
		counter.stages = map[string]uint64{}
		result, err := p.Step(m, set)
		if err != nil {
			return nil, err
		}
		if i >= warmUp {
			r.add(result.StageDurations, counter.stages)
		}
	}
	r.peak = peakMemory()
	return r, nil
}

// allocations is an observer that counts each stage's.
type allocations struct {
	before uint64
	stages map[string]uint64
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func (a *allocations) Begin(string) { a.before = mallocs() }

func (a *allocations) End(stage string, _ func() []pipeline.Output) {
	a.stages[stage] = mallocs() - a.before
}

// benchReport collects the frames' numbers.
type benchReport struct {
	stages []string
	costs  map[string]cost
	times  map[string][]float64 // milliseconds
	allocs map[string][]float64
	frames []float64 // milliseconds
	peak   int64     // bytes, 0 where the system does not tell
}

func newBenchReport(m *model.Manifest, cameras int) *benchReport {
	return &benchReport{
		stages: pipeline.Stages[:],
		costs:  costs(m, cameras),
		times:  map[string][]float64{},
		allocs: map[string][]float64{},
	}
}

func (r *benchReport) add(times map[string]time.Duration, allocs map[string]uint64) {
	frame := 0.0
	for _, s := range r.stages {
		ms := float64(times[s]) / float64(time.Millisecond)
		frame += ms
		r.times[s] = append(r.times[s], ms)
		r.allocs[s] = append(r.allocs[s], float64(allocs[s]))
	}
	r.frames = append(r.frames, frame)
}

// median returns the middle value, the lower of two.
func median(values []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
}

// benchStage is what --json says of a stage and, without a cost, of a frame.
type benchStage struct {
	MS     float64 `json:"ms"`
	Share  float64 `json:"share"` // of the frame
	Bytes  *int64  `json:"bytes,omitempty"`
	FLOPs  *int64  `json:"flops,omitempty"`
	Allocs float64 `json:"allocs"`
	FPS    float64 `json:"fps,omitempty"`
	Peak   int64   `json:"peak_bytes,omitempty"`
}

// rows returns the stages' numbers and, last, the frame's.
func (r *benchReport) rows() []benchStage {
	all := benchStage{MS: median(r.frames), Share: 1, Peak: r.peak}
	all.FPS = 1000 / all.MS
	var rows []benchStage
	for _, s := range r.stages {
		row := benchStage{MS: median(r.times[s]), Allocs: median(r.allocs[s])}
		row.Share = row.MS / all.MS
		if c, known := r.costs[s]; known {
			row.Bytes, row.FLOPs = &c.bytes, &c.flops
		}
		all.Allocs += row.Allocs
		rows = append(rows, row)
	}
	return append(rows, all)
}

func (r *benchReport) names() []string { return append(slices.Clone(r.stages), "frame") }

func (r *benchReport) writeJSON(w io.Writer) error {
	object := map[string]benchStage{}
	rows := r.rows()
	for i, name := range r.names() {
		object[name] = rows[i]
	}
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}

func (r *benchReport) writeTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "stage\tms\tshare\tMB\tMFLOP\tallocs\t")
	rows := r.rows()
	for i, name := range r.names() {
		s := rows[i]
		fmt.Fprintf(t, "%s\t%.2f\t%.1f%%\t%s\t%s\t%.0f\t\n", name, s.MS, 100*s.Share, millions(s.Bytes), millions(s.FLOPs), s.Allocs)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	frame := rows[len(rows)-1]
	fmt.Fprintf(w, "\n%.2f frames per second\n", frame.FPS)
	if frame.Peak > 0 {
		fmt.Fprintf(w, "%.0f MiB peak memory\n", float64(frame.Peak)/(1<<20))
	}
	return nil
}

func millions(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatFloat(float64(*n)/1e6, 'f', 1, 64)
}

// forgetPeak gives back what rendering took and, on Linux, makes the system
// forget the process's peak of memory (proc(5), clear_refs).
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // elsewhere the peak includes rendering
}

// peakMemory returns the largest resident size of the process, 0 where the
// system does not tell it as Linux does.
func peakMemory() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
