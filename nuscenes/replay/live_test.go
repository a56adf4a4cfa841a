package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// live describes events as describe does, frames without their key frames.
func live(t *testing.T, events []perception.Event, start time.Time) (words []string) {
	t.Helper()
	for _, e := range events {
		f, is := e.(*perception.Frame)
		if !is {
			words = append(words, describe([]perception.Event{e}, start)...)
			continue
		}
		if f.Key != nil || f.OwnPose != nil || len(f.Image) == 0 {
			t.Errorf("%s has key frame %v, pose %v and %d bytes, want neither and an image", f.Camera, f.Key, f.OwnPose, len(f.Image))
		}
		words = append(words, fmt.Sprintf("%s %d", f.Camera, f.Captured.Sub(start).Milliseconds()))
	}
	return words
}

// A vehicle sends a pose when it is there and an image when it is taken.
func TestLiveIsInOrderOfTime(t *testing.T) {
	ds := openTiny(t, true)
	events := drain(t, newSource(t, ds, Options{Live: true}))
	got := strings.Join(live(t, events, ds.Samples[0].Timestamp.Time())[:13], ", ")
	want := "rig 2, pose -40, CAM_FRONT -40, pose -20, CAM_BACK -20, pose 0, " +
		"pose 460, CAM_FRONT 460, pose 480, CAM_BACK 480, pose 500, pose 960, CAM_FRONT 960"
	if got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
}

// Sweeps are sent with their poses, each at its time, numbered with the key frames.
func TestLiveSweeps(t *testing.T) {
	ds := openTiny(t, true)
	events := drain(t, newSource(t, ds, Options{Live: true, Sweeps: true}))
	got := strings.Join(live(t, events, ds.Samples[0].Timestamp.Time())[:10], ", ")
	want := "rig 2, pose -40, CAM_FRONT -40, pose -20, CAM_BACK -20, pose 0, " +
		"pose 210, CAM_FRONT 210, pose 460, CAM_FRONT 460"
	if got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
	var numbers []uint64
	for _, e := range events {
		if f, is := e.(*perception.Frame); is && f.Camera == "CAM_FRONT" {
			numbers = append(numbers, f.Sequence)
		}
	}
	for i, n := range numbers {
		if n != uint64(i) {
			t.Fatalf("CAM_FRONT's numbers are %v, want 0, 1, 2 …", numbers)
		}
	}
}
