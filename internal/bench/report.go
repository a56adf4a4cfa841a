package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Report has what was measured.
type Report struct {
	Machine Machine
	Model   string // whose stages they are
	Cameras int
	Frames  int // counted

	stages []*series
	frames []float64 // milliseconds
	rate   bool      // whether the stages are all that a frame needs
	peak   int64     // bytes; 0 if the system does not report it, or not known
	ahead  ahead     // zero if not measured
}

// rows returns the stages' numbers, in order.
func (r *Report) rows() (rows []row) {
	frame := median(r.frames)
	for _, s := range r.stages {
		rows = append(rows, s.row(frame, &r.Machine.Limits))
	}
	return rows
}

// frameRow is the report's line of a frame.
type frameRow struct {
	MS  float64 `json:"ms"` // of all stages
	FPS float64 `json:"fps,omitempty"`

	// with each frame looked at while the one before is finished
	AheadMS  float64 `json:"ahead_ms,omitempty"`
	AheadFPS float64 `json:"ahead_fps,omitempty"`

	Allocs float64 `json:"allocs"`
	Peak   int64   `json:"peak_bytes,omitempty"`
}

func (r *Report) frame(rows []row) frameRow {
	all := frameRow{MS: median(r.frames), Peak: r.peak}
	if r.rate {
		all.FPS = 1000 / all.MS
		all.AheadMS, all.AheadFPS = median(r.ahead.latencies), r.ahead.fps
	}
	for i := range rows {
		if rows[i].FrameShare != nil {
			all.Allocs += rows[i].Allocs
		}
	}
	return all
}

// run is what was measured, for the object.
type run struct {
	Model   string `json:"model"`
	Cameras int    `json:"cameras"`
	Frames  int    `json:"frames"`
}

// WriteJSON writes one object: each stage by its name, "frame", "machine" and "run".
func (r *Report) WriteJSON(w io.Writer) error {
	rows := r.rows()
	object := map[string]any{
		"frame":   r.frame(rows),
		"machine": r.Machine,
		"run":     run{r.Model, r.Cameras, r.Frames},
	}
	for _, s := range rows {
		object[s.name] = s
	}
	return writeJSON(w, object)
}

func writeJSON(w io.Writer, object any) error {
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}

// WriteTable writes the machine's limits and the stages' numbers for reading.
func (r *Report) WriteTable(w io.Writer) error {
	if err := r.Machine.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s, %d frames of %d cameras, medians\n\n", r.Model, r.Frames, r.Cameras)
	rows := r.rows()
	width := len("frame")
	for i := range rows {
		width = max(width, len(rows[i].name))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-*s\tms\tof frame\tMB\tMFLOP\tlimit\tof limit\tallocs\tkernels\t\n", width, "stage")
	for _, s := range rows {
		fmt.Fprintf(t, "%-*s\t%.2f\t%s\t%s\t%s\t%s\t%s\t%.0f\t%s\t\n", width, s.name, s.MS, percent(s.FrameShare),
			millions(s.Bytes), millions(s.FLOPs), orDash(s.Limit), percent(s.Share), s.Allocs, orDash(string(s.Kernels)))
	}
	all, whole := r.frame(rows), 1.0
	fmt.Fprintf(t, "%-*s\t%.2f\t%s\t-\t-\t-\t-\t%.0f\t-\t\n", width, "frame", all.MS, percent(&whole), all.Allocs)
	if err := t.Flush(); err != nil {
		return err
	}
	return all.write(w)
}

func (f *frameRow) write(w io.Writer) (err error) {
	if f.FPS > 0 {
		_, err = fmt.Fprintf(w, "\n%.2f frames per second, %.0f ms each\n", f.FPS, f.MS)
	}
	if f.AheadFPS > 0 && err == nil {
		_, err = fmt.Fprintf(w, "%.2f frames per second, %.0f ms each, if one is looked at while the one before is finished\n", f.AheadFPS, f.AheadMS)
	}
	if f.Peak > 0 && err == nil {
		_, err = fmt.Fprintf(w, "%.0f MiB peak memory\n", float64(f.Peak)/(1<<20))
	}
	return err
}

func millions(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatFloat(float64(*n)/1e6, 'f', 1, 64)
}

func percent(share *float64) string {
	if share == nil {
		return "-"
	}
	return strconv.FormatFloat(100**share, 'f', 1, 64) + "%"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
