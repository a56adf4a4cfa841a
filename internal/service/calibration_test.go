package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// strict is a source that refuses calibrations itself.
type strict struct {
	script
	mu    sync.Mutex
	words string
	at    time.Time
}

func (s *strict) Refused() (string, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.words, s.at
}

// refuse is a calibration that the source does not let through now.
func (s *strict) refuse(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words, s.at = words, time.Now()
}

// TestEachRefusedCalibrationIsTold: the log and last_error name each fault of calibrations
// that come one after the other, those that the source refuses too.
func TestEachRefusedCalibrationIsTold(t *testing.T) {
	synctest.Test(t, eachRefusedCalibrationIsTold)
}

func eachRefusedCalibrationIsTold(t *testing.T) {
	var logged bytes.Buffer
	wide, far := testRig(), testRig()
	wide.Cameras[0].Width = 0
	far.Cameras[1].Intrinsics[0] = math.Inf(1)
	src := &strict{script: script{events: []perception.Event{testRig(), wide}}}
	next := make(chan perception.Event)
	s := New(&paced{src, next}, &detector{}, &notebook{}, Options{Log: slog.New(slog.NewTextHandler(&logged, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	lastError := func(want string) {
		t.Helper()
		time.Sleep(time.Second)
		if st := s.Status(); !strings.Contains(st.LastError, want) || st.ErrorTime.IsZero() {
			t.Errorf("the last error is %q at %v, want %q", st.LastError, st.ErrorTime, want)
		}
	}
	lastError("camera a: image size 0 x 4")
	next <- far
	lastError("camera b: ")
	src.refuse("bus: calibration: camera \"a\": intrinsics have 8 numbers")
	lastError("8 numbers")
	next <- wide
	lastError("camera a: image size 0 x 4")
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for words, n := range map[string]int{"camera a: image size 0 x 4": 2, "camera b: ": 1} {
		if got := strings.Count(logged.String(), words); got != n {
			t.Errorf("the log has %q %d times, want %d:\n%s", words, got, n, &logged)
		}
	}
}

// TestACalibrationThatDoesNotFit: the one before stays in force if the stepper cannot use
// the next, which is told of as any other that is refused.
func TestACalibrationThatDoesNotFit(t *testing.T) {
	wide := testRig()
	wide.Cameras[1].Width = 9000
	wide.Cameras[1].Intrinsics = geom.Mat3{9000, 0, 4500, 0, 9000, 2, 0, 0, 1}
	events := drive(4, nil)
	sink := &notebook{}
	s := New(&script{events: slices.Insert(events, 7, perception.Event(wide)), err: io.EOF}, &narrow{}, sink, quiet(Options{Lossless: true}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	sink.want(t, "0  stream started", "500", "1000", "1500")
	counts(t, s, map[string]uint64{"drop.invalid_calibration": 1})
	if st := s.Status(); st.LastError != "camera b is wide" {
		t.Errorf("the last error is %q", st.LastError)
	}
}

// narrow is a detector of small images.
type narrow struct{ detector }

func (*narrow) Fits(r *perception.Rig) error {
	for i := range r.Cameras {
		if c := &r.Cameras[i]; c.Width > 8 {
			return fmt.Errorf("camera %s is wide", c.Name)
		}
	}
	return nil
}

// paced delivers what a strict source has, then what comes on the channel.
type paced struct {
	*strict
	more chan perception.Event
}

func (p *paced) Next(ctx context.Context) (perception.Delivery, error) {
	if len(p.events) > 0 {
		return p.strict.Next(ctx)
	}
	select {
	case ev := <-p.more:
		return perception.Delivery{Event: ev}, nil
	case <-ctx.Done():
		return perception.Delivery{}, ctx.Err()
	}
}
