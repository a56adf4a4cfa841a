package playback

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

// Summary is a sink that counts results and adds them to the rows.
type Summary struct {
	*replay.Rows
	usage    replay.Usage
	samples  int
	progress func(done, total int)

	sets, detections  int
	stepping          time.Duration     // of the detector's stages, in all sets
	missing, rejected map[string]int    // sets, images; by camera
	reasons           map[string]string // of the last rejection, by camera
	remarks           map[string]remark // on images that were used, by kind and camera
	outside           map[string]bool   // what of the cameras training never saw, by text
	begun             map[string]int    // sets with which history began anew, by reason
}

// NewSummary returns a summary of a recording of that many samples. It calls
// progress now and after each set.
func NewSummary(rows *replay.Rows, samples int, progress func(done, total int)) *Summary {
	progress(0, samples)
	return &Summary{
		Rows: rows, samples: samples, progress: progress,
		missing: map[string]int{}, rejected: map[string]int{}, reasons: map[string]string{},
		remarks: map[string]remark{}, outside: map[string]bool{}, begun: map[string]int{},
	}
}

// Publish implements [perception.Sink].
func (s *Summary) Publish(ctx context.Context, m *perception.Moment) error {
	if err := s.Rows.Publish(ctx, m); err != nil {
		return err
	}
	r := m.Result
	s.usage.Add(r)
	s.sets++
	if r.Reset != "" {
		s.begun[r.Reset]++
	}
	s.detections += len(r.Detections)
	for _, d := range r.StageDurations {
		s.stepping += d
	}
	for _, camera := range r.Missing {
		s.missing[camera]++
	}
	for camera, why := range r.Rejected {
		s.rejected[camera]++
		s.reasons[camera] = why
	}
	s.note("damaged", r.Damaged)
	s.note("suspect", r.Suspect)
	for _, words := range r.Outside {
		s.outside[words] = true
	}
	s.progress(s.sets, s.samples)
	return nil
}

// remark is how many images of a camera there was something to say of, and the last words.
type remark struct {
	images int
	last   string
}

// note counts what is to be said of cameras' images.
func (s *Summary) note(kind string, words map[string]string) {
	for camera, last := range words {
		key := kind + " " + camera
		s.remarks[key] = remark{s.remarks[key].images + 1, last}
	}
}

// PerFrame returns the mean duration of the detector's stages for a set.
func (s *Summary) PerFrame() time.Duration { return s.stepping / time.Duration(max(1, s.sets)) }

// Check returns an error with the most frequent reason if no image was used. sent are
// the counts of the source, status is the last one of the service.
func (s *Summary) Check(sent replay.Stats, status *perception.Status) error {
	return s.usage.Check(sent, dropped(status))
}

// Write writes a table of the results, of missing and rejected images, and of drops
// and losses; lines with a count of zero are left out. The last line has the share of
// images that were used, and why the others were not. took is the time of the whole
// run, sent are the counts of the source, status is the last one of the service.
func (s *Summary) Write(w io.Writer, took time.Duration, sent replay.Stats, status *perception.Status) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, values ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, values...))
	}
	line("sets", "%d of %d samples, %d detections", s.sets, s.samples, s.detections)
	line("time", "%.1f s, %.1f frames a second", took.Seconds(), float64(s.sets)/took.Seconds())
	for _, camera := range slices.Sorted(maps.Keys(s.missing)) {
		line("missing", "%s in %d sets", camera, s.missing[camera])
	}
	for _, camera := range slices.Sorted(maps.Keys(s.rejected)) {
		line("rejected", "%d images of %s, the last: %s", s.rejected[camera], camera, s.reasons[camera])
	}
	for _, key := range slices.Sorted(maps.Keys(s.remarks)) {
		kind, camera, _ := strings.Cut(key, " ")
		line(kind, "%d images of %s, the last: %s", s.remarks[key].images, camera, s.remarks[key].last)
	}
	for _, words := range slices.Sorted(maps.Keys(s.outside)) {
		line("unfamiliar", "%s", words)
	}
	if sent.SkippedSamples > 0 {
		line("skipped", "%d samples without any image", sent.SkippedSamples)
	}
	if begun, why := s.restarts(); begun > sent.Scenes {
		line("history", "begun anew with %d of %d sets, most often: %s", begun, s.sets, why)
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
	if err := table.Flush(); err != nil {
		return fmt.Errorf("playback: %w", err)
	}
	_, err := fmt.Fprintln(w, s.usage.Describe(sent, dropped(status)))
	return err
}

// restarts returns how often history began anew, and the most frequent reason.
func (s *Summary) restarts() (sets int, why string) {
	for _, reason := range slices.Sorted(maps.Keys(s.begun)) {
		sets += s.begun[reason]
		if s.begun[reason] > s.begun[why] {
			why = reason
		}
	}
	return sets, why
}

// dropped returns why images that were sent did not become part of a result, "" if
// nothing of the kind was counted.
func dropped(status *perception.Status) string {
	var reasons []string
	for _, name := range slices.Sorted(maps.Keys(status.Counts)) {
		kind, reason, _ := strings.Cut(name, ".")
		switch n := status.Counts[name]; {
		case n == 0:
		case kind == "drop":
			reasons = append(reasons, fmt.Sprintf("%d %s", n, reason))
		case kind == "lost":
			reasons = append(reasons, fmt.Sprintf("%d sets %s, the last error: %s", n, reason, status.LastError))
		}
	}
	return strings.Join(reasons, ", ")
}
