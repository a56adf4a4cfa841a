package service

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func get(s *Service, path string) (status int, body string) {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func wantAnswer(t *testing.T, s *Service, path string, status int, body string) {
	t.Helper()
	if code, got := get(s, path); code != status || !strings.HasPrefix(got, body) {
		t.Errorf("%s answers %d %q, want %d %q", path, code, got, status, body)
	}
}

func TestHealth(t *testing.T) {
	d := &detector{begun: make(chan string), wait: make(chan struct{})}
	s := New(&script{events: drive(1, nil)}, d, &notebook{}, quiet(Options{Stall: time.Nanosecond}))
	wantAnswer(t, s, "/readyz", 503, "starting")
	wantAnswer(t, s, "/healthz", 200, "ok")
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-d.begun
	wantAnswer(t, s, "/readyz", 200, "waiting")
	wantAnswer(t, s, "/healthz", 503, "a step has been running for")
	cancel()
	d.wait <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, s, "/readyz", 503, "draining")
	wantAnswer(t, s, "/healthz", 200, "ok")
}

// hanging is a connection that does not tell its state until it is released.
type hanging struct {
	hangs    atomic.Bool
	released chan struct{}
}

func (h *hanging) Waiting() int { return 0 }
func (h *hanging) Down() error {
	if h.hangs.Load() {
		<-h.released
	}
	return nil
}

// A service that cannot look at its state is not ready, and is again when it can.
func TestHangingLook(t *testing.T) { synctest.Test(t, hangingLook) }

func hangingLook(t *testing.T) {
	link := &hanging{released: make(chan struct{})}
	s := New(&script{}, &detector{}, &notebook{}, quiet(Options{Link: link}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	time.Sleep(time.Hour)
	wantAnswer(t, s, "/readyz", 200, "waiting for calibration")
	link.hangs.Store(true)
	time.Sleep(outdated + 2*pulse)
	wantAnswer(t, s, "/readyz", 503, "the state has not been looked at for 2.")
	link.hangs.Store(false)
	close(link.released)
	time.Sleep(2 * pulse)
	wantAnswer(t, s, "/readyz", 200, "waiting for calibration")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMetrics(t *testing.T) {
	events := drive(2, func(i int, camera string) bool { return i == 1 && camera == "b" })
	s := New(&script{events: append(events, testFrame("x", 500)), err: io.EOF}, &detector{}, &notebook{}, quiet(Options{Lossless: true, Rig: "car", Version: "v9"}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	_, body := get(s, "/metrics")
	for _, line := range []string{
		`solofusion_frames_total{rig="car"} 4`,
		`solofusion_sets_total{rig="car"} 2`,
		`solofusion_incomplete_total{rig="car"} 1`,
		`solofusion_results_total{rig="car"} 2`,
		`solofusion_dropped_total{reason="unknown_camera",rig="car"} 1`,
		`solofusion_dropped_total{reason="malformed",rig="car"} 3`,
		`solofusion_sets_lost_total{reason="behind",rig="car"} 0`,
		`solofusion_camera_missing_total{camera="b",rig="car"} 1`,
		`solofusion_stage_seconds_count{rig="car",stage="head"} 2`,
		`solofusion_step_seconds_count{rig="car"} 2`,
		`solofusion_state{rig="car",state="degraded"} 1`,
		`solofusion_state{rig="car",state="running"} 0`,
		`solofusion_model_info{model="test",quantisation="none",rig="car"} 1`,
		"go_goroutines ",
	} {
		if !strings.Contains(body, line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
