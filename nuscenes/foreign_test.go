package nuscenes_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// TestFieldsOfOtherFormats: what T4 adds to nuScenes' fields counts, if it is there.
func TestFieldsOfOtherFormats(t *testing.T) {
	tables := tinyset.New()
	tables.Row("calibrated_sensor", "lidar-1")["camera_distortion"] = nil
	tables.Row("calibrated_sensor", "back-1")["camera_distortion"] = []float64{0, 0, 0, 0, 0}
	tables.Row("calibrated_sensor", "front-1")["camera_distortion"] = []float64{0, -0.3, 0}
	for i, row := range tables["sample_data"] {
		row["is_valid"] = i != 1
	}
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range ds.Findings {
		got = append(got, f.Name()+": "+f.String())
	}
	want := []string{
		`calibrated_sensor.camera_distortion: 1 unusable, row 2 (token "front-1"): number 1 is -0.3, but images are taken as they are; want them rectified, and 0`,
		`sample_data.is_valid: 1 unusable, row 1 (token "scene-0103-key-back-0"): is false, so that the file counts as absent`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("findings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, sample := range ds.Samples {
		for _, data := range sample.KeyFrames() {
			if data.Invalid != (data.Token == "scene-0103-key-back-0") {
				t.Errorf("%s: invalid is %v", data.Token, data.Invalid)
			}
		}
	}
}

// TestBackslashes separate folders, unless a file has them in its name; they do not
// lead out of the data set.
func TestBackslashes(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample_data", "scene-0103-key-back-0")["filename"] = `samples\CAM_BACK\0.jpg`
	tables.Row("sample_data", "scene-0103-key-front-0")["filename"] = `odd\name.jpg`
	dir := tables.Write(t)
	tinyset.WriteFile(t, filepath.Join(dir, "samples", "CAM_BACK", "0.jpg"), nil)
	tinyset.WriteFile(t, filepath.Join(dir, `odd\name.jpg`), nil)
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"CAM_BACK": "samples/CAM_BACK/0.jpg", "CAM_FRONT": `odd\name.jpg`}
	for _, data := range ds.Samples[0].Cameras() {
		if got := ds.Path(data); got != filepath.Join(dir, want[data.Channel()]) {
			t.Errorf("%s: %s", data.Channel(), got)
		}
	}

	tables.Row("sample_data", "scene-0103-key-back-0")["filename"] = `..\..\secret.jpg`
	if ds, err = nuscenes.Open(tables.Write(t), tinyset.Version); err != nil {
		t.Fatal(err)
	}
	if _, err := ds.Rig(ds.Samples[0], nil); err == nil || !strings.Contains(err.Error(), "leads out of the data set's folder") {
		t.Errorf("error %v, want one about a path out of the folder", err)
	}
}
