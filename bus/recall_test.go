package bus

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/solofusion/solofusion/perception"
)

// slowBucket is a calibration bucket whose answers a test makes.
type slowBucket struct {
	conn   *Conn
	stream func() string // answer to the question for the bucket's stream
	entry  func() []byte // answer to the question for the rig's calibration
}

// Answers for the stream.
const (
	noStream  = `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`
	notReady  = `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`
	theStream = `{"config":{"name":"KV_test_sf_calibration","max_msgs_per_subject":1,"allow_direct":true}}`
)

// newSlowBucket returns a server's bucket, which does not exist at first, and the server's URL.
func newSlowBucket(t *testing.T) (b *slowBucket, url string) {
	t.Helper()
	url = serverWith(t, natsserver.Options{})
	b = &slowBucket{conn: connect(t, ConnOptions{URL: url}), stream: func() string { return noStream }}
	for subject, answer := range map[string]func() *nats.Msg{
		"$JS.API.STREAM.INFO.KV_" + car.bucket(): func() *nats.Msg { return &nats.Msg{Data: []byte(b.stream())} },
		"$JS.API.DIRECT.GET.>": func() *nats.Msg {
			return &nats.Msg{Data: b.entry(), Header: nats.Header{
				"Nats-Stream": {"KV_" + car.bucket()}, "Nats-Subject": {car.kept()}, "Nats-Sequence": {"1"},
				"Nats-Time-Stamp": {epoch.Format(time.RFC3339Nano)},
			}}
		},
	} {
		_, err := b.conn.nc.Subscribe(subject, func(m *nats.Msg) {
			if err := m.RespondMsg(answer()); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.conn.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	return b, url
}

// A calibration that comes while the bucket is read is newer than what was in the bucket,
// also at the next reconnection.
func TestRecallIsOlderThanWhatComes(t *testing.T) {
	bucket, url := newSlowBucket(t)
	raw := connect(t, ConnOptions{URL: url})
	src := source(t, connect(t, ConnOptions{URL: url}), SourceOptions{})
	old, fresh := testRig(), testRig()
	old.Name, fresh.Name = "old", "fresh"
	bucket.stream = func() string { return theStream }
	bucket.entry = func() []byte {
		if err := raw.publish(car.of(calibration), encodeRig(fresh)); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(perception.Event(fresh), next(t, src)); diff != "" {
			t.Errorf("(-sent +received):\n%s", diff)
		}
		return bytesOf(t, encodeRig(old))
	}
	src.recallAfterReconnect()
	bucket.entry = func() []byte { return bytesOf(t, encodeRig(old)) }
	src.recallAfterReconnect()
	publish(t, NewPublisher(raw, car, PublisherOptions{}), testPose(1))
	if diff := cmp.Diff(perception.Event(testPose(1)), next(t, src)); diff != "" {
		t.Errorf("after the calibration (-want +received):\n%s", diff)
	}
}

// A bucket that cannot be read at first is read again.
func TestRecallIsRepeated(t *testing.T) {
	bucket, url := newSlowBucket(t)
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{URL: url, Log: log}), SourceOptions{})
	answers := []string{notReady, theStream}
	bucket.stream = func() (answer string) {
		answer, answers = answers[0], answers[1:]
		return answer
	}
	bucket.entry = func() []byte { return bytesOf(t, encodeRig(testRig())) }
	src.recallAfterReconnect()
	if src.Waiting() != 1 {
		t.Fatalf("%d events wait, want the calibration", src.Waiting())
	}
	if diff := cmp.Diff(perception.Event(testRig()), next(t, src)); diff != "" {
		t.Errorf("(-kept +received):\n%s", diff)
	}
	if n := strings.Count(logged.String(), "calibration not read after the reconnection"); n != 1 {
		t.Errorf("the failure is logged %d times, want once:\n%s", n, logged)
	}
}
