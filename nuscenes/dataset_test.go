package nuscenes_test

import (
	"math"
	"os"
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

func TestBrokenTablesGetOneClearError(t *testing.T) {
	set := func(table, token, field string, value any) func(tinyset.Tables) {
		return func(tables tinyset.Tables) { tables.Row(table, token)[field] = value }
	}
	lack := func(table, token, field string) func(tinyset.Tables) {
		return func(tables tinyset.Tables) { delete(tables.Row(table, token), field) }
	}
	const sample, key, car = "scene-0103-sample-1", "scene-0103-key-front-1", "scene-0103-car-1"
	tests := []struct {
		name   string
		broken func(tinyset.Tables)
		want   []string // parts of the message
	}{
		{"text for a number", set("sample", sample, "timestamp", "noon"), []string{"sample.json", "row 1", sample, "field timestamp", "want an integer"}},
		{"no time", set("sample", sample, "timestamp", 0), []string{"field timestamp", "microseconds since 1970"}},
		{"field absent", lack("sample", sample, "scene_token"), []string{"sample.json", sample, "field scene_token", "is missing"}},
		{"token absent", lack("sample", sample, "token"), []string{"sample.json: row 1: field token", "is missing or empty"}},
		{"token twice", set("sample", sample, "token", "scene-0103-sample-0"), []string{"row 1", "field token", "want unique ones"}},
		{"dangling scene", set("sample", sample, "scene_token", "gone"), []string{"field scene_token", `"gone" is no token of scene.json`}},
		{"dangling next", set("sample", sample, "next", "gone"), []string{"field next", `"gone" is no token of this table`}},
		{"dangling prev", set("sample", sample, "prev", "gone"), []string{"field prev"}},
		{"broken chain", set("sample", sample, "next", ""), []string{"scene.json", "field last_sample_token", "3 samples"}},
		{"circle", set("sample", "scene-0103-sample-2", "next", "scene-0103-sample-0"), []string{"scene.json", "last_sample_token"}},
		{"first sample gone", set("scene", "token-scene-0916", "first_sample_token", "gone"), []string{"scene.json", "row 1", "first_sample_token"}},
		{"dangling log", set("scene", "token-scene-0916", "log_token", "gone"), []string{"scene.json", "log_token"}},
		{"dangling pose", set("sample_data", key, "ego_pose_token", "gone"), []string{"sample_data.json", key, "ego_pose_token", "ego_pose.json"}},
		{"dangling data", set("sample_data", key, "prev", "gone"), []string{"sample_data.json", key, "field prev"}},
		{"dangling data", set("sample_data", key, "next", "gone"), []string{"sample_data.json", key, "field next"}},
		{"prev leads forward", set("sample_data", key, "prev", key), []string{"sample_data.json", "field prev", "not an earlier measurement"}},
		{"two key frames", set("sample_data", "scene-0103-sweep-front-0", "is_key_frame", true), []string{"sample_data.json", "is_key_frame", "another key frame of CAM_FRONT"}},
		{"not a truth value", set("sample_data", key, "is_key_frame", 1), []string{"is_key_frame", "true or false"}},
		{"negative width", set("sample_data", key, "width", -1), []string{"field width", "no negative number"}},
		{"path outside", set("sample_data", key, "filename", "../../etc/passwd"), []string{"field filename", "leads out of the data set"}},
		{"short quaternion", set("ego_pose", "pose-"+key, "rotation", []float64{1, 0, 0}), []string{"ego_pose.json", "field rotation", "has 3 numbers, want 4"}},
		{"long vector", set("ego_pose", "pose-"+key, "translation", []float64{1, 0, 0, 0}), []string{"field translation", "has 4 numbers, want 3"}},
		{"zero quaternion", set("ego_pose", "pose-"+key, "rotation", []float64{0, 0, 0, 0}), []string{"field rotation", "is zero"}},
		{"null", set("ego_pose", "pose-"+key, "translation", nil), []string{"field translation", "want an array"}},
		{"two rows of intrinsics", set("calibrated_sensor", "front-1", "camera_intrinsic", [][]float64{{1, 0, 0}, {0, 1, 0}}), []string{"calibrated_sensor.json", "camera_intrinsic", "has 2 rows"}},
		{"four rows of intrinsics", set("calibrated_sensor", "front-1", "camera_intrinsic", [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 0}}), []string{"more than 3 rows"}},
		{"camera without intrinsics", set("calibrated_sensor", "front-1", "camera_intrinsic", []float64{}), []string{"camera_intrinsic", "3 x 3 numbers for the camera CAM_FRONT"}},
		{"dangling sensor", set("calibrated_sensor", "front-1", "sensor_token", "gone"), []string{"sensor.json"}},
		{"dangling category", set("instance", "scene-0103-car", "category_token", "gone"), []string{"instance.json", "category.json"}},
		{"dangling attribute", set("sample_annotation", car, "attribute_tokens", []string{"gone"}), []string{"sample_annotation.json", car, "attribute.json"}},
		{"dangling visibility", set("sample_annotation", car, "visibility_token", "9"), []string{"visibility.json", "nor empty"}},
		{"no size", set("sample_annotation", car, "size", []float64{1, 0, 1}), []string{"field size", "want positive numbers"}},
		{"negative points", set("sample_annotation", car, "num_lidar_pts", -3), []string{"num_lidar_pts"}},
		{"dangling annotation", set("sample_annotation", car, "prev", "gone"), []string{"sample_annotation.json", "field prev"}},
		{"dangling annotation", set("sample_annotation", car, "next", "gone"), []string{"sample_annotation.json", "field next"}},
	}
	for _, test := range tests {
		tables := tinyset.New()
		test.broken(tables)
		_, err := nuscenes.Open(tables.Write(t), tinyset.Version)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q lacks %q", test.name, err, part)
			}
		}
	}
}

