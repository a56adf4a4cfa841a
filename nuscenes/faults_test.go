package nuscenes_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// damage changes tables.
type damage func(tinyset.Tables)

func set(table, token, field string, value any) damage {
	return func(tables tinyset.Tables) { tables.Row(table, token)[field] = value }
}

func lack(table, token, field string) damage {
	return func(tables tinyset.Tables) { delete(tables.Row(table, token), field) }
}

func everywhere(table, field string, value any) damage {
	return func(tables tinyset.Tables) {
		for _, row := range tables[table] {
			row[field] = value
		}
	}
}

// detection returns the first error that detection in all samples meets.
func detection(ds *nuscenes.Dataset) error {
	for _, s := range ds.Samples {
		if _, err := ds.Rig(s, nil); err != nil {
			return err
		}
	}
	return nil
}

// grading returns the first error that grading all samples meets.
func grading(ds *nuscenes.Dataset) error {
	for _, s := range ds.Samples {
		if err := s.CheckTruth(); err != nil {
			return err
		}
	}
	return nil
}

// TestFaultsMatterWhereTheFieldIsUsed breaks a field, and says which finding that is,
// and whether detection and grading can do without the field.
func TestFaultsMatterWhereTheFieldIsUsed(t *testing.T) {
	const sample, key, lidar, car = "scene-0103-sample-1", "scene-0103-key-front-1", "scene-0103-key-lidar-1", "scene-0103-car-1"
	const (
		neither = iota
		detects
		grades
		both
	)
	tests := []struct {
		name    string
		broken  damage
		works   int
		finding string // name and what it says
	}{
		{"time", set("sample", sample, "timestamp", "noon"), detects, `sample.timestamp: 1 unusable, row 1 (token "scene-0103-sample-1"): found '"', want a number`},
		{"negative time", set("sample", sample, "timestamp", -5), both, ""},
		{"sample without token", lack("sample", sample, "token"), neither, "sample.token: 1 absent, row 1"},
		{"dangling scene", set("sample", sample, "scene_token", "gone"), both, `sample.scene_token: 1 dangling`},
		{"dangling next", set("sample", sample, "next", "gone"), both, `sample.next: 1 dangling`},
		{"null next", set("sample", "scene-0103-sample-2", "next", nil), both, `sample.next: 1 null, row 2 (token "scene-0103-sample-2")`},
		{"no links", everywhere("sample", "next", nil), both, `scene.first_sample_token: 2 replaced, first row 0 (token "token-scene-0103"): following next from it does not lead to the scene's 3 samples once each: they are ordered by time`},
		{"circle", set("sample", "scene-0103-sample-2", "next", "scene-0103-sample-0"), both, "scene.last_sample_token: 1 replaced"},
		{"first sample gone", set("scene", "token-scene-0916", "first_sample_token", "gone"), both, "scene.first_sample_token: 1 replaced, row 1"},
		{"last sample wrong", set("scene", "token-scene-0916", "last_sample_token", "gone"), both, "scene.last_sample_token: 1 replaced, row 1"},
		{"number of samples", set("scene", "token-scene-0916", "nbr_samples", 7), both, "scene.nbr_samples: 1 replaced, row 1 (token \"token-scene-0916\"): is 7, but 2 samples are of the scene"},
		{"dangling log", set("scene", "token-scene-0916", "log_token", "gone"), both, "scene.log_token: 1 dangling"},
		{"log of numbers", set("log", "log-1", "vehicle", 7), both, "log.vehicle: 1 unusable"},
		{"dangling pose", set("sample_data", key, "ego_pose_token", "gone"), grades, `sample_data.ego_pose_token: 1 dangling`},
		{"dangling pose of the lidar", set("sample_data", lidar, "ego_pose_token", "gone"), neither, `sample_data.ego_pose_token: 1 dangling`},
		{"time of an image", set("sample_data", key, "timestamp", nil), grades, `sample_data.timestamp: 1 null`},
		{"dangling neighbour of a measurement", set("sample_data", key, "prev", "gone"), both, "sample_data.prev: 1 dangling"},
		{"prev leads forward", set("sample_data", key, "prev", key), both, "which is not an earlier measurement"},
		{"two key frames", set("sample_data", "scene-0103-sweep-front-0", "is_key_frame", true), both, "sample_data.is_key_frame: 1 repeated"},
		{"number for a truth value", set("sample_data", key, "is_key_frame", 1), both, ""},
		{"list for a truth value", set("sample_data", key, "is_key_frame", []int{}), both, "sample_data.is_key_frame: 1 unusable"},
		{"negative width", set("sample_data", key, "width", -1), grades, "sample_data.width: 1 unusable"},
		{"size of a lidar", set("sample_data", lidar, "width", nil), both, "sample_data.width: 1 null"},
		{"path outside", set("sample_data", key, "filename", "../../etc/passwd"), grades, "leads out of the data set"},
		{"name of a lidar's file", set("sample_data", lidar, "filename", "/data/1.bin"), both, "leads out of the data set"},
		{"unknown sensor of a measurement", set("sample_data", key, "calibrated_sensor_token", "gone"), grades, "sample_data.calibrated_sensor_token: 1 dangling"},
		{"measurement of no sample", set("sample_data", key, "sample_token", ""), both, "sample_data.sample_token: 1 dangling"},
		{"short quaternion", set("ego_pose", "pose-"+key, "rotation", []float64{1, 0, 0}), grades, "ego_pose.rotation: 1 unusable, row 6 (token \"pose-scene-0103-key-front-1\"): has 3 numbers, want 4"},
		{"rotation at the lidar's time", set("ego_pose", "pose-"+lidar, "rotation", []float64{0, 0, 0, 0}), grades, "is zero"},
		{"place at the lidar's time", set("ego_pose", "pose-"+lidar, "translation", nil), neither, "ego_pose.translation: 1 null"},
		{"time of a pose", lack("ego_pose", "pose-"+lidar, "timestamp"), both, "ego_pose.timestamp: 1 absent"},
		{"two rows of intrinsics", set("calibrated_sensor", "front-1", "camera_intrinsic", [][]float64{{1, 0, 0}, {0, 1, 0}}), grades, "has 2 rows, want 3 x 3 numbers"},
		{"four rows of intrinsics", set("calibrated_sensor", "front-1", "camera_intrinsic", [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 0}}), grades, "more than 3 rows"},
		{"camera without intrinsics", set("calibrated_sensor", "front-1", "camera_intrinsic", []float64{}), grades, "want 3 x 3 numbers for the camera CAM_FRONT"},
		{"intrinsics of a lidar", set("calibrated_sensor", "lidar-1", "camera_intrinsic", nil), both, "calibrated_sensor.camera_intrinsic: 1 null"},
		{"place of a lidar", set("calibrated_sensor", "lidar-1", "translation", nil), grades, "calibrated_sensor.translation: 1 null"},
		{"dangling sensor", set("calibrated_sensor", "front-1", "sensor_token", "gone"), grades, "calibrated_sensor.sensor_token: 1 dangling"},
		{"no modality", everywhere("sensor", "modality", nil), both, "sensor.modality: 3 null, first row 0"},
		{"no name of a camera", set("sensor", "front", "channel", nil), grades, "sensor.channel: 1 null"},
		{"dangling category", set("instance", "scene-0103-car", "category_token", "gone"), detects, "instance.category_token: 1 dangling"},
		{"category without name", set("category", "adult", "name", nil), both, "category.name: 1 null"},
		{"dangling instance", set("sample_annotation", car, "instance_token", "gone"), detects, "sample_annotation.instance_token: 1 dangling"},
		{"dangling attribute", set("sample_annotation", car, "attribute_tokens", []string{"gone"}), detects, `"gone" is no token of attribute.json`},
		{"attribute without name", set("attribute", "moving", "name", nil), detects, "attribute.name: 1 null"},
		{"dangling visibility", set("sample_annotation", car, "visibility_token", "9"), both, `sample_annotation.visibility_token: 1 dangling`},
		{"numbers for tokens", func(tables tinyset.Tables) {
			tables.Row("visibility", "4")["token"] = 4
			everywhere("sample_annotation", "visibility_token", 4)(tables)
		}, both, ""},
		{"short size", set("sample_annotation", car, "size", []float64{1, 2}), detects, "has 2 numbers, want 3"},
		{"points not counted", set("sample_annotation", car, "num_lidar_pts", -1), both, ""},
		{"points", set("sample_annotation", car, "num_lidar_pts", nil), detects, "sample_annotation.num_lidar_pts: 1 null"},
		{"dangling annotation", set("sample_annotation", car, "prev", "gone"), detects, "sample_annotation.prev: 1 dangling"},
		{"annotation of no sample", set("sample_annotation", "scene-0103-car-2", "sample_token", "gone"), detects, "sample_annotation.sample_token: 1 dangling"},
		{"rotation of a rack", set("sample_annotation", "scene-0103-rack-scene-0103-sample-0", "rotation", nil), detects, "sample_annotation.rotation: 1 null"},
		{"points of a rack", set("sample_annotation", "scene-0103-rack-scene-0103-sample-0", "num_radar_pts", nil), both, "sample_annotation.num_radar_pts: 1 null"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tables := tinyset.New()
			test.broken(tables)
			ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
			if err != nil {
				t.Fatal(err)
			}
			for use, err := range map[int]error{detects: detection(ds), grades: grading(ds)} {
				if works := test.works&use != 0; works != (err == nil) {
					t.Errorf("use %d: %v", use, err)
				}
				var table *nuscenes.TableError
				if err != nil && !errors.As(err, &table) {
					t.Errorf("%v is no *TableError", err)
				}
			}
			var all []string
			for _, f := range ds.Findings {
				all = append(all, f.Name()+": "+f.String())
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, test.finding) || test.finding == "" && text != "" {
				t.Errorf("findings:\n%s\nlack %s", text, test.finding)
			}
		})
	}
}

