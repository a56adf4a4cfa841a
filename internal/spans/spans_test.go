package spans

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/solofusion/solofusion/internal/service"
	"github.com/solofusion/solofusion/perception"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func ms(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }

// way is that of a set whose second camera has a clock that is ahead.
func way() *service.Way {
	return &service.Way{
		Set: &perception.FrameSet{
			Rig: &perception.Rig{Name: "car", Cameras: []perception.Camera{{Name: "a"}, {Name: "b"}, {Name: "c"}}}, Time: ms(0),
			Frames: []*perception.Frame{{Camera: "a", Captured: ms(0), Arrived: ms(20)}, {Camera: "b", Captured: ms(40), Arrived: ms(30)}, nil},
		},
		Result:    &perception.Result{StageDurations: map[string]time.Duration{"preprocess": 10 * time.Millisecond, "head": 5 * time.Millisecond}},
		Left:      ms(35),
		Began:     ms(50),
		Stepped:   ms(70),
		Published: ms(71),
	}
}

// exported returns a line for each span: its parent, its name, and from when to when.
func exported(t *testing.T, w *service.Way) (lines []string) {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	e := newExporter(kept, "v9")
	e.Set(w)
	if err := e.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := kept.GetSpans()
	e.Close()
	names := map[trace.SpanID]string{}
	for _, s := range all {
		names[s.SpanContext.SpanID()] = s.Name
	}
	for _, s := range all {
		line := fmt.Sprintf("%s/%s %d-%d", names[s.Parent.SpanID()], s.Name, s.StartTime.Sub(epoch).Milliseconds(), s.EndTime.Sub(epoch).Milliseconds())
		lines = append(lines, strings.TrimSpace(line+" "+s.Status.Description))
	}
	slices.Sort(lines)
	return lines
}

func TestWayOfAResult(t *testing.T) {
	want := []string{
		"/set 0-71", "set/arrival 0-20", "set/arrival 30-30", "set/publish 70-71", "set/queue 35-50", "set/step 50-70", "set/sync 20-35",
		"step/head 60-65", "step/preprocess 50-60",
	}
	if diff := cmp.Diff(want, exported(t, way())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWayOfALostSet(t *testing.T) {
	w := way()
	w.Result, w.Began, w.Stepped, w.Published, w.Lost = nil, time.Time{}, time.Time{}, time.Time{}, errors.New("queue: full")
	want := []string{"/set 0-35 queue: full", "set/arrival 0-20", "set/arrival 30-30", "set/sync 20-35"}
	if diff := cmp.Diff(want, exported(t, w)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// away is a collector that is there only sometimes.
type away struct {
	sdktrace.SpanExporter
	err error
}

func (a *away) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return a.err }

func TestLostSpansAreLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	collector := &away{err: errors.New("connection refused")}
	w := &watched{SpanExporter: collector, log: slog.New(slog.NewTextHandler(&log, nil))}
	send := func(times int) {
		for range times {
			if err := w.ExportSpans(t.Context(), make([]sdktrace.ReadOnlySpan, 10)); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(5)
	collector.err = nil
	send(5)
	for _, line := range []string{"spans are lost", "spans are sent again\" lost=50"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%d lines have %q:\n%s", n, line, log.String())
		}
	}
}
