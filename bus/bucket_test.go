package bus

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/solofusion/solofusion/perception"
)

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
	publish(t, NewPublisher(connect(t, ConnOptions{Server: first}), car, PublisherOptions{}), testRig()) // nothing new
	first.Close()
	putWhileAway(t, store)
	second, err := StartServer(ServerOptions{Port: port, Store: store, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	if r, ok := next(t, src).(*perception.Rig); !ok || len(r.Cameras) != 1 {
		t.Error("the calibration was not read again")
	}
	if !strings.Contains(logged.String(), "connected to the NATS server again") {
		t.Errorf("the log lacks the reconnection:\n%s", logged)
	}
}

// keep puts a calibration into the bucket without sending it.
func keep(t *testing.T, c *Conn, r *perception.Rig) {
	t.Helper()
	_, m := encodeEvent(r)
	if err := NewPublisher(c, car, PublisherOptions{}).keep(within(t), m); err != nil {
		t.Fatal(err)
	}
}

// A calibration that is put into the bucket is taken up at once, also if there was no
// bucket before; a deleted one changes nothing.
func TestTheBucketIsWatched(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	c := connect(t, ConnOptions{Server: srv})
	other := testRig()
	other.Cameras = other.Cameras[:1]
	for _, want := range []*perception.Rig{testRig(), other} {
		keep(t, c, want)
		if diff := cmp.Diff(perception.Event(want), next(t, src)); diff != "" {
			t.Errorf("(-kept +received):\n%s", diff)
		}
	}
	js, err := jetstream.New(c.nc)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := js.KeyValue(within(t), car.bucket())
	if err != nil {
		t.Fatal(err)
	}
	if err := bucket.Delete(within(t), car.key()); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.PutString(within(t), car.key(), "\xff"); err != nil {
		t.Fatal(err)
	}
	publish(t, NewPublisher(c, car, PublisherOptions{}), testPose(1))
	for end := within(t); drops(src)["malformed"] == 0; time.Sleep(time.Millisecond) {
		if end.Err() != nil {
			t.Fatal("a malformed entry is not counted")
		}
	}
	if diff := cmp.Diff(perception.Event(testPose(1)), next(t, src)); diff != "" {
		t.Error(diff)
	}
}

// A calibration that is sent again and again is one event.
func TestRepeatedCalibrationsAreQuiet(t *testing.T) {
	srv := start(t, ServerOptions{})
	src := source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	for range 10 {
		publish(t, p, testRig())
	}
	publish(t, p, testPose(1))
	for _, want := range []perception.Event{testRig(), testPose(1)} {
		if diff := cmp.Diff(want, next(t, src)); diff != "" {
			t.Error(diff)
		}
	}
}

// putWhileAway changes the calibration that is kept in a server's store.
func putWhileAway(t *testing.T, store string) {
	t.Helper()
	other := testRig()
	other.Cameras = other.Cameras[:1]
	log, _ := quiet()
	srv, err := StartServer(ServerOptions{Port: -1, Store: store, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	c := connect(t, ConnOptions{Server: srv})
	publish(t, NewPublisher(c, car, PublisherOptions{}), other)
	c.Close()
}

// TestBucketOfAnother: a bucket that another client made with settings of its own stays as it is.
func TestBucketOfAnother(t *testing.T) {
	srv := start(t, ServerOptions{})
	c := connect(t, ConnOptions{Server: srv})
	js, err := jetstream.New(c.nc)
	if err != nil {
		t.Fatal(err)
	}
	made, err := js.CreateKeyValue(within(t), jetstream.KeyValueConfig{
		Bucket: car.bucket(), Description: "ours", History: 5, LimitMarkerTTL: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, NewPublisher(c, car, PublisherOptions{}), testRig())
	if diff := cmp.Diff(perception.Event(testRig()), next(t, source(t, c, SourceOptions{}))); diff != "" {
		t.Error(diff)
	}
	status, err := made.Status(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if status.History() != 5 || status.LimitMarkerTTL() != time.Minute {
		t.Errorf("the bucket's history is %d and its marker's TTL %v now", status.History(), status.LimitMarkerTTL())
	}
}
