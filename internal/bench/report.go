package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// WarmUp is the number of frames that are not counted: buffers grow in them.
const WarmUp = 2

// Report collects the frames' numbers. It is the observer of the detector that it
// measures.
type Report struct {
	costs  map[string]cost
	times  map[string][]float64 // milliseconds
	allocs map[string][]float64
	frames []float64 // milliseconds
	peak   int64     // bytes, 0 if the system does not report it

	before uint64 // allocations at the stage's beginning
	stages map[string]uint64
}

// NewReport returns an empty report on a model with that many cameras.
func NewReport(m *model.Manifest, cameras int) *Report {
	return &Report{
		costs:  costs(m, cameras),
		times:  map[string][]float64{},
		allocs: map[string][]float64{},
		stages: map[string]uint64{},
	}
}

// Begin implements [pipeline.Observer].
func (r *Report) Begin(string) { r.before = mallocs() }

// End implements [pipeline.Observer].
func (r *Report) End(stage string, _ func() []pipeline.Output) {
	r.stages[stage] = mallocs() - r.before
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// Measure steps through the sets with the detector that the report observes.
func (r *Report) Measure(d *pipeline.Detector, sets []*perception.FrameSet) error {
	forgetPeak()
	m := d.NewMemory()
	for i, set := range sets {
		result, err := d.Step(m, set)
		if err != nil {
			return err
		}
		if i >= WarmUp {
			r.add(result.StageDurations)
		}
	}
	r.peak = peakMemory()
	return nil
}

func (r *Report) add(times map[string]time.Duration) {
	frame := 0.0
	for _, s := range pipeline.Stages {
		ms := float64(times[s]) / float64(time.Millisecond)
		frame += ms
		r.times[s] = append(r.times[s], ms)
		r.allocs[s] = append(r.allocs[s], float64(r.stages[s]))
	}
	r.frames = append(r.frames, frame)
}

// median returns the middle value, the lower of two.
func median(values []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
}

// row is the report's line of a stage and, without a cost, of a frame.
type row struct {
	name   string
	MS     float64 `json:"ms"`
	Share  float64 `json:"share"` // of the frame
	Bytes  *int64  `json:"bytes,omitempty"`
	FLOPs  *int64  `json:"flops,omitempty"`
	Allocs float64 `json:"allocs"`
	FPS    float64 `json:"fps,omitempty"`
	Peak   int64   `json:"peak_bytes,omitempty"`
}

// rows returns the stages' numbers and, last, the frame's.
func (r *Report) rows() []row {
	all := row{name: "frame", MS: median(r.frames), Share: 1, Peak: r.peak}
	all.FPS = 1000 / all.MS
	var rows []row
	for _, s := range pipeline.Stages {
		stage := row{name: s, MS: median(r.times[s]), Allocs: median(r.allocs[s])}
		stage.Share = stage.MS / all.MS
		if c, known := r.costs[s]; known {
			stage.Bytes, stage.FLOPs = &c.bytes, &c.flops
		}
		all.Allocs += stage.Allocs
		rows = append(rows, stage)
	}
	return append(rows, all)
}

// WriteJSON writes one object: the stages and "frame", each with its numbers.
func (r *Report) WriteJSON(w io.Writer) error {
	object := map[string]row{}
	for _, s := range r.rows() {
		object[s.name] = s
	}
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}

// WriteTable writes the numbers as a table for reading.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "stage\tms\tshare\tMB\tMFLOP\tallocs\t")
	rows := r.rows()
	for _, s := range rows {
		fmt.Fprintf(t, "%s\t%.2f\t%.1f%%\t%s\t%s\t%.0f\t\n", s.name, s.MS, 100*s.Share, millions(s.Bytes), millions(s.FLOPs), s.Allocs)
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
