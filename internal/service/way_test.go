package service

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// TestLatency: it is from the capture, or from the last arrival if the capture is of
// another clock.
func TestLatency(t *testing.T) {
	const arrived = 70 * time.Millisecond
	for _, test := range []struct {
		name           string
		captured, want time.Duration // before the result
	}{
		{"usual", 250 * time.Millisecond, 250 * time.Millisecond},
		{"behind", 30 * time.Minute, 30 * time.Minute},
		{"a clock that is a little ahead", -900 * time.Millisecond, -900 * time.Millisecond},
		{"a clock that is far ahead", -2 * time.Second, arrived},
		{"time since boot", epoch.Sub(time.UnixMicro(3_600_000_000)), arrived},
	} {
		frames := []*perception.Frame{nil, {Arrived: epoch.Add(-arrived)}, {Arrived: epoch.Add(-90 * time.Millisecond)}}
		w := Way{Set: &perception.FrameSet{Frames: frames}, Result: &perception.Result{Time: epoch.Add(-test.captured)}, Published: epoch}
		if got := w.latency(); got != test.want {
			t.Errorf("%s: latency %v, want %v", test.name, got, test.want)
		}
	}
}

// TestLatencyOfTimesSinceBoot: the latency of cameras that stamp so is that of the service,
// not half a century.
func TestLatencyOfTimesSinceBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boot := int(time.UnixMicro(3_600_000_000).Sub(epoch).Milliseconds())
		s, stop := started(t, tenHertz(testRig(), 40, func(i int, _ string) int { return boot + 100*i }), &detector{})
		defer stop()
		time.Sleep(5 * time.Second)
		_, body := get(s, "/metrics") // the first instant is not used: its unit was not known
		if want := `solofusion_latency_seconds_bucket{rig="car",le="0.2"} 39`; !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s:\n%s", want, body)
		}
	})
}
