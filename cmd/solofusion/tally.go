package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
)

// tally is a sink that counts results on their way into the rows.
type tally struct {
	*replay.Rows
	samples  int
	progress func(done, total int)

	sets, detections  int
	stepping          time.Duration     // of the detector's stages, in all sets
	missing, rejected map[string]int    // by camera
	reasons           map[string]string // of the last rejection, by camera
}

func newTally(rows *replay.Rows, samples int, progress func(done, total int)) *tally {
	progress(0, samples)
	return &tally{
		Rows: rows, samples: samples, progress: progress,
		missing: map[string]int{}, rejected: map[string]int{}, reasons: map[string]string{},
	}
}

// Publish implements [perception.Sink].
func (t *tally) Publish(ctx context.Context, m *perception.Moment) error {
	if err := t.Rows.Publish(ctx, m); err != nil {
		return err
	}
	r := m.Result
	t.sets++
	t.detections += len(r.Detections)
	for _, d := range r.StageDurations {
		t.stepping += d
	}
	for _, camera := range r.Missing {
		t.missing[camera]++
	}
	for camera, why := range r.Rejected {
		t.rejected[camera]++
		t.reasons[camera] = why
	}
	t.progress(t.sets, t.samples)
	return nil
}

// perFrame is how long the detector took for a set, in the mean.
func (t *tally) perFrame() time.Duration { return t.stepping / time.Duration(max(1, t.sets)) }

// write says what was made and what was not. Lines that would say nothing are
// left out.
func (t *tally) write(w io.Writer, took time.Duration, sent replay.Stats, status *perception.Status) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, values ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, values...))
	}
	line("sets", "%d of %d samples, %d detections", t.sets, t.samples, t.detections)
	line("time", "%.1f s, %.1f frames a second", took.Seconds(), float64(t.sets)/took.Seconds())
	for _, camera := range slices.Sorted(maps.Keys(t.missing)) {
		line("missing", "%s in %d sets", camera, t.missing[camera])
	}
	for _, camera := range slices.Sorted(maps.Keys(t.rejected)) {
		line("rejected", "%d images of %s, the last: %s", t.rejected[camera], camera, t.reasons[camera])
	}
	if sent.AbsentImages > 0 {
		line("skipped", "%d samples without any image; %d images are absent", sent.SkippedSamples, sent.AbsentImages)
	}
	for _, name := range slices.Sorted(maps.Keys(status.Counts)) {
		kind, reason, _ := strings.Cut(name, ".")
		switch n := status.Counts[name]; {
		case n == 0:
		case kind == "drop":
			line("dropped", "%d %s", n, reason)
		case kind == "lost":
			line("lost", "%d sets %s, the last error: %s", n, reason, status.LastError)
		}
	}
	return table.Flush()
}
