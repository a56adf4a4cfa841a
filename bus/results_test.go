package bus

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/solofusion/solofusion/perception"
)

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
	sink := NewSink(service, car, SinkOptions{})
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
	m := encodeResult(testResult(), SinkOptions{})
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

// A sink publishes the boxes that its options select, and the result stays whole.
func TestSelectedBoxes(t *testing.T) {
	for _, test := range []struct {
		o    SinkOptions
		want int
	}{
		{SinkOptions{}, 2}, {SinkOptions{MinScore: 0.7}, 1}, {SinkOptions{MinScore: 0.71}, 0}, {SinkOptions{MinScore: 0.25}, 2},
		{SinkOptions{Range: 20}, 1}, {SinkOptions{Range: 100}, 2}, {SinkOptions{Range: 1}, 0}, {SinkOptions{MinScore: 0.5, Range: 20}, 0},
	} {
		r := testResult()
		if got := len(encodeResult(r, test.o).Detections); got != test.want || len(r.Detections) != 2 {
			t.Errorf("%+v: %d boxes, want %d", test.o, got, test.want)
		}
	}
}
