package bus

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

func TestEventsArriveAsSentAndInOrder(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	p := NewPublisher(connect(t, ConnOptions{URL: srv.URL()}), car, PublisherOptions{})
	sent := []perception.Event{testRig()}
	for i := 1; i < 50; i++ {
		sent = append(sent, testPose(i), testFrame("CAM_FRONT", i), testFrame("CAM_BACK", i))
	}
	sent = append(sent, perception.Reset{Reason: "scene-0002"}, testFrame("CAM_FRONT", 3))
	publish(t, p, sent...)
	for i, want := range sent {
		if diff := cmp.Diff(want, next(t, src)); diff != "" {
			t.Fatalf("event %d (-sent +received):\n%s", i, diff)
		}
	}
}

func TestMalformedMessagesAreCounted(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{Server: srv, Log: log}), SourceOptions{})
	raw := connect(t, ConnOptions{Server: srv})
	timeless := testFrame("CAM_FRONT", 1)
	timeless.Captured = time.UnixMicro(0)
	_, message := encodeEvent(timeless)
	data, err := raw.encode("x", message)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ kind, data string }{
		{"frame.CAM_FRONT", "\xff\xff"}, {"frame.CAM_FRONT", ""}, {"frame.CAM_FRONT", string(data)},
		{"frame.CAM_BACK", string(data)}, {"frame.CAM.FRONT", string(data)}, {"pose", ""}, {"calibration", ""}, {"control", ""}, {"nonsense", ""},
	} {
		if err := raw.nc.Publish(car.of(m.kind), []byte(m.data)); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, NewPublisher(raw, car, PublisherOptions{}), testFrame("CAM_FRONT", 2))
	if diff := cmp.Diff(perception.Event(testFrame("CAM_FRONT", 2)), next(t, src)); diff != "" {
		t.Error(diff)
	}
	if got := drops(src)["malformed"]; got != 9 {
		t.Errorf("%d malformed messages are counted, want 9", got)
	}
	for subject, n := range map[string]int{"frame.CAM_FRONT ": 1, "frame.CAM_BACK ": 1, "pose ": 1, "calibration ": 1, "nonsense ": 1} {
		if got := strings.Count(logged.String(), "subject="+car.of(subject)); got != n {
			t.Errorf("the warning of %s is logged %d times, want %d:\n%s", subject, got, n, logged)
		}
	}
}

func TestOverflowDropsTheOldestFrames(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Queue: 4})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	publish(t, p, testRig(), testPose(1))
	for i := 1; i <= 6; i++ {
		publish(t, p, testFrame("CAM_FRONT", i))
	}
	publish(t, p, perception.Reset{Reason: "end"})
	for end := within(t); drops(src)["queue_full"] < 5; { // nine messages, four places
		if end.Err() != nil {
			t.Fatalf("dropped %v, want 5 for want of room", drops(src))
		}
		time.Sleep(time.Millisecond)
	}
	want := []perception.Event{testRig(), testPose(1), testFrame("CAM_FRONT", 6), perception.Reset{Reason: "end"}}
	for _, w := range want {
		if diff := cmp.Diff(w, next(t, src)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOverflowDropsPosesBeforeCalibrationAndControl(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Queue: 3})
	raw := connect(t, ConnOptions{Server: srv})
	p := NewPublisher(raw, car, PublisherOptions{})
	sent := []perception.Event{
		testRig(), perception.Reset{Reason: "one"}, testPose(1), perception.Reset{Reason: "two"}, perception.Reset{Reason: "three"},
	}
	kind, message := encodeEvent(sent[0])
	calibration, err := raw.encode("x", message)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.nc.Publish(car.of(kind), calibration); err != nil { // not in the bucket, which would send it again
		t.Fatal(err)
	}
	publish(t, p, sent[1:]...)
	for end := within(t); drops(src)["queue_full"] < 2; { // five messages, three places
		if end.Err() != nil {
			t.Fatalf("dropped %v, want 2 for want of room", drops(src))
		}
		time.Sleep(time.Millisecond)
	}
	for _, want := range []perception.Event{sent[1], sent[3], sent[4]} {
		if diff := cmp.Diff(want, next(t, src)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLosslessSourceWaits(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Queue: 2, Lossless: true})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true})
	ctx, failed := within(t), make(chan error, 1)
	go func() {
		for i := 1; i <= 100; i++ {
			if err := p.Publish(ctx, testFrame("CAM_FRONT", i)); err != nil {
				failed <- err
				return
			}
		}
		failed <- p.End(ctx)
	}()
	for i := 1; i <= 100; i++ {
		if f := next(t, src).(*perception.Frame); f.Sequence != uint64(i) {
			t.Fatalf("frame %d came as number %d", f.Sequence, i)
		}
	}
	if _, err := src.Next(ctx); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestCloseRefusesWhatWaits(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Queue: 1, Lossless: true})
	failed := make(chan error, 2)
	for i := range 2 { // one waits in the queue, one for room
		p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true})
		go func() { failed <- p.Publish(within(t), testPose(i)) }()
	}
	for end := within(t); src.queue.Len() == 0; time.Sleep(time.Millisecond) {
		if end.Err() != nil {
			t.Fatal("nothing arrived")
		}
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		var (
			refused *RefusedError
			none    *NoServiceError // if the message came after Close
		)
		if err := <-failed; !errors.As(err, &refused) && !errors.As(err, &none) {
			t.Errorf("error %v, want a refusal", err)
		}
	}
}