// TestTimesOfAnyKind reads times as other programs write them; a fraction counts for
// velocities as it does in Python.
func TestTimesOfAnyKind(t *testing.T) {
	tables := tinyset.New()
	for i, row := range tables["sample"][:3] {
		row["timestamp"] = []any{1557858039302414.8, 1557858039802414.2, 1.5578580403024e15}[i]
	}
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil || len(ds.Findings) > 0 {
		t.Fatal(err, ds.Findings)
	}
	first, last := ds.Samples[0], ds.Samples[2]
	if first.Timestamp != 1557858039302415 || last.Timestamp != 1557858040302400 {
		t.Errorf("times %d and %d", first.Timestamp, last.Timestamp)
	}
	a, b := 1557858039302414.8, 1557858039802414.2
	seconds := float64(1e-6*b) - float64(1e-6*a)
	if got, want := first.Annotations[0].Velocity()[0], 1/seconds; got != want {
		t.Errorf("velocity %v, want %v", got, want)
	}
}

func TestScenesWithoutUsableLinksAreOrderedByTime(t *testing.T) {
	tables := tinyset.New()
	everywhere("sample", "next", "")(tables)
	slices.Reverse(tables["sample"])
	tables["scene"] = append(tables["scene"], tinyset.Row{"token": "empty", "name": "empty", "log_token": "log-1", "description": "", "first_sample_token": "", "last_sample_token": ""})
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	samples := ds.Scene("scene-0103").Samples
	if len(samples) != 3 || samples[0].Token != "scene-0103-sample-0" || samples[1].Next != samples[2] || samples[1].Prev != samples[0] || samples[2].Next != nil {
		t.Errorf("samples %v", samples)
	}
	if empty := ds.Scene("empty"); empty == nil || len(empty.Samples) != 0 || len(ds.Scenes) != 3 {
		t.Error("the empty scene is lost")
	}
}

