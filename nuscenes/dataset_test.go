package nuscenes_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

func openTiny(t *testing.T) *nuscenes.Dataset {
	t.Helper()
	ds, err := nuscenes.Open(tinyset.New().Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestOpenLinksTheTables(t *testing.T) {
	ds := openTiny(t)
	if len(ds.Scenes) != 2 || len(ds.Samples) != 5 {
		t.Fatalf("%d scenes and %d samples, want 2 and 5", len(ds.Scenes), len(ds.Samples))
	}
	scene := ds.Scene("scene-0103")
	var tokens []string
	for _, s := range scene.Samples {
		tokens = append(tokens, s.Token)
	}
	if want := []string{"scene-0103-sample-0", "scene-0103-sample-1", "scene-0103-sample-2"}; !slices.Equal(tokens, want) {
		t.Errorf("samples %v, want %v", tokens, want)
	}
	sample := scene.Samples[1]
	if sample.Prev != scene.Samples[0] || sample.Next != scene.Samples[2] || ds.Sample(sample.Token) != sample {
		t.Error("the samples' links are wrong")
	}
	if len(sample.Annotations) != 4 {
		t.Errorf("%d annotations, want 4", len(sample.Annotations))
	}
	front := sample.Key("CAM_FRONT")
	if got := front.Sweeps(); len(got) != 1 || got[0].KeyFrame || got[0].Timestamp >= front.Timestamp {
		t.Errorf("sweeps before the second key frame: %v", got)
	}
	if sample.Key("CAM_SIDE") != nil || ds.Scene("none") != nil || ds.Sample("none") != nil {
		t.Error("found what is not there")
	}
	if p := ds.Path(front); !strings.HasPrefix(p, ds.Dir) || !strings.HasSuffix(p, filepath.Join("front", "scene-0103-key-front-1.jpg")) {
		t.Errorf("path %s", p)
	}
	if sample.KeyTime() != sample.Timestamp || sample.KeyPose().GlobalFromEgo.Translation != (geom.Vec3{2, 0, 0}) {
		t.Errorf("key pose %v", sample.KeyPose())
	}
	if got := front.Timestamp.Time().UnixMicro(); got != int64(front.Timestamp) {
		t.Errorf("time %d, want %d", got, front.Timestamp)
	}
}

func TestKeyTimeAndPoseWithoutALidar(t *testing.T) {
	tables := tinyset.New()
	tables["sample_data"] = slices.DeleteFunc(tables["sample_data"], func(r tinyset.Row) bool {
		return r["calibrated_sensor_token"] == "lidar-1"
	})
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	sample := ds.Samples[0]
	if sample.KeyTime() != sample.Timestamp {
		t.Errorf("key time %d, want the sample's", sample.KeyTime())
	}
	if pose := sample.KeyPose(); pose != sample.Key("CAM_BACK").EgoPose {
		t.Errorf("key pose %v, want that of CAM_BACK, the nearest in time", pose)
	}
	rig, err := ds.Rig(sample, nil)
	if err != nil || rig.EgoFromLidar != nil {
		t.Errorf("rig %v, %v, want none", rig, err)
	}
}

func TestRigHasTheWantedCamerasInOrder(t *testing.T) {
	ds := openTiny(t)
	tests := []struct{ cameras, want []string }{
		{nil, []string{"CAM_BACK", "CAM_FRONT"}},
		{[]string{"CAM_FRONT", "CAM_SIDE", "CAM_BACK"}, []string{"CAM_FRONT", "CAM_BACK"}},
		{[]string{"CAM_FRONT"}, []string{"CAM_FRONT"}},
	}
	for _, test := range tests {
		rig, err := ds.Rig(ds.Samples[0], test.cameras)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range rig.Cameras {
			names = append(names, c.Name)
			if c.Width != tinyset.Width || c.Height != tinyset.Height || c.Intrinsics[0] != 12 {
				t.Errorf("%s: %d x %d, %v", c.Name, c.Width, c.Height, c.Intrinsics)
			}
		}
		if !slices.Equal(names, test.want) || rig.Name != "n001" {
			t.Errorf("cameras %v of rig %s, want %v of n001", names, rig.Name, test.want)
		}
	}
	if _, err := ds.Rig(ds.Samples[0], []string{"CAM_SIDE"}); err == nil {
		t.Error("a rig without a camera is no error")
	}
}

func TestVelocityIsTheDevkits(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample", "scene-0916-sample-1")["timestamp"] = 1_000_000_102_000_000 // 2 s after the other
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	car := func(sample string) *nuscenes.Annotation { return ds.Sample(sample).Annotations[0] }
	for i, sample := range []string{"scene-0103-sample-0", "scene-0103-sample-1", "scene-0103-sample-2"} {
		if v := car(sample).Velocity(); math.Abs(v[0]-2) > 1e-6 || v[1] != 0 {
			t.Errorf("sample %d: velocity %v, want 2 m/s along x", i, v)
		}
	}
	if v := car("scene-0916-sample-0").Velocity(); !math.IsNaN(v[0]) {
		t.Errorf("velocity %v over 2 s, want NaN", v)
	}
	alone := *car("scene-0103-sample-0")
	alone.Next = nil
	if v := alone.Velocity(); !math.IsNaN(v[2]) {
		t.Errorf("velocity %v of a single annotation, want NaN", v)
	}
}

// TestRealRecordings reads the data sets that come with nuScenes' and DDAD's
// rigs.
func TestRealRecordings(t *testing.T) {
	tests := []struct {
		folder, version        string
		samples, boxes         int
		cameras                int
		forward                geom.Vec3 // of the lidar frame in the ego frame
		wantedSplit, mainScene string
	}{
		{"data/nuscenes", "v1.0-mini", 81, 4441, 6, geom.Vec3{1, 0, 0}, "mini_val", "scene-0103"},
		{"data/ddad", "v1.0-dgp", 3, 0, 3, geom.Vec3{0, 1, 0}, "all", "scene_01"},
	}
	for _, test := range tests {
		ds, err := nuscenes.Open(golden.Shared(t, test.folder), test.version)
		if err != nil {
			t.Fatal(err)
		}
		split, err := ds.Split(test.wantedSplit)
		if err != nil || len(split.Samples) != test.samples {
			t.Errorf("%s: split %s has %d samples, %v, want %d", test.folder, test.wantedSplit, len(split.Samples), err, test.samples)
		}
		boxes := 0
		for _, s := range ds.Samples {
			boxes += len(s.Annotations)
		}
		if test.boxes > 0 && boxes != test.boxes || boxes == 0 {
			t.Errorf("%s: %d annotations, want %d", test.folder, boxes, test.boxes)
		}
		rig, err := ds.Rig(ds.Scene(test.mainScene).Samples[0], nil)
		if err != nil || len(rig.Cameras) != test.cameras {
			t.Fatalf("%s: rig %v, %v, want %d cameras", test.folder, rig, err, test.cameras)
		}
		if forward := rig.EgoFromLidar.Pose().R.Apply(geom.Vec3{0, 1, 0}); forward.Dot(test.forward) < 0.99 {
			t.Errorf("%s: the lidar's y axis points along %v of the vehicle", test.folder, forward)
		}
	}
}
