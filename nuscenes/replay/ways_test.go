package replay_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/playback"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
)

// poseReader is a detector that puts a box where each camera's frame stands.
type poseReader struct{}

func (p poseReader) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) { return p.step(set) }
}

func (poseReader) step(set *perception.FrameSet) (*perception.Result, error) {
	r := &perception.Result{
		Time: set.Time, KeyFrame: set.KeyFrame, GlobalFromEgo: set.GlobalFromEgo, EgoFromModel: geom.IdentityPose(),
		Captured: map[string]time.Time{},
	}
	for i, f := range set.Frames {
		if f == nil {
			return nil, fmt.Errorf("%s lacks %s", set.KeyFrame, set.Rig.Cameras[i].Name)
		}
		r.Captured[f.Camera] = f.Captured
		r.Detections = append(r.Detections, perception.Detection{
			Score: 1 - float32(i)/10, Size: geom.Vec3{1, 1, 1}, Center: set.GlobalFromEgo.Inv().Apply(f.GlobalFromEgo.T),
		})
	}
	return r, nil
}

// Both ways give each sample one result with the poses that its rows name, whatever
// the times are: scenes that overlap, times of zero or before 1970, one time for all.
func TestBothWaysPlaceEachImageByItsRow(t *testing.T) {
	const first = 1_000_000_000_000_000
	for name, to := range map[string]func(us nuscenes.Timestamp) nuscenes.Timestamp{
		"as they are":         func(us nuscenes.Timestamp) nuscenes.Timestamp { return us },
		"scenes that overlap": func(us nuscenes.Timestamp) nuscenes.Timestamp { return first + (us-first)%100_000_000 },
		"from zero":           func(us nuscenes.Timestamp) nuscenes.Timestamp { return us - first },
		"before 1970":         func(us nuscenes.Timestamp) nuscenes.Timestamp { return us - 2*first },
		"one time for all":    func(nuscenes.Timestamp) nuscenes.Timestamp { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			tables := tinyset.New()
			dir := tables.Write(t)
			tables.WriteImages(t, dir)
			ds, err := nuscenes.Open(dir, tinyset.Version)
			if err != nil {
				t.Fatal(err)
			}
			for _, sample := range ds.Samples {
				sample.Timestamp = to(sample.Timestamp)
				for _, data := range append(sample.Cameras(), sample.Key(nuscenes.LidarTop)) {
					data.Timestamp = to(data.Timestamp)
				}
			}
			direct := played(t, ds, playback.Direct)
			if diff := cmp.Diff(direct, played(t, ds, playback.NATS)); diff != "" {
				t.Errorf("(-direct +NATS):\n%s", diff)
			}
			for i, s := range direct.Samples {
				cameras := ds.Samples[i].Cameras()
				if len(s.Boxes) != len(cameras) {
					t.Fatalf("%s has %d boxes, want one for each of %d cameras", s.Token, len(s.Boxes), len(cameras))
				}
				for k, data := range cameras {
					if want := data.EgoPose.GlobalFromEgo.Translation; s.Boxes[k].Center.Sub(want).Norm() > 1e-9 {
						t.Errorf("%s of %s stands at %v, want %v", data.Channel(), s.Token, s.Boxes[k].Center, want)
					}
				}
			}
		})
	}
}

// played returns the results of a replay that uses every image.
func played(t *testing.T, ds *nuscenes.Dataset, via playback.Way) *nuscenes.Results {
	t.Helper()
	source, err := replay.NewSource(ds, ds.Scenes, replay.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := replay.NewRows(ds.Samples)
	if err != nil {
		t.Fatal(err)
	}
	summary := playback.NewSummary(rows, len(ds.Samples), func(int, int) {})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	status, err := playback.Run(ctx, playback.Options{Via: via}, source, poseReader{}, summary)
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range status.Counts {
		if strings.Contains(name, ".") && n != 0 { // drop.REASON, lost.REASON
			t.Errorf("%s: %d %s", via, n, name)
		}
	}
	return rows.Results()
}