// TestRepeatedRows counts the last row with a token, in the place of the first.
func TestRepeatedRows(t *testing.T) {
	tables := tinyset.New()
	again := func(table, token string, change func(tinyset.Row)) {
		row := tinyset.Row{}
		for k, v := range tables.Row(table, token) {
			row[k] = v
		}
		change(row)
		tables[table] = append(tables[table], row)
	}
	again("category", "car", func(tinyset.Row) {})
	again("sample_annotation", "scene-0103-car-1", func(r tinyset.Row) { r["size"] = []float64{1, 2, 3} })
	again("sample", "scene-0103-sample-0", func(tinyset.Row) {})
	again("sample_data", "scene-0103-key-front-1", func(tinyset.Row) {})
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	sample := ds.Scene("scene-0103").Samples[1]
	sizes := map[geom.Vec3]int{}
	for _, a := range sample.Annotations {
		sizes[a.Size]++
	}
	if len(sample.Annotations) != 5 || sizes[geom.Vec3{1, 2, 3}] != 2 {
		t.Errorf("sizes %v, want the last row in both places", sizes)
	}
	if n := len(ds.Scene("scene-0103").Samples[0].Annotations); len(ds.Samples) != 5 || n != 8 {
		t.Errorf("%d samples, the repeated one with %d annotations", len(ds.Samples), n)
	}
	if len(sample.Cameras()) != 2 {
		t.Errorf("cameras %v", sample.Cameras())
	}
	for _, f := range ds.Findings {
		if f.Kind != nuscenes.Repeated || f.Count != 1 {
			t.Errorf("finding %s: %v", f.Name(), f)
		}
	}
	if len(ds.Findings) != 4 {
		t.Errorf("%d findings", len(ds.Findings))
	}
}

