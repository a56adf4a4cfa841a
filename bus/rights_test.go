package bus

import (
	"errors"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/solofusion/solofusion/perception"
)

// rights returns permissions to publish and to subscribe to these subjects only.
func rights(publish, subscribe []string) *natsserver.Permissions {
	return &natsserver.Permissions{
		Publish: &natsserver.SubjectPermission{Allow: publish}, Subscribe: &natsserver.SubjectPermission{Allow: subscribe},
	}
}

// limited returns the URL of a server with a user for each role of docs/nats.md, by the
// rights that are there, and with users that lack some.
func limited(t *testing.T) string {
	const bucket = "KV_test_sf_calibration"
	read := []string{
		"$JS.API.STREAM.INFO." + bucket,
		"$JS.API.STREAM.MSG.GET." + bucket,
		"$JS.API.DIRECT.GET." + bucket + ".$KV.test_sf_calibration.car",
	}
	results := []string{"test.sf.car.detections", "test.sf.car.status"}
	heard := []string{"test.sf.car.>", "$KV.test_sf_calibration.car", "_INBOX_detector.>"}
	vehicle := []string{
		"test.sf.car.calibration", "test.sf.car.pose", "test.sf.car.frame.*", "test.sf.car.control", "test.sf.car.service",
		"$JS.API.INFO", "$JS.API.STREAM.CREATE." + bucket, "$JS.API.STREAM.INFO." + bucket,
		"$KV.test_sf_calibration.car",
	}
	return serverWith(t, natsserver.Options{JetStream: true, Users: []*natsserver.User{
		{Username: "vehicle", Password: "v", Permissions: rights(vehicle, []string{"_INBOX.>"})},
		{Username: "detector", Password: "d", Permissions: rights(append(append(results[:2:2], "_INBOX.>"), read...), heard)},
		{Username: "viewer", Password: "w", Permissions: rights([]string{"nothing"}, results)},
		{Username: "without bucket", Password: "b", Permissions: rights(results, []string{"test.sf.car.>", "_INBOX.>"})},
		{Username: "mute", Password: "m", Permissions: rights(read, heard)},
	}})
}

// With the rights of docs/nats.md each side can do all that it does.
func TestLeastRights(t *testing.T) {
	url := limited(t)
	log, logged := quiet()
	as := func(user, password, inbox string) *Conn {
		return connect(t, ConnOptions{URL: url, User: user, Password: password, Inbox: inbox, Log: log})
	}
	vehicle := as("vehicle", "v", "")
	publish(t, NewPublisher(vehicle, car, PublisherOptions{}), testRig())
	src := source(t, as("detector", "d", "_INBOX_detector"), SourceOptions{})
	next(t, src) // the kept calibration
	confirmed := make(chan error, 1)
	go func() {
		p := NewPublisher(vehicle, car, PublisherOptions{Confirm: true})
		confirmed <- errors.Join(p.Publish(within(t), testPose(1)), p.Publish(within(t), testFrame("CAM_FRONT", 1)), p.Publish(within(t), perception.Reset{Reason: "r"}))
	}()
	for range 3 {
		next(t, src)
	}
	if err := <-confirmed; err != nil {
		t.Errorf("confirmation: %v", err)
	}
	other := testRig()
	other.Cameras = other.Cameras[:1]
	keep(t, vehicle, other)
	if rig, ok := next(t, src).(*perception.Rig); !ok || len(rig.Cameras) != 1 {
		t.Error("the change in the bucket did not come")
	}
	results, err := NewResults(as("viewer", "w", ""), car)
	if err != nil {
		t.Fatal(err)
	}
	sink := NewSink(src.conn, car, SinkOptions{})
	if err := errors.Join(sink.Publish(within(t), &perception.Moment{Result: testResult()}), sink.Status(within(t), &perception.Status{State: perception.Running}), sink.Flush(within(t))); err != nil {
		t.Error(err)
	}
	if _, err := results.Next(within(t)); err != nil {
		t.Error(err)
	}
	if logged.String() != "" {
		t.Errorf("the log has\n%s", logged)
	}
}

// A missing right is named with its subject and the user.
func TestMissingRights(t *testing.T) {
	url := limited(t)
	user := func(name, password string) (*Conn, *logBuffer) {
		log, logged := quiet()
		return connect(t, ConnOptions{URL: url, User: name, Password: password, Log: log, Inbox: "_INBOX_detector"}), logged
	}
	blind, _ := user("viewer", "w")
	_, err := NewSource(within(t), blind, car, SourceOptions{})
	var denied *DeniedError
	if !errors.As(err, &denied) || *denied != (DeniedError{Right: "subscribe to", Subject: "test.sf.car.service", Who: `user "viewer"`}) {
		t.Errorf("a source of a viewer: %v", err)
	}
	log, logged := quiet()
	poor := connect(t, ConnOptions{URL: url, User: "without bucket", Password: "b", Log: log})
	src := source(t, poor, SourceOptions{})
	publish(t, NewPublisher(connect(t, ConnOptions{URL: url, User: "vehicle", Password: "v"}), car, PublisherOptions{}), testRig())
	if _, ok := next(t, src).(*perception.Rig); !ok {
		t.Error("a calibration that was sent did not come")
	}
	for _, want := range []string{"subscribe to $KV.test_sf_calibration.car", "publish to $JS.API.STREAM.INFO.KV_test_sf_calibration", "waiting for one to be sent"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, logged)
		}
	}
	mute, logged := user("mute", "m")
	sink := NewSink(mute, car, SinkOptions{})
	for range 3 {
		if err := errors.Join(sink.Publish(within(t), &perception.Moment{Result: testResult()}), sink.Flush(within(t))); err != nil {
			t.Fatal(err)
		}
	}
	mute.Close() // waits for the log
	if n := strings.Count(logged.String(), "does not let user \\\"mute\\\" publish to test.sf.car.detections"); n != 1 {
		t.Errorf("the missing right is logged %d times, want once:\n%s", n, logged)
	}
}