func TestSourcesLeaveNothingOnTheirConnection(t *testing.T) {
	c := connect(t, ConnOptions{Server: start(t, ServerOptions{})})
	registered := func() int { return len(c.onReconnect.list) + len(c.onClose.list) }
	kept := source(t, c, SourceOptions{})
	before, subscriptions := registered(), c.nc.NumSubscriptions()
	for range 10 {
		src, err := NewSource(within(t), c, car, SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
	if registered() != before || c.nc.NumSubscriptions() != subscriptions {
		t.Errorf("%d functions, %d subscriptions; want %d, %d", registered(), c.nc.NumSubscriptions(), before, subscriptions)
	}
	if err := kept.Close(); err != nil || registered() != 0 {
		t.Errorf("error %v, %d functions are left", err, registered())
	}
}

func TestNextEnds(t *testing.T) {
	srv := start(t, ServerOptions{})
	c := connect(t, ConnOptions{Server: srv})
	src := source(t, c, SourceOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Next(ctx); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	if _, err := src.Next(within(t)); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
	other := source(t, c, SourceOptions{})
	c.Close()
	if _, err := other.Next(within(t)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after the connection's end: %v", err)
	}
}

func TestHandlersAreCalledWithoutALock(t *testing.T) {
	var h handlers
	var called []string
	var remove func()
	remove = h.add(func() {
		called = append(called, "first")
		remove()
		h.add(func() { called = append(called, "added") })
	})
	h.add(func() { called = append(called, "second") })
	h.call()
	h.call()
	if want := []string{"first", "second", "second", "added"}; !cmp.Equal(called, want) {
		t.Errorf("called %v, want %v", called, want)
	}
}

// The last calibration that the source refused itself is known, with the reason.
func TestRefusedCalibrationsAreKnown(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Limits: Limits{Cameras: 1}})
	raw := connect(t, ConnOptions{Server: srv})
	if words, at := src.Refused(); words != "" || !at.IsZero() {
		t.Errorf("before the first: %q at %v", words, at)
	}
	_, m := encodeEvent(testRig())
	send := func(change func(*pb.RigCalibration), want string) {
		t.Helper()
		change(m.(*pb.RigCalibration))
		if err := raw.publish(car.of(calibration), m); err != nil {
			t.Fatal(err)
		}
		for end := within(t); ; time.Sleep(time.Millisecond) {
			words, at := src.Refused()
			if words == want && time.Since(at) < time.Minute {
				return
			}
			if end.Err() != nil {
				t.Fatalf("refused is %q at %v, want %q", words, at, want)
			}
		}
	}
	send(func(*pb.RigCalibration) {}, "bus: calibration: the calibration has 2 cameras, limits.cameras is 1")
	send(func(m *pb.RigCalibration) { m.Cameras[1].Intrinsics = make([]float64, 8) },
		`bus: calibration: camera "CAM_BACK": intrinsics have 8 numbers, want 9`)
	send(func(m *pb.RigCalibration) { m.Cameras = nil }, "bus: calibration: it has no cameras")
}

// Down says why a connection was lost; a quiet connection leaves it to its caller to log it.
func TestQuietConnection(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{URL: srv.URL(), Quiet: true, Log: log}), SourceOptions{})
	if err := src.Down(); err != nil {
		t.Errorf("with a server: %v", err)
	}
	srv.Close()
	const want = "bus: the connection to the NATS server is lost, trying again: "
	for end := within(t); ; time.Sleep(time.Millisecond) {
		if err := src.Down(); err != nil && strings.HasPrefix(err.Error(), want) {
			break
		}
		if end.Err() != nil {
			t.Fatalf("without a server: %v, want %q and the reason", src.Down(), want)
		}
	}
	if strings.Contains(logged.String(), "lost") {
		t.Errorf("the log has it too:\n%s", logged)
	}
}