// TestOpenTruthWithoutTheLidar takes the pose of the key frame that detection takes.
func TestOpenTruthWithoutTheLidar(t *testing.T) {
	tables := tinyset.New()
	set("sample_data", "scene-0103-key-lidar-1", "is_key_frame", false)(tables)
	dir := tables.Write(t)
	whole, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	ds, split, err := nuscenes.OpenTruth(dir, tinyset.Version, nuscenes.Part{Split: "all"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range split.Samples {
		if got, want := s.KeyPose().Token, whole.Sample(s.Token).KeyPose().Token; got != want {
			t.Errorf("%s: pose %s, want %s", s.Token, got, want)
		}
		if err := s.CheckTruth(); err != nil {
			t.Error(err)
		}
	}
	if len(ds.Findings) != 1 || !strings.Contains(ds.Findings[0].String(), `1 replaced, token "scene-0103-sample-1": graded without LIDAR_TOP, by the vehicle's pose at the key frame nearest in time, of CAM_BACK`) {
		t.Errorf("findings %v", ds.Findings)
	}
	set("sample_data", "scene-0103-key-back-1", "timestamp", nil)(tables)
	ds, _, err = nuscenes.OpenTruth(tables.Write(t), tinyset.Version, nuscenes.Part{Split: "all"})
	if err := errors.Join(err, grading(ds)); err == nil || !strings.Contains(err.Error(), "field timestamp") {
		t.Errorf("the nearest cannot be told: %v", err)
	}
	set("sample_data", "scene-0103-key-back-1", "calibrated_sensor_token", "gone")(tables)
	ds, _, err = nuscenes.OpenTruth(tables.Write(t), tinyset.Version, nuscenes.Part{Split: "all"})
	if err := errors.Join(err, grading(ds)); err == nil || !strings.Contains(err.Error(), "field calibrated_sensor_token") {
		t.Errorf("the sensor may be the lidar: %v", err)
	}
}

func TestUnknownAttributesAreFound(t *testing.T) {
	tables := tinyset.New()
	set("attribute", "moving", "name", "vehicle_state.driving")(tables)
	ds, _, err := nuscenes.OpenTruth(tables.Write(t), tinyset.Version, nuscenes.Part{Split: "all"})
	if err != nil || len(ds.Findings) != 1 || ds.Findings[0].Count != 5 || !strings.Contains(ds.Findings[0].String(), "vehicle_state.driving, which is none of the metric's") {
		t.Errorf("%v, findings %v", err, ds.Findings)
	}
}

func TestBrokenFilesGetOneClearError(t *testing.T) {
	dir := tinyset.New().Write(t)
	table := func(name string) string { return filepath.Join(dir, tinyset.Version, name+".json") }
	pose, err := os.ReadFile(table("ego_pose"))
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		string(pose[:len(pose)/2]): "the end of the text",
		string(pose) + "x":         "after the value",
		"{}":                       "want an array",
		"[1]":                      "want an object",
		"":                         "is an empty file",
		"version https://git-lfs.github.com/spec/v1\noid sha256:1\n": "is a Git LFS pointer, want the table itself",
	} {
		tinyset.WriteFile(t, table("ego_pose"), []byte(content))
		_, err := nuscenes.Open(dir, tinyset.Version)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ego_pose.json") {
			t.Errorf("%.40q: error %v, want %q", content, err, want)
		}
		if ds, err := nuscenes.Survey(dir, tinyset.Version); err != nil || ds.Findings[0].Name() != "ego_pose" || !strings.Contains(ds.Findings[0].String(), want) {
			t.Errorf("%.40q: survey %v", content, err)
		}
	}
	for content, want := range map[string]string{
		strings.Replace(string(pose), "[\n   0,", "[\n   NaN,", 1):                       "number 0 is NaN, want a finite one",
		strings.Replace(string(pose), `"timestamp":`, `"timestamp": 1, "timestamp":`, 1): "1 repeated, row 0 (token \"pose-scene-0103-key-lidar-0\"): occurs twice",
		"\ufeff" + string(pose): "begins with a byte-order mark",
	} {
		tinyset.WriteFile(t, table("ego_pose"), []byte(content))
		if ds, err := nuscenes.Open(dir, tinyset.Version); err != nil || !strings.Contains(ds.Findings[0].String(), want) {
			t.Errorf("%.40q: error %v, want the finding %q", content, err, want)
		}
	}
}

