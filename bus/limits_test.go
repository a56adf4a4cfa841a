package bus

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// What is over a limit is dropped, counted, and said with the limit's name; what is
// within it comes.
func TestLimits(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{Server: srv, Log: log}), SourceOptions{
		Limits: Limits{Cameras: 2, ImageBytes: 1024, FrameRate: 3, PoseRate: 5},
	})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	many := testRig()
	many.Cameras = append(many.Cameras, many.Cameras[0])
	many.Cameras[2].Name = "CAM_LEFT"
	large := testFrame("CAM_FRONT", 1)
	large.Image = make([]byte, 1025)
	publish(t, p, testRig(), many, large)
	for i := range 6 {
		publish(t, p, testPose(i), testFrame("CAM_FRONT", i+1), testFrame("CAM_BACK", i+1))
	}
	publish(t, p, perception.Reset{Reason: "end"})
	kinds := map[string]int{}
	for {
		ev := next(t, src)
		if _, end := ev.(perception.Reset); end {
			break
		}
		kinds[item{event: ev}.kind()]++
	}
	if got := fmt.Sprint(kinds); got != "map[calibration:1 ego pose:5 frame of CAM_BACK:3 frame of CAM_FRONT:3]" {
		t.Errorf("came %s", got)
	}
	if n := drops(src)["over_limit"]; n != 2+1+3+3 { // the calibration by both ways
		t.Errorf("%d are counted as over a limit, want 9", n)
	}
	for _, want := range []string{
		"the calibration has 3 cameras, limits.cameras is 2", "the image has 1025 bytes, limits.image_bytes is 1024",
		"more than 3 frames of the camera in a second, limits.frame_rate", "more than 5 poses in a second, limits.pose_rate",
		"frame.CAM_BACK",
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, logged)
		}
	}
}

func TestAllowance(t *testing.T) {
	var a allowance
	now, taken := time.Unix(0, 0), 0
	for range 1000 { // ten seconds of 100 a second
		now = now.Add(10 * time.Millisecond)
		if a.take(10, now) {
			taken++
		}
	}
	if taken < 108 || taken > 110 {
		t.Errorf("%d events of 1000 in ten seconds pass, want 10 at once and 10 a second", taken)
	}
}

// Names from outside do not fill the memory.
func TestRatesAreBounded(t *testing.T) {
	g, r := newGate(DefaultLimits()), newRivals()
	for i := range 3 * maxRates {
		f := testFrame(fmt.Sprint(i), 1)
		if err := g.admit(f, epoch); err != nil && i < maxRates {
			t.Fatal(err)
		}
		r.see(f, epoch)
	}
	if len(g.frames) > maxRates+1 || len(r.cameras) > maxRates {
		t.Errorf("%d rates and %d series are kept", len(g.frames), len(r.cameras))
	}
}
