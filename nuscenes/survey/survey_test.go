package survey_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
	"github.com/solofusion/solofusion/nuscenes/survey"
)

func survey1(t *testing.T, dir string) (text string, useless error) {
	t.Helper()
	s, err := survey.Of(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String(), s.Useless()
}

func TestSurveyOfASoundDataSet(t *testing.T) {
	tables := tinyset.New()
	dir := tables.Write(t)
	tables.WriteImages(t, dir)
	tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, "splits.json"), []byte(`{"mine": ["scene-0103", "gone"]}`))
	got, err := survey1(t, dir)
	want := `data set  v1.0-mini of DIR
tables    scene 2, sample 5, sample_data 18, ego_pose 18
          sensor 3, calibrated_sensor 3, log 1
          sample_annotation 14, instance 5, category 4, attribute 2, visibility 1
scenes    2 with 5 samples, 2 to 3 each
rate      a key frame every 0.5 s
rig 1     in 5 samples, first scene-0103-sample-0
          CAM_BACK 16 x 12, CAM_FRONT 16 x 12
          beside them LIDAR_TOP
images    all 10 of key frames are there
ego poses cameras have their own in every sample
splits    mine: 3 samples; 1 of its scenes are absent, first gone
          mini_val: 5 samples

findings  none

replay    detects in all 5 samples
trace     as replay
eval      grades all 5 samples
`
	if got := strings.ReplaceAll(got, dir, "DIR"); got != want || err != nil {
		t.Errorf("got:\n%s\nwant:\n%s\n%v", got, want, err)
	}
}

// TestSurveyTellsAllFaultsAtOnce goes on after each.
func TestSurveyTellsAllFaultsAtOnce(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample", "scene-0103-sample-2")["timestamp"] = 1_000_000_003_000_000
	tables.Row("sample_data", "scene-0103-key-lidar-2")["timestamp"] = 1_000_000_003_000_000
	tables.Row("sample_data", "scene-0103-key-front-1")["ego_pose_token"] = "gone"
	tables.Row("sample_data", "scene-0103-key-front-2")["ego_pose_token"] = "gone"
	tables.Row("calibrated_sensor", "back-1")["camera_intrinsic"] = nil
	tables.Row("sample_annotation", "scene-0916-car-1")["size"] = []float64{1}
	tables["scene"] = append(tables["scene"], tinyset.Row{"token": "empty", "name": "empty", "log_token": "log-1", "description": ""})
	dir := tables.Write(t)
	tables.WriteImages(t, dir)
	for _, file := range []string{"samples/front/scene-0103-key-front-0.jpg", "v1.0-mini/visibility.json"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(dir, "samples/front/scene-0103-key-front-1.jpg")
	if err := errors.Join(os.Remove(folder), os.Mkdir(folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	got, err := survey1(t, dir)
	for _, want := range []string{
		"1 of 10 of key frames cannot be read, first: nuscenes: " + folder + " is a folder, want a file",
		"absent or broken: visibility",
		"2 with 5 samples, 2 to 3 each", "1 more are empty",
		"1 gaps of more than 1.5 times that, the longest of 2.5 s before scene-0103-sample-2 of scene-0103",
		"images    1 of 10 of key frames are absent, first " + filepath.Join(dir, "samples/front/scene-0103-key-front-0.jpg"),
		"sample_data.ego_pose_token: 2 dangling, first row",
		"calibrated_sensor.camera_intrinsic: 1 null, row 1 (token \"back-1\")",
		"replay    cannot use it",
		"5 samples: nuscenes: " + filepath.Join(dir, "v1.0-mini", "calibrated_sensor.json") + ": row 1 (token \"back-1\"): field camera_intrinsic",
		"eval      stops at 1 of 5 samples; choose scenes without them",
		"field size: has 1 numbers, want 3",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if err != nil || t.Failed() {
		t.Errorf("%v, got:\n%s", err, got)
	}
}

func TestUselessDataSet(t *testing.T) {
	dir := tinyset.New().Write(t)
	for _, table := range []string{"ego_pose", "category"} {
		tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, table+".json"), []byte("[{"))
	}
	got, err := survey1(t, dir)
	if err == nil || !strings.Contains(err.Error(), "no command can use v1.0-mini") {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{"tables are absent or broken: ego_pose", "tables are absent or broken: ego_pose, category", "ego_pose: 1 unusable"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}

// TestSurveyOfEveryDamage breaks every field of every table, in all rows and in one. A
// command that cannot work says which table is to blame, and nothing is lost in silence.
func TestSurveyOfEveryDamage(t *testing.T) {
	values := map[string]any{"null": nil, "number": 7, "string": "gone", "list": []any{[]any{}}, "object": tinyset.Row{}, "truth": true}
	for table, rows := range tinyset.New() {
		for field := range rows[0] {
			for kind, value := range values {
				for _, every := range []bool{true, false} {
					tables := tinyset.New()
					for i, row := range tables[table] {
						if every || i == len(rows)/2 {
							row[field] = value
						}
					}
					s, err := survey.Of(tables.Write(t), tinyset.Version)
					if err != nil {
						t.Fatalf("%s.%s: %s: %v", table, field, kind, err)
					}
					stops := s.Detect.Unusable+s.Grade.Unusable > 0 || len(s.Detect.Why)+len(s.Grade.Why) > 0
					if stops && len(s.Dataset.Findings) == 0 && field != "is_key_frame" && field != "name" && field != "modality" {
						t.Errorf("%s.%s: %s: stops without a finding: %+v, %+v", table, field, kind, s.Detect, s.Grade)
					}
				}
			}
		}
	}
}

// TestSurveySaysWhatConvertersDo: times in another unit, categories of other names,
// files that are marked as not valid, a fault in each scene.
func TestSurveySaysWhatConvertersDo(t *testing.T) {
	tables := tinyset.New()
	for _, table := range []string{"sample", "sample_data"} {
		for _, row := range tables[table] {
			row["timestamp"] = (row["timestamp"].(float64) - 1e15) / 5e4
		}
	}
	tables.Row("category", "car")["name"] = "Car"
	tables.Row("category", "adult")["name"] = "Pedestrian"
	tables.Row("category", "bicycle")["name"] = "Cyclist"
	dir := tables.Write(t)
	tables.WriteImages(t, dir)
	got, err := survey1(t, dir)
	for _, want := range []string{
		"too close for cameras in 2 scenes: want times in microseconds",
		"eval      cannot use it\n          there are no boxes of the detection classes, but of Car, Cyclist, Pedestrian, static_object.bicycle_rack; want names such as vehicle.car\n",
	} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%q is not in (%v):\n%s", want, err, got)
		}
	}

	tables = tinyset.New()
	tables.Row("sample_annotation", "scene-0103-car-1")["next"] = "none"
	tables.Row("sample_data", "scene-0103-key-back-0")["is_valid"] = false
	dir = tables.Write(t)
	tables.WriteImages(t, dir)
	got, _ = survey1(t, dir)
	for _, want := range []string{"images    1 of 10 of key frames are absent", "eval      stops at 1 of 5 samples; choose scenes without them\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	tables.Row("sample_annotation", "scene-0916-car-1")["next"] = "none"
	if got, _ = survey1(t, tables.Write(t)); !strings.Contains(got, "eval      cannot use it\n          2 samples: ") {
		t.Errorf("a fault in each scene:\n%s", got)
	}
}
