package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/config"
	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
)

var serveEpoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// gradient is a JPEG file with a gradient that shift moves.
func gradient(t *testing.T, width, height, shift int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.RGBA{uint8(x + shift), uint8(y), uint8(x ^ y), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pair is a rig that looks ahead and back.
func pair() *perception.Rig {
	intrinsics := geom.Mat3{300, 0, 176, 0, 300, 64, 0, 0, 1}
	ahead := geom.Transform{Rotation: geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5}, Translation: geom.Vec3{1.5, 0, 1.5}}
	back := geom.Transform{Rotation: geom.Quat{W: 0.5, X: -0.5, Y: -0.5, Z: 0.5}, Translation: geom.Vec3{-1, 0, 1.5}}
	return &perception.Rig{
		Name:         "car",
		EgoFromLidar: &geom.Transform{Rotation: geom.QuatFromYaw(-1.5), Translation: geom.Vec3{1, 0, 1.8}},
		Cameras: []perception.Camera{
			{Name: "CAM_FRONT", Width: 352, Height: 128, Intrinsics: intrinsics, EgoFromCamera: ahead},
			{Name: "CAM_BACK", Width: 352, Height: 128, Intrinsics: intrinsics, EgoFromCamera: back},
		},
	}
}

// TestServe sends two instants to the whole service with a real pipeline: the
// second with a truncated image.
func TestServe(t *testing.T) {
	b, err := model.Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	server, err := bus.StartServer(bus.ServerOptions{Port: -1, User: "car", Password: "pass"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c := config.Default()
	c.HTTP.Listen, c.NATS.URL, c.NATS.User, c.NATS.Password = "127.0.0.1:0", server.URL(), "car", "pass"
	c.Sync.Deadline = time.Minute // the result must not depend on the machine's speed
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- serve(running, &c, b) }()
	conn := vehicle(t, ctx, &c)
	subjects := bus.Subjects{Prefix: c.NATS.Prefix, Rig: c.NATS.Rig}
	results, err := bus.NewResults(conn, subjects)
	if err != nil {
		t.Fatal(err)
	}
	p := bus.NewPublisher(conn, subjects, bus.PublisherOptions{})
	send := func(ev perception.Event) {
		t.Helper()
		if err := p.Publish(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	send(pair())
	var got [2]*perception.Result
	for i := range got { // one after the other: of two that wait the newer one would be taken
		at := serveEpoch.Add(time.Duration(i) * 500 * time.Millisecond)
		send(perception.EgoPose{Time: at, GlobalFromEgo: geom.IdentityTransform()})
		front, back := gradient(t, 352, 128, i), gradient(t, 352, 128, 40)
		send(&perception.Frame{Camera: "CAM_FRONT", Captured: at, Image: front})
		send(&perception.Frame{Camera: "CAM_BACK", Captured: at, Image: back[:len(back)-i*100]})
		got[i] = await(t, ctx, results)
	}
	first, second := got[0], got[1]
	if !first.Time.Equal(serveEpoch) || len(first.Missing) != 0 || first.Reset == "" || first.Model != b.ID() {
		t.Errorf("first result %+v", first)
	}
	if !cmp.Equal(second.Missing, []string{"CAM_BACK"}) || second.Rejected["CAM_BACK"] == "" || second.HistoryDepth != 1 {
		t.Errorf("second result %+v", second)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("serve ended with %v", err)
	}
}

func await(t *testing.T, ctx context.Context, feed *bus.Feed[*perception.Result]) *perception.Result {
	t.Helper()
	r, err := feed.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// vehicle connects and waits until the service listens.
func vehicle(t *testing.T, ctx context.Context, c *config.Config) *bus.Conn {
	t.Helper()
	conn, err := bus.Connect(bus.ConnOptions{URL: c.NATS.URL, User: c.NATS.User, Password: c.NATS.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	statuses, err := bus.NewStatuses(conn, bus.Subjects{Prefix: c.NATS.Prefix, Rig: c.NATS.Rig})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statuses.Next(ctx); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestServeStopsWithoutItsServer: if the NATS server is gone, the log has one line of it,
// and SIGTERM ends the service soon and in order.
func TestServeStopsWithoutItsServer(t *testing.T) {
	b, err := model.Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	server, err := bus.StartServer(bus.ServerOptions{Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	var logged buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)
	c := config.Default()
	c.HTTP.Listen, c.NATS.URL = "127.0.0.1:0", server.URL()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- serve(running, &c, b) }()
	vehicle(t, ctx, &c).Close()
	server.Close()
	for !strings.Contains(logged.String(), "waiting for server") {
		if ctx.Err() != nil {
			t.Fatalf("the log does not say that the server is gone:\n%s", logged.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
	began := time.Now()
	stop()
	if err := <-done; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if n := strings.Count(logged.String(), "lost"); n != 1 || !strings.Contains(logged.String(), "msg=finished") {
		t.Errorf("the log has %d lines of the loss, want one, and the end:\n%s", n, logged.String())
	}
}

// buffer is a bytes.Buffer for goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