func TestBrokenFilesGetOneClearError(t *testing.T) {
	dir := tinyset.New().Write(t)
	table := func(name string) string { return filepath.Join(dir, tinyset.Version, name+".json") }
	pose, err := os.ReadFile(table("ego_pose"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		content string
		want    string
	}{
		{string(pose[:len(pose)/2]), "the end of the text"},
		{strings.Replace(string(pose), "[\n   0,", "[\n   NaN,", 1), "number 0 is NaN, want a finite one"},
		{strings.Replace(string(pose), `"timestamp":`, `"timestamp": 1, "timestamp":`, 1), "occurs twice"},
		{string(pose) + "x", "after the value"},
		{"{}", "want an array"},
		{"[1]", "want an object"},
		{"", "end of the text"},
	}
	for _, test := range tests {
		tinyset.WriteFile(t, table("ego_pose"), []byte(test.content))
		_, err := nuscenes.Open(dir, tinyset.Version)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "ego_pose.json") {
			t.Errorf("%.40q: error %v, want %q", test.content, err, test.want)
		}
	}
	tinyset.WriteFile(t, table("ego_pose"), pose)
	for _, name := range []string{
		"category", "attribute", "visibility", "instance", "sensor", "calibrated_sensor", "log", "scene",
		"sample", "ego_pose", "sample_data", "sample_annotation",
	} {
		content, err := os.ReadFile(table(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(table(name)); err != nil {
			t.Fatal(err)
		}
		if _, err := nuscenes.Open(dir, tinyset.Version); err == nil || !strings.Contains(err.Error(), name+".json: no such file") {
			t.Errorf("without %s: error %v", name, err)
		}
		tinyset.WriteFile(t, table(name), content)
	}
	if _, err := nuscenes.Open(dir, "v1.0-maxi"); err == nil || !strings.Contains(err.Error(), dir+" has v1.0-mini") {
		t.Errorf("unknown version: %v", err)
	}
	if _, err := nuscenes.Open(filepath.Join(dir, "gone"), "v1.0-mini"); err == nil || !strings.Contains(err.Error(), "no folder beside it") {
		t.Errorf("unknown folder: %v", err)
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
