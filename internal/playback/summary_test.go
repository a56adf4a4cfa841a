package playback

import (
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
)

// summed returns the summary of three results of a recording with two cameras.
func summed(t *testing.T, results ...*perception.Result) *Summary {
	t.Helper()
	var samples []*nuscenes.Sample
	for _, r := range results {
		samples = append(samples, &nuscenes.Sample{Token: r.KeyFrame})
	}
	rows, err := replay.NewRows(samples)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSummary(rows, len(samples), func(int, int) {})
	for _, r := range results {
		if err := s.Publish(t.Context(), &perception.Moment{Result: r}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestSummary(t *testing.T) {
	at := map[string]time.Time{"CAM_FRONT": epoch}
	s := summed(t,
		&perception.Result{KeyFrame: "a", Captured: at, Reset: "stream started", Missing: []string{"CAM_BACK"}},
		&perception.Result{KeyFrame: "b", Captured: at, Reset: "a gap of 1m0s exceeds 5s",
			Missing: []string{"CAM_BACK"}, Rejected: map[string]string{"CAM_BACK": "image is truncated"}},
		&perception.Result{KeyFrame: "c", Captured: at, Reset: "a gap of 1m0s exceeds 5s"},
	)
	sent := replay.Stats{
		Scenes: 1, SkippedSamples: 2,
		Images: map[string]int{"CAM_FRONT": 5, "CAM_BACK": 5}, Absent: map[string]int{"CAM_FRONT": 2, "CAM_BACK": 2},
	}
	status := &perception.Status{Counts: map[string]uint64{"drop.injected": 2, "frames": 6}}
	var text strings.Builder
	if err := s.Write(&text, 2*time.Second, sent, status); err != nil {
		t.Fatal(err)
	}
	want := `sets      3 of 3 samples, 0 detections
time      2.0 s, 1.5 frames a second
missing   CAM_BACK in 2 sets
rejected  1 images of CAM_BACK, the last: image is truncated
skipped   2 samples without any image
history   begun anew with 3 of 3 sets, most often: a gap of 1m0s exceeds 5s
dropped   2 injected
3 of 10 images used; 4 absent (CAM_BACK 2, CAM_FRONT 2); 1 rejected (CAM_BACK 1): image is truncated; 2 dropped (CAM_BACK 2): 2 injected
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	if err := s.Check(sent, status); err != nil {
		t.Error(err)
	}
}

// A run without a usable image fails with the reason of most of them.
func TestNoImageUsed(t *testing.T) {
	sent := replay.Stats{Scenes: 1, Images: map[string]int{"CAM_FRONT": 3}, Absent: map[string]int{"CAM_FRONT": 1}}
	status := &perception.Status{Counts: map[string]uint64{"lost.failed": 2}, LastError: "pipeline: no such rig"}
	err := summed(t).Check(sent, status)
	want := "replay: none of the 3 images could be used: 2 dropped: 2 sets failed, the last error: pipeline: no such rig"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
