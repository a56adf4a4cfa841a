package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// cable is a source's connection.
type cable struct{ cut atomic.Bool }

func (c *cable) Waiting() int { return 0 }
func (c *cable) Down() error {
	if c.cut.Load() {
		return errors.New("the connection is lost")
	}
	return nil
}

// TestStopWithoutAServer: a service that is stopped while there is no connection ends at
// once and without an error; results that wait for the connection are counted as lost.
func TestStopWithoutAServer(t *testing.T) { synctest.Test(t, stopWithoutAServer) }

func stopWithoutAServer(t *testing.T) {
	var logged bytes.Buffer
	link, sink := &cable{}, &stuck{}
	d := &detector{begun: make(chan string), wait: make(chan struct{})}
	s := New(&script{events: drive(3, nil)}, d, sink, Options{Queue: 3, Link: link, Log: slog.New(slog.NewTextHandler(&logged, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-d.begun
	d.wait <- struct{}{}
	<-d.begun
	link.cut.Store(true)
	d.wait <- struct{}{}
	<-d.begun
	d.wait <- struct{}{}
	synctest.Wait()
	began := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
	counts(t, s, map[string]uint64{"results": 1, "lost.unpublished": 2})
	want := "results unpublished since .*: not sent before the end: the connection is lost.* count=2"
	if n := len(regexp.MustCompile(want).FindAllString(logged.String(), -1)); n != 1 {
		t.Errorf("the log has %q %d times:\n%s", want, n, &logged)
	}
}

// stuck is a sink that cannot be flushed.
type stuck struct{ notebook }

func (s *stuck) Flush(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Second):
		return context.DeadlineExceeded
	}
}

// TestFlushErrors: a flush that fails is an error, unless the service was stopped and the
// connection was lost meanwhile.
func TestFlushErrors(t *testing.T) {
	for _, test := range []struct {
		name          string
		stopped, lost bool
		want          string
	}{
		{"the end of a recording", false, true, "service: results: context deadline exceeded"},
		{"a server that does not answer", true, false, "service: results: context deadline exceeded"},
		{"a server that goes away", true, true, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			link := &cable{}
			s := New(&script{}, &detector{}, &stuck{}, quiet(Options{Link: link}))
			if test.lost {
				time.AfterFunc(time.Second, func() { link.cut.Store(true) })
			}
			if err := s.flush(t.Context(), test.stopped); (err != nil || test.want != "") && fmt.Sprint(err) != test.want {
				t.Errorf("%s: %v, want %q", test.name, err, test.want)
			}
		})
	}
}
