package bench

import (
	"fmt"
	"io"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"

	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// The numbers that a sweep goes through.
var (
	sweptFrames  = []int{4, 8, 16, 32, 64}
	sweptCameras = []int{1, 2, 4, 6, 8, 10, 12}
)

// Sweep has how the time of stages grows with the history's frames and with the cameras.
type Sweep struct {
	Machine Machine `json:"machine"`
	Model   string  `json:"model"`
	Frames  Growth  `json:"frames"`  // of the history
	Cameras Growth  `json:"cameras"` // with the model's own history
}

// Growth has how the time of stages grows with a number.
type Growth struct {
	N      []int   `json:"n"`
	Stages []Curve `json:"stages"`
}

// Curve has a stage's medians.
type Curve struct {
	Stage string    `json:"stage"`
	MS    []float64 `json:"ms"`    // for each number
	Slope float64   `json:"slope"` // milliseconds for one more, by least squares
}

// NewSweep measures that many frames at each point.
func NewSweep(m *model.Manifest, frames int, machine Machine, with compute.Resources) (*Sweep, error) {
	s := &Sweep{Machine: machine, Model: m.Name + " with random tensors", Frames: Growth{N: sweptFrames}, Cameras: Growth{N: sweptCameras}}
	for _, n := range sweptFrames {
		long := *m
		long.History.Frames = n
		w := newWorkload(&long, 1, with)
		h, err := w.history(w.mode(), m.Head.Input.Type == "uint8")
		if err != nil {
			return nil, err
		}
		s.Frames.add([]*stage{h}, frames)
	}
	for _, n := range sweptCameras {
		stages, err := newWorkload(m, n, with).perCamera()
		if err != nil {
			return nil, err
		}
		s.Cameras.add(stages, frames)
	}
	return s, nil
}

// perCamera returns the stages that work on each camera.
func (w *workload) perCamera() (all []*stage, err error) {
	for _, stages := range []func() ([]*stage, error){w.preprocess, w.stereo, w.lift} {
		more, err := stages()
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// add measures the stages at the next number.
func (g *Growth) add(stages []*stage, frames int) {
	var r Report
	r.measure(stages, frames)
	next := 0
	for _, s := range r.stages {
		if s.beside && s.name != pipeline.Preprocess+"/pixels" {
			continue
		}
		if next == len(g.Stages) {
			g.Stages = append(g.Stages, Curve{Stage: s.name})
		}
		c := &g.Stages[next]
		c.MS = append(c.MS, median(s.ms))
		c.Slope = slope(g.N[:len(c.MS)], c.MS)
		next++
	}
}

// slope returns that of the line through the points, 0 of a single one.
func slope(n []int, ms []float64) float64 {
	if len(n) < 2 {
		return 0
	}
	x := make([]float64, len(n))
	for i := range n {
		x[i] = float64(n[i])
	}
	_, slope := stat.LinearRegression(x, ms, nil, false)
	return slope
}

// WriteJSON writes one object.
func (s *Sweep) WriteJSON(w io.Writer) error { return writeJSON(w, s) }

// WriteTable writes the numbers for reading.
func (s *Sweep) WriteTable(w io.Writer) error {
	if err := s.Machine.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s, medians in ms\n\n", s.Model)
	if err := s.Frames.write(w, "frames of history", "ms a frame"); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return s.Cameras.write(w, "cameras", "ms a camera")
}

func (g *Growth) write(w io.Writer, of, slope string) error {
	width := len(of)
	for i := range g.Stages {
		width = max(width, len(g.Stages[i].Stage))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-*s\t", width, of)
	for _, n := range g.N {
		fmt.Fprintf(t, "%d\t", n)
	}
	fmt.Fprintf(t, "%s\t\n", slope)
	for _, c := range g.Stages {
		fmt.Fprintf(t, "%-*s\t", width, c.Stage)
		for _, ms := range c.MS {
			fmt.Fprintf(t, "%.2f\t", ms)
		}
		fmt.Fprintf(t, "%.3f\t\n", c.Slope)
	}
	return t.Flush()
}