// TestAbsentTables lists all that are needed, and does without the others.
func TestAbsentTables(t *testing.T) {
	dir := tinyset.New().Write(t)
	remove := func(names ...string) {
		for _, name := range names {
			if err := os.Remove(filepath.Join(dir, tinyset.Version, name+".json")); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove("log", "map", "visibility", "attribute", "category", "instance", "sample_annotation")
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil || detection(ds) != nil || len(ds.Findings) != 7 {
		t.Errorf("%v, findings %v", err, ds.Findings)
	}
	rig, err := ds.Rig(ds.Samples[0], nil)
	if err != nil || rig.Name != tinyset.Version {
		t.Errorf("rig %v, %v", rig, err)
	}
	_, _, err = nuscenes.OpenTruth(dir, tinyset.Version, nuscenes.Part{Split: "all"})
	if err == nil || !strings.Contains(err.Error(), "lacks tables that grading needs: category.json, instance.json, sample_annotation.json") {
		t.Errorf("grading: %v", err)
	}
	remove("sensor", "ego_pose")
	_, err = nuscenes.Open(dir, tinyset.Version)
	if err == nil || !strings.Contains(err.Error(), "lacks tables that detection needs: sensor.json, ego_pose.json: no such file") {
		t.Errorf("detection: %v", err)
	}
}

func TestWrongFoldersAreRecognised(t *testing.T) {
	dir := tinyset.New().Write(t)
	var text bytes.Buffer
	w := zip.NewWriter(&text)
	if _, err := w.Create("sample.json"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	packed := filepath.Join(t.TempDir(), "v1.0-mini.zip")
	tinyset.WriteFile(t, packed, text.Bytes())
	for _, test := range []struct{ dir, version, want string }{
		{dir, "v1.0-maxi", dir + " has v1.0-mini"},
		{filepath.Join(dir, "gone"), "v1.0-mini", "no folder beside it"},
		{filepath.Join(dir, "v1.0-mini"), "v1.0-mini", "is the folder of the tables themselves: give the one above it, " + dir + ", and the version v1.0-mini"},
		{packed, "v1.0-mini", "is a zip archive, want the data set's folder, unpacked"},
		{filepath.Dir(dir), "v1.0-mini", "(" + dir + " is a data set)"},
	} {
		if _, err := nuscenes.Open(test.dir, test.version); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.dir, err, test.want)
		}
	}
	parent := filepath.Dir(dir)
	if _, err := nuscenes.OnlyVersion(parent); err == nil || !strings.Contains(err.Error(), "("+dir+" is a data set)") {
		t.Errorf("the folder above: %v", err)
	}
	other := filepath.Join(parent, "other")
	tinyset.WriteFile(t, filepath.Join(other, "v1.0", "sample.json"), []byte("[]"))
	if _, err := nuscenes.OnlyVersion(parent); err == nil || !strings.Contains(err.Error(), "("+dir+", "+other+" are data sets: give one)") {
		t.Errorf("the folder above two: %v", err)
	}
}
