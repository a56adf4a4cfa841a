package nuscenes_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// small is a set of one sample, with rows that leave out what may be left out.
func small() []nuscenes.Row {
	return []nuscenes.Row{
		nuscenes.SensorRow{Token: "camera", Channel: "CAM_FRONT", Modality: "camera"},
		nuscenes.SensorRow{Token: "lidar", Channel: nuscenes.LidarTop, Modality: "lidar"},
		nuscenes.CalibrationRow{
			Token: "camera-1", SensorToken: "camera", Rotation: [4]float64{0.5, -0.5, 0.5, -0.5},
			Intrinsics: [][3]float64{{1200, 0, 800}, {0, 1201, 450}, {0, 0, 1}},
		},
		nuscenes.CalibrationRow{Token: "lidar-1", SensorToken: "lidar", Rotation: [4]float64{1}},
		nuscenes.CategoryRow{Token: "car", Name: "vehicle.car"},
		nuscenes.InstanceRow{Token: "object", CategoryToken: "car", Annotations: 1, FirstAnnotationToken: "box", LastAnnotationToken: "box"},
		nuscenes.LogRow{Token: "log"},
		nuscenes.SceneRow{Token: "scene", LogToken: "log", Samples: 1, FirstSampleToken: "sample", LastSampleToken: "sample", Name: "scene-0001"},
		nuscenes.SampleRow{Token: "sample", Timestamp: 7, SceneToken: "scene"},
		nuscenes.EgoPoseRow{Token: "pose", Timestamp: 7, Rotation: [4]float64{1}, Translation: geom.Vec3{1, 2.5, -1e-7}},
		nuscenes.SampleDataRow{
			Token: "image", SampleToken: "sample", EgoPoseToken: "pose", CalibrationToken: "camera-1", Timestamp: 7,
			Format: "jpg", KeyFrame: true, Width: 1600, Height: 900, Filename: `samples/"front".jpg`,
		},
		nuscenes.AnnotationRow{
			Token: "box", SampleToken: "sample", InstanceToken: "object", Size: geom.Vec3{1, 2, 3}, Rotation: [4]float64{1}, LidarPoints: 4,
		},
	}
}

func TestWrittenTablesOpen(t *testing.T) {
	dir := t.TempDir()
	w, err := nuscenes.Create(dir, "v1.0-own")
	if err != nil {
		t.Fatal(err)
	}
	w.Add(small()...)
	w.Splits(map[string][]string{"mine": {"scene-0001"}})
	if _, err := nuscenes.Open(dir, "v1.0-own"); err == nil {
		t.Error("tables are read before they are complete")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ds, err := nuscenes.Open(dir, "v1.0-own")
	if err != nil {
		t.Fatal(err)
	}
	split, err := ds.Split("mine")
	if err != nil || len(split.Samples) != 1 {
		t.Fatalf("split of %d samples, %v", len(split.Samples), err)
	}
	image, box := split.Samples[0].Key("CAM_FRONT"), split.Samples[0].Annotations[0]
	if image.Filename != `samples/"front".jpg` || *image.Calibration.Intrinsics != (geom.Mat3{1200, 0, 800, 0, 1201, 450, 0, 0, 1}) ||
		image.EgoPose.GlobalFromEgo.Translation != (geom.Vec3{1, 2.5, -1e-7}) {
		t.Errorf("image %+v of %+v at %+v", image, image.Calibration, image.EgoPose)
	}
	if box.Size != (geom.Vec3{1, 2, 3}) || box.LidarPoints != 4 || len(box.Attributes) != 0 || box.Instance.Category.Name != "vehicle.car" {
		t.Errorf("box %+v", box)
	}
}

func TestWrittenTableIsOneFieldALine(t *testing.T) {
	dir := t.TempDir()
	w, err := nuscenes.Create(dir, "v")
	if err != nil {
		t.Fatal(err)
	}
	w.Add(nuscenes.AttributeRow{Token: "a", Name: "b"}, nuscenes.MapRow{Category: "c", LogTokens: []string{"l"}}, nuscenes.AttributeRow{Token: "d"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"attribute": "[\n {\n  \"token\": \"a\",\n  \"name\": \"b\",\n  \"description\": \"\"\n },\n {\n  \"token\": \"d\",\n  \"name\": \"\",\n  \"description\": \"\"\n }\n]\n",
		"map":       "[\n {\n  \"category\": \"c\",\n  \"token\": \"\",\n  \"filename\": \"\",\n  \"log_tokens\": [\n   \"l\"\n  ]\n }\n]\n",
		"scene":     "[]\n",
	} {
		if got, err := os.ReadFile(filepath.Join(dir, "v", name+".json")); err != nil || string(got) != want {
			t.Errorf("%s: %q, want %q, %v", name, got, want, err)
		}
	}
}

// strayRow is of a table that does not exist.
type strayRow struct{}

func (strayRow) Table() string { return "stray" }

func TestWriterSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		row  nuscenes.Row
		want string
	}{
		{nuscenes.EgoPoseRow{Translation: geom.Vec3{math.NaN()}}, "ego_pose.json: row 1: json: unsupported value: NaN"},
		{strayRow{}, "stray is no table, want one of [attribute "},
	} {
		dir := t.TempDir()
		w, err := nuscenes.Create(dir, "v")
		if err != nil {
			t.Fatal(err)
		}
		w.Add(nuscenes.EgoPoseRow{}, test.row, nuscenes.EgoPoseRow{})
		if err := w.Close(); err == nil || !strings.HasPrefix(err.Error(), "nuscenes: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "v", "ego_pose.json")); err != nil || json.Valid(text) {
			t.Errorf("a table that lacks rows is complete: %s, %v", text, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := nuscenes.Create(file, "v"); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("below a file: error %v", err)
	}
}
