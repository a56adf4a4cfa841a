package bus

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/solofusion/solofusion/perception"
)

// capture makes a stream that captures subjects.
func capture(t *testing.T, srv *Server, subjects ...string) (jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	js, err := jetstream.New(connect(t, ConnOptions{Server: srv}).nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(within(t), jetstream.StreamConfig{Name: "drive", Subjects: subjects})
	if err != nil {
		t.Fatal(err)
	}
	return js, stream
}

// swallow takes what a source delivers, until its end, and returns the number of
// deliveries.
func swallow(t *testing.T, src *Source) <-chan int {
	n, ctx := make(chan int, 1), within(t)
	go func() {
		for i := 0; ; i++ {
			if _, err := src.Next(ctx); err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				n <- i
				return
			}
		}
	}()
	return n
}

func TestStreamsAcknowledgementsReachTheirPublisher(t *testing.T) {
	srv := start(t, ServerOptions{})
	js, stream := capture(t, srv, car.of("frame.>"), car.of(pose))
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Lossless: true})
	taken := swallow(t, src)
	for i := range 200 {
		kind, m := encodeEvent(testFrame("CAM_FRONT", i+1))
		if i%4 == 0 {
			kind, m = encodeEvent(testPose(i + 1))
		}
		data, err := src.conn.encode(car.of(kind), m)
		if err != nil {
			t.Fatal(err)
		}
		ack, err := js.Publish(within(t), car.of(kind), data)
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if ack.Stream != "drive" || ack.Sequence != uint64(i+1) {
			t.Fatalf("message %d: acknowledgement %+v", i, ack)
		}
	}
	if err := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true}).End(within(t)); err != nil {
		t.Error(err)
	}
	if n := <-taken; n != 200 {
		t.Errorf("the service took %d messages", n)
	}
	if info, err := stream.Info(within(t)); err != nil || info.State.Msgs != 200 {
		t.Errorf("the stream has %+v, error %v", info.State, err)
	}
}

// A publisher with Confirm waits for the service's answer, not for the stream's
// acknowledgement.
func TestConfirmOnCapturedSubjects(t *testing.T) {
	for _, subjects := range [][]string{{car.of("frame.>"), car.of(pose)}, {car.of(">")}} {
		t.Run(strings.Join(subjects, " "), func(t *testing.T) {
			srv := start(t, ServerOptions{})
			_, stream := capture(t, srv, subjects...)
			p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true})
			src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Lossless: true, Queue: 2})
			taken := swallow(t, src)
			for i := 1; i <= 50; i++ {
				if err := p.Publish(within(t), testFrame("CAM_FRONT", i)); err != nil {
					t.Fatal(err)
				}
			}
			timeless := testFrame("CAM_FRONT", 51)
			timeless.Captured = time.UnixMicro(0)
			var refused *RefusedError
			if err := p.Publish(within(t), timeless); !errors.As(err, &refused) || refused.Reason != "captured_us is missing" {
				t.Errorf("a frame without a time: %v", err)
			}
			if err := p.End(within(t)); err != nil {
				t.Error(err)
			}
			if n := <-taken; n != 50 {
				t.Errorf("the service took %d frames", n)
			}
			for end := within(t); ; time.Sleep(time.Millisecond) { // the stream may store a message after the service took it
				info, err := stream.Info(end)
				if err != nil {
					t.Fatal(err)
				}
				if info.State.Msgs >= 51 {
					break
				}
			}
		})
	}
}

// The server does not report a missing service if a stream captures the subject.
func TestNoServiceOnCapturedSubjects(t *testing.T) {
	srv := start(t, ServerOptions{})
	capture(t, srv, car.of("frame.>"), car.of(pose))
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true})
	for _, ev := range []perception.Event{testPose(1), testFrame("CAM_BACK", 1), perception.Reset{}} {
		var none *NoServiceError
		if err := p.Publish(within(t), ev); !errors.As(err, &none) {
			t.Errorf("%T: error %v, want NoServiceError", ev, err)
		}
	}
}

// A service may take longer for a message than a publisher waits between pings.
func TestPublisherWaitsForABusyService(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Lossless: true})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true})
	failed := make(chan error, 1)
	go func() { failed <- p.Publish(within(t), testPose(1)) }()
	select {
	case err := <-failed:
		t.Fatalf("it gave up: %v", err)
	case <-time.After(pingPeriod + pingPeriod/2):
	}
	next(t, src)
	if err := <-failed; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	if err := p.Publish(ctx, testPose(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A request without the header gets no answer on its reply subject.
func TestReplySubjectIsLeftAlone(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	c := connect(t, ConnOptions{Server: srv})
	replies, err := c.nc.SubscribeSync("replies")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.nc.PublishRequest(car.of(pose), "replies", nil); err != nil { // malformed
		t.Fatal(err)
	}
	publish(t, NewPublisher(c, car, PublisherOptions{}), testPose(1))
	next(t, src)
	if err := src.conn.Flush(within(t)); err != nil { // all its answers are at the server
		t.Fatal(err)
	}
	if err := c.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := replies.Pending(); n != 0 || err != nil {
		t.Errorf("%d replies, error %v", n, err)
	}
}
