package service

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

var subjects = bus.Subjects{Prefix: "sf", Rig: "car"}

// oracle derives detections from the set's bytes, so that any difference of the
// input changes them.
type oracle struct{ detector }

func (o *oracle) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) { return o.step(set) }
}

func (o *oracle) step(set *perception.FrameSet) (*perception.Result, error) {
	r, err := o.detector.step(set)
	if err != nil {
		return nil, err
	}
	r.Captured = captured(set)
	r.Rejected = map[string]string{}
	for _, f := range set.Frames {
		if f == nil {
			continue
		}
		text, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		h := sha256.Sum256(text)
		r.Detections = append(r.Detections, perception.Detection{
			Score: float32(h[0]) / 255, Center: geom.Vec3{float64(h[1]) / 7, float64(h[2]) / 7, float64(h[3])}, Yaw: float64(h[4]) / 81,
		})
	}
	return r, nil
}

// results is a sink that keeps the results.
type results []*perception.Result

func (r *results) Publish(_ context.Context, m *perception.Moment) error {
	*r = append(*r, m.Result)
	return nil
}

func (r *results) Status(context.Context, *perception.Status) error { return nil }
func (r *results) Flush(context.Context) error                      { return nil }

func recording() []perception.Event {
	events := drive(8, func(i int, camera string) bool { return i == 3 && camera == "b" || i == 5 })
	events = append(events, perception.Reset{Reason: "scene 2"})
	return append(events, drive(4, nil)[1:]...)
}

func connect(t *testing.T, srv *bus.Server) *bus.Conn {
	c, err := bus.Connect(bus.ConnOptions{Server: srv, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// overNATS sends events to a service and returns what it publishes, and how many
// of the events it refused.
func overNATS(t *testing.T, stepper Stepper, events []perception.Event) (got results, refused int) {
	srv, err := bus.StartServer(bus.ServerOptions{Port: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	ctx, conn := within(t), connect(t, srv)
	src, err := bus.NewSource(ctx, conn, subjects, bus.SourceOptions{Lossless: true, Queue: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	vehicle := connect(t, srv)
	feed, err := bus.NewResults(vehicle, subjects)
	if err != nil {
		t.Fatal(err)
	}
	s := New(src, stepper, bus.NewSink(conn, subjects, bus.SinkOptions{}), quiet(Options{Lossless: true}))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	p := bus.NewPublisher(vehicle, subjects, bus.PublisherOptions{Confirm: true})
	for _, ev := range events {
		var refusal *bus.RefusedError
		switch err := p.Publish(ctx, ev); {
		case errors.As(err, &refusal):
			refused++
		case err != nil:
			t.Fatal(err)
		}
	}
	if err := p.End(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for range s.Status().Counts["results"] {
		r, err := feed.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	counts := s.Status().Counts
	if n := counts["drop.malformed"] + counts["drop.invalid_calibration"]; n != uint64(refused) {
		t.Errorf("%d messages refused, but %d counted as malformed or an invalid calibration", refused, n)
	}
	return got, refused
}

// TestNATSAndDirectReplayAgree: the same recording gives the same results by
// both ways, twice.
func TestNATSAndDirectReplayAgree(t *testing.T) {
	var direct results
	s := New(&script{events: recording(), err: io.EOF}, &oracle{}, &direct, quiet(Options{Lossless: true}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	if len(direct) != 11 { // eight and four instants, one without a frame
		t.Fatalf("%d results", len(direct))
	}
	for range 2 {
		got, refused := overNATS(t, &oracle{}, recording())
		if diff := cmp.Diff(direct, got); diff != "" || refused > 0 {
			t.Fatalf("%d refused, results (-direct +NATS):\n%s", refused, diff)
		}
	}
}

// TestLiveOverNATS: a service that joins after the calibration was sent, with
// one camera never sent, publishes results that lack the camera.
func TestLiveOverNATS(t *testing.T) {
	srv, err := bus.StartServer(bus.ServerOptions{Port: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithCancel(within(t))
	vehicle, conn := connect(t, srv), connect(t, srv)
	p := bus.NewPublisher(vehicle, subjects, bus.PublisherOptions{})
	feed, err := bus.NewResults(vehicle, subjects)
	if err != nil {
		t.Fatal(err)
	}
	events := drive(3, func(_ int, camera string) bool { return camera == "b" })
	if err := p.Publish(ctx, events[0]); err != nil {
		t.Fatal(err)
	}
	src, err := bus.NewSource(ctx, conn, subjects, bus.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	s := New(src, &oracle{}, bus.NewSink(conn, subjects, bus.SinkOptions{}), quiet(Options{Queue: 3}))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for _, ev := range events[1:] {
		if err := p.Publish(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		r, err := feed.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Time.Equal(ms(500*i)) || !cmp.Equal(r.Missing, []string{"b"}) {
			t.Errorf("result %d at %v lacks %v", i, r.Time, r.Missing)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
