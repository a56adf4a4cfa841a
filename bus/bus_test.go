package bus

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/solofusion/solofusion/perception"
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

func TestLateJoinerHasTheCalibration(t *testing.T) {
	srv := start(t, ServerOptions{})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	other := testRig()
	other.Cameras = other.Cameras[:1]
	publish(t, p, other, testRig())
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	if diff := cmp.Diff(perception.Event(testRig()), next(t, src)); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
	truck := Subjects{Prefix: car.Prefix, Rig: "truck"}
	none, err := NewSource(within(t), connect(t, ConnOptions{Server: srv}), truck, SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer none.Close()
	if none.queue.Len() > 0 {
		t.Error("another rig's source got a calibration")
	}
}

func TestCalibrationOutlivesAServerWithAStore(t *testing.T) {
	store := t.TempDir()
	first := start(t, ServerOptions{Store: store})
	publish(t, NewPublisher(connect(t, ConnOptions{Server: first}), car, PublisherOptions{}), testRig())
	first.Close()
	src := source(t, connect(t, ConnOptions{Server: start(t, ServerOptions{Store: store})}), SourceOptions{})
	if _, ok := next(t, src).(*perception.Rig); !ok {
		t.Error("the first event is no calibration")
	}
}

func TestImageOverThePayloadLimit(t *testing.T) {
	srv := start(t, ServerOptions{MaxPayload: 4096})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	f := testFrame("CAM_FRONT", 1)
	f.Image = make([]byte, 5000)
	err := p.Publish(within(t), f)
	var over *PayloadError
	if !errors.As(err, &over) || over.Limit != 4096 || over.Size <= 5000 {
		t.Fatalf("error %v", err)
	}
	for _, word := range []string{"frame.CAM_FRONT", "nats.embedded.max_payload", "max_payload in the configuration of a server", "4096"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %s", err, word)
		}
	}
	publish(t, p, testFrame("CAM_FRONT", 2)) // the connection still works
}

func TestMalformedMessagesAreCounted(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{Server: srv, Log: log}), SourceOptions{})
	raw := connect(t, ConnOptions{Server: srv})
	empty := testFrame("CAM_FRONT", 1)
	empty.Image = nil
	_, emptyFrame := encodeEvent(empty)
	data, err := raw.encode("x", emptyFrame)
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
	if n := strings.Count(logged.String(), "message dropped"); n != 1 {
		t.Errorf("the warning is logged %d times within a second, want 1:\n%s", n, logged)
	}
}

func TestMalformedCalibrationInTheBucket(t *testing.T) {
	srv := start(t, ServerOptions{})
	c := connect(t, ConnOptions{Server: srv})
	publish(t, NewPublisher(c, car, PublisherOptions{}), testRig())
	js, err := jetstream.New(c.nc)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := js.KeyValue(within(t), car.bucket())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Put(within(t), car.Rig, []byte{0xff}); err != nil { // waits until it is stored
		t.Fatal(err)
	}
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	if got := drops(src)["malformed"]; got != 1 {
		t.Errorf("%d malformed messages are counted, want 1", got)
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

// A queue without frames drops poses first, and a calibration or control message
// only if there is nothing else.
func TestOverflowDropsPosesBeforeCalibrationAndControl(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{Queue: 3})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	sent := []perception.Event{
		testRig(), perception.Reset{Reason: "one"}, testPose(1), perception.Reset{Reason: "two"}, perception.Reset{Reason: "three"},
	}
	publish(t, p, sent...)
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

func TestConfirmReturnsRefusals(t *testing.T) {
	srv := start(t, ServerOptions{})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true})
	var (
		none    *NoServiceError
		refused *RefusedError
		invalid *InvalidError
	)
	if err := p.Publish(within(t), testPose(1)); !errors.As(err, &none) || !strings.Contains(err.Error(), "no service is subscribed") {
		t.Errorf("without a service: %v", err)
	}
	source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	empty := testFrame("CAM_FRONT", 1)
	empty.Image = nil
	if err := p.Publish(within(t), empty); !errors.As(err, &refused) || !strings.Contains(err.Error(), "the image is empty") {
		t.Errorf("an empty image: %v", err)
	}
	if err := p.End(within(t)); err != nil {
		t.Errorf("a live source takes the end and goes on: %v", err)
	}
	for name, ev := range map[string]perception.Event{
		`bus: message not sent: name "\xff" of a frame's camera: it is not UTF-8`:                testFrame("\xff", 1),
		`bus: message not sent: name "" of a frame's camera: it is empty`:                        testFrame("", 1),
		`bus: message not sent: perception: rig "car": name "\xff" of a camera: it is not UTF-8`: named("\xff"),
	} {
		if err := p.Publish(within(t), ev); !errors.As(err, &invalid) || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// named returns the test's rig with its first camera named so.
func named(camera string) *perception.Rig {
	r := testRig()
	r.Cameras[0].Name = camera
	return r
}

// Rigs and cameras may have any name, and each rig has its own calibration.
func TestAnyNames(t *testing.T) {
	srv := start(t, ServerOptions{})
	names := []string{"vorn links", "a.b", ".", "*", ">", "Rück/../$SYS=3D\n", strings.Repeat("ü", perception.MaxName/2)}
	for _, name := range names {
		s := Subjects{Prefix: car.Prefix, Rig: name}
		p := NewPublisher(connect(t, ConnOptions{Server: srv}), s, PublisherOptions{})
		rig := named(name)
		rig.Name = name
		publish(t, p, rig)
		src, err := NewSource(within(t), connect(t, ConnOptions{Server: srv}), s, SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		publish(t, p, testFrame(name, 1))
		for _, want := range []perception.Event{rig, testFrame(name, 1)} {
			if diff := cmp.Diff(want, next(t, src)); diff != "" {
				t.Errorf("%q (-sent +received):\n%s", name, diff)
			}
		}
		defer func() {
			if src.queue.Len() > 0 || drops(src)["malformed"] > 0 {
				t.Errorf("%q has another rig's messages", name)
			}
		}()
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

// A function that a connection calls may add and remove others: no lock is held.
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

func TestResultsAndStatus(t *testing.T) {
	srv := start(t, ServerOptions{})
	reader := connect(t, ConnOptions{Server: srv})
	results, err := NewResults(reader, car)
	if err != nil {
		t.Fatal(err)
	}
	statuses, err := NewStatuses(reader, car)
	if err != nil {
		t.Fatal(err)
	}
	service := connect(t, ConnOptions{Server: srv})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	sink := NewSink(service, car)
	status := &perception.Status{
		Time: epoch, State: perception.Degraded, Model: "m", LastError: "e", ErrorTime: epoch, Counts: map[string]uint64{"sets": 3},
	}
	if err := errors.Join(sink.Publish(within(t), &perception.Moment{Result: testResult()}), sink.Status(within(t), status), sink.Flush(within(t))); err != nil {
		t.Fatal(err)
	}
	got, err := results.Next(within(t))
	if diff := cmp.Diff(testResult(), got); err != nil || diff != "" {
		t.Errorf("%v (-sent +received):\n%s", err, diff)
	}
	gotStatus, err := statuses.Next(within(t))
	if diff := cmp.Diff(status, gotStatus); err != nil || diff != "" {
		t.Errorf("%v (-sent +received):\n%s", err, diff)
	}
	if err := service.nc.Publish(car.of(detections), []byte{0xff}); err != nil {
		t.Fatal(err)
	}
	var malformed *MalformedError
	if _, err := results.Next(within(t)); !errors.As(err, &malformed) {
		t.Errorf("a malformed result: %v", err)
	}
	if got := drops(src); got["malformed"] != 0 {
		t.Errorf("a source counts results as malformed: %v", got)
	}
	if err := errors.Join(results.Close(), statuses.Close()); err != nil {
		t.Error(err)
	}
}

func TestPlacementsAreOneBox(t *testing.T) {
	m := encodeResult(testResult())
	r := testResult()
	for i, d := range m.Detections {
		globalFromEgo := r.GlobalFromEgo
		inEgo := perception.Detection{
			Center: decodeVec(d.Ego.Center), Yaw: d.Ego.Yaw, Velocity: [2]float64{d.Ego.VelocityX, d.Ego.VelocityY},
		}
		want := encodePlacement(inEgo.Placement().In(globalFromEgo))
		got := []float64{d.Global.Center.X, d.Global.Center.Y, d.Global.Center.Z, d.Global.Yaw, d.Global.VelocityX, d.Global.VelocityY}
		exp := []float64{want.Center.X, want.Center.Y, want.Center.Z, want.Yaw, want.VelocityX, want.VelocityY}
		if diff := cmp.Diff(exp, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("detection %d: ego and global placements differ:\n%s", i, diff)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	srv := start(t, ServerOptions{User: "car", Password: "right"})
	for name, o := range map[string]ConnOptions{
		"password": {URL: srv.URL(), User: "car", Password: "wrong"},
		"no user":  {URL: srv.URL()},
	} {
		o.Log, _ = quiet()
		_, err := Connect(o)
		if err == nil || !strings.Contains(err.Error(), "nats.password") || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	connect(t, ConnOptions{URL: srv.URL(), User: "car", Password: "right"})
	connect(t, ConnOptions{Server: srv})
	_, err := Connect(ConnOptions{URL: start(t, ServerOptions{Token: "right"}).URL(), Token: "wrong"})
	if err == nil || !strings.Contains(err.Error(), "check nats.token") {
		t.Errorf("token: error %v", err)
	}
}

func TestNoServer(t *testing.T) {
	_, err := Connect(ConnOptions{URL: "nats://me:secret@127.0.0.1:1", Timeout: time.Second})
	if err == nil || !strings.Contains(err.Error(), "nats.url") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func TestPortInUse(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, _ := quiet()
	_, err := StartServer(ServerOptions{Port: srv.port(), Log: log})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}

func TestServerWithoutJetStream(t *testing.T) {
	plain, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	plain.Start()
	t.Cleanup(func() { plain.Shutdown(); plain.WaitForShutdown() })
	if !plain.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{URL: plain.ClientURL(), Log: log}), SourceOptions{})
	if !strings.Contains(logged.String(), "no JetStream") {
		t.Errorf("the log lacks the warning that the server keeps no calibration: %s", logged)
	}
	p := NewPublisher(connect(t, ConnOptions{URL: plain.ClientURL()}), car, PublisherOptions{})
	if err := p.Publish(within(t), testRig()); !errors.Is(err, ErrNotKept) {
		t.Errorf("error %v, want ErrNotKept", err)
	}
	if _, ok := next(t, src).(*perception.Rig); !ok {
		t.Error("the calibration did not arrive")
	}
}

func TestServerRestart(t *testing.T) {
	store := t.TempDir()
	first := start(t, ServerOptions{Store: store})
	port := first.port()
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{URL: first.URL(), Log: log}), SourceOptions{})
	publish(t, NewPublisher(connect(t, ConnOptions{Server: first}), car, PublisherOptions{}), testRig())
	next(t, src)
	first.Close()
	second, err := StartServer(ServerOptions{Port: port, Store: store, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	if _, ok := next(t, src).(*perception.Rig); !ok {
		t.Error("the calibration was not read again")
	}
	if !strings.Contains(logged.String(), "connected to the NATS server again") {
		t.Errorf("the log lacks the reconnection:\n%s", logged)
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

func TestBadNames(t *testing.T) {
	c := connect(t, ConnOptions{Server: start(t, ServerOptions{})})
	for _, s := range []Subjects{{"", "car"}, {"sf.>", "car"}, {strings.Repeat("a", 201), "car"}, {"sf", ""}, {"sf", "\xff"}} {
		if _, err := NewSource(within(t), c, s, SourceOptions{}); err == nil {
			t.Errorf("a source took %v", s)
		}
		if _, err := NewResults(c, s); err == nil {
			t.Errorf("a feed took %v", s)
		}
	}
}
