// Package tinyset writes small data sets in nuScenes format for tests.
//
//	tables := tinyset.New()
//	tables["sample"][0]["timestamp"] = "noon" // break something
//	dir := tables.Write(t)
//	ds, err := nuscenes.Open(dir, tinyset.Version)
//
// The set has scene-0103 with three samples and scene-0916 with two, 0.5 s
// apart, of a vehicle that drives along x at 4 m/s with LIDAR_TOP, CAM_BACK and
// CAM_FRONT, and one sweep of CAM_FRONT halfway between samples. In each sample
// a car drives ahead at 2 m/s, and in the first scene a pedestrian without
// attribute stands left of the way and a bicycle in a bicycle rack right of it.
package tinyset

import (
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// Version is the name of the set's version.
const Version = "v1.0-mini"

// Size of the images in pixels.
const Width, Height = 16, 12

// Row is one row of a table by the names of its fields, so that a test can give
// a field a value that it may not have.
type Row map[string]any

// Tables are a set's tables by name.
type Tables map[string][]Row

// New returns the tables of the set.
func New() Tables {
	t := Tables{}
	t.add(
		nuscenes.CategoryRow{Token: "car", Name: "vehicle.car"},
		nuscenes.CategoryRow{Token: "adult", Name: "human.pedestrian.adult"},
		nuscenes.CategoryRow{Token: "bicycle", Name: "vehicle.bicycle"},
		nuscenes.CategoryRow{Token: "rack", Name: nuscenes.BicycleRack},
		nuscenes.AttributeRow{Token: "moving", Name: "vehicle.moving"},
		nuscenes.AttributeRow{Token: "riderless", Name: "cycle.without_rider"},
		nuscenes.VisibilityRow{Token: "4", Level: "v80-100"},
		nuscenes.LogRow{Token: "log-1", File: "drive", Vehicle: "n001", Date: "2018-08-01", Location: "nowhere"},
	)
	t.addSensors()
	t.addScene("scene-0103", 1_000_000_000_000_000, 3)
	t.addScene("scene-0916", 1_000_000_100_000_000, 2)
	t.addStanding("scene-0103", "adult", nil, geom.Vec3{10, 6, 0.9}, geom.Vec3{0.6, 0.7, 1.8})
	t.addStanding("scene-0103", "rack", nil, geom.Vec3{12, -6, 0.5}, geom.Vec3{2, 6, 1.4})
	t.addStanding("scene-0103", "bicycle", []string{"riderless"}, geom.Vec3{12.5, -6.5, 0.5}, geom.Vec3{0.6, 1.7, 1.2})
	return t
}

func (t Tables) addSensors() {
	t.add(
		nuscenes.SensorRow{Token: "lidar", Channel: nuscenes.LidarTop, Modality: "lidar"},
		nuscenes.SensorRow{Token: "back", Channel: "CAM_BACK", Modality: "camera"},
		nuscenes.SensorRow{Token: "front", Channel: "CAM_FRONT", Modality: "camera"},
		nuscenes.CalibrationRow{
			Token: "lidar-1", SensorToken: "lidar",
			Translation: geom.Vec3{1, 0, 1.8}, Rotation: [4]float64{math.Sqrt2 / 2, 0, 0, -math.Sqrt2 / 2},
		},
	)
	t.addCamera("back", [4]float64{0.5, 0.5, 0.5, 0.5})
	t.addCamera("front", [4]float64{0.5, -0.5, 0.5, -0.5})
}

func (t Tables) addCamera(sensor string, rotation [4]float64) {
	t.add(nuscenes.CalibrationRow{
		Token: sensor + "-1", SensorToken: sensor, Translation: geom.Vec3{1.5, 0, 1.5}, Rotation: rotation,
		Intrinsics: [][3]float64{{12, 0, 8}, {0, 12, 6}, {0, 0, 1}},
	})
}

// addScene adds a scene, its samples, measurements, poses, and the car ahead.
func (t Tables) addScene(scene string, start nuscenes.Timestamp, samples int) {
	name := func(kind string, i int) string {
		if i < 0 || i >= samples {
			return ""
		}
		return fmt.Sprintf("%s-%s-%d", scene, kind, i)
	}
	t.add(nuscenes.SceneRow{
		Token: "token-" + scene, LogToken: "log-1", Samples: samples, Name: scene, Description: "tiny",
		FirstSampleToken: name("sample", 0), LastSampleToken: name("sample", samples-1),
	})
	t.add(nuscenes.InstanceRow{
		Token: scene + "-car", CategoryToken: "car", Annotations: samples,
		FirstAnnotationToken: name("car", 0), LastAnnotationToken: name("car", samples-1),
	})
	for i := range samples {
		time := start + 500_000*nuscenes.Timestamp(i)
		t.add(nuscenes.SampleRow{
			Token: name("sample", i), Timestamp: time, SceneToken: "token-" + scene,
			Prev: name("sample", i-1), Next: name("sample", i+1),
		})
		t.measure(name("sample", i), name, "lidar", i, start, time, true)
		t.measure(name("sample", i), name, "back", i, start, time-20_000, true)
		t.measure(name("sample", i), name, "front", i, start, time-40_000, true)
		if i+1 < samples {
			t.measure(name("sample", i+1), name, "front", i, start, time+210_000, false)
		}
		car := annotation(name("car", i), name("sample", i), scene+"-car", geom.Vec3{20 + float64(i), 0, 0.8}, geom.Vec3{1.9, 4.5, 1.6})
		car.AttributeTokens, car.Prev, car.Next = []string{"moving"}, name("car", i-1), name("car", i+1)
		t.add(car)
	}
}

// measure adds a measurement at a time and the vehicle's pose then. Sweeps lie
// between key frame i and the next.
func (t Tables) measure(sample string, name func(string, int) string, sensor string, i int, start, time nuscenes.Timestamp, key bool) {
	kind, token, prev, next := "key-"+sensor, "", name("key-"+sensor, i-1), name("key-"+sensor, i+1)
	folder := "samples"
	switch {
	case !key:
		kind, folder = "sweep-"+sensor, "sweeps"
		prev, next = name("key-"+sensor, i), name("key-"+sensor, i+1)
	case sensor == "front":
		if i > 0 {
			prev = name("sweep-"+sensor, i-1)
		}
		if next != "" {
			next = name("sweep-"+sensor, i)
		}
	}
	token = name(kind, i)
	extension, width, height := "jpg", Width, Height
	if sensor == "lidar" {
		extension, width, height = "pcd.bin", 0, 0
	}
	x := 4e-6 * float64(time-start)
	t.add(nuscenes.EgoPoseRow{Token: "pose-" + token, Timestamp: time, Translation: geom.Vec3{x}, Rotation: [4]float64{1}})
	t.add(nuscenes.SampleDataRow{
		Token: token, SampleToken: sample, EgoPoseToken: "pose-" + token, CalibrationToken: sensor + "-1",
		Timestamp: time, Format: extension, KeyFrame: key, Width: width, Height: height,
		Filename: folder + "/" + sensor + "/" + token + "." + extension, Prev: prev, Next: next,
	})
}

// addStanding adds an object at a place in every sample of a scene.
func (t Tables) addStanding(scene, category string, attributes []string, center, size geom.Vec3) {
	instance := scene + "-" + category
	var rows []nuscenes.AnnotationRow
	for _, sample := range t["sample"] {
		if sample["scene_token"] != "token-"+scene {
			continue
		}
		in := sample["token"].(string)
		row := annotation(instance+"-"+in, in, instance, center, size)
		row.AttributeTokens = attributes
		if n := len(rows); n > 0 {
			row.Prev, rows[n-1].Next = rows[n-1].Token, row.Token
		}
		rows = append(rows, row)
	}
	for _, row := range rows {
		t.add(row)
	}
	t.add(nuscenes.InstanceRow{
		Token: instance, CategoryToken: category, Annotations: len(rows),
		FirstAnnotationToken: rows[0].Token, LastAnnotationToken: rows[len(rows)-1].Token,
	})
}

func annotation(token, sample, instance string, center, size geom.Vec3) nuscenes.AnnotationRow {
	return nuscenes.AnnotationRow{
		Token: token, SampleToken: sample, InstanceToken: instance, VisibilityToken: "4",
		Translation: center, Size: size, Rotation: [4]float64{1}, LidarPoints: 5,
	}
}

// add adds rows as the maps of their JSON.
func (t Tables) add(rows ...nuscenes.Row) {
	for _, row := range rows {
		text, err := json.Marshal(row)
		var fields Row
		if err == nil {
			err = json.Unmarshal(text, &fields)
		}
		if err != nil {
			panic(err) // the rows above are writable
		}
		t[row.Table()] = append(t[row.Table()], fields)
	}
}

// Row returns the row of a table that has the token.
func (t Tables) Row(table, token string) Row {
	for _, row := range t[table] {
		if row["token"] == token {
			return row
		}
	}
	panic("tinyset: no row " + token + " in " + table)
}

// Write writes the tables into a new folder and returns it.
func (t Tables) Write(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	w, err := nuscenes.Create(dir, Version)
	if err != nil {
		tb.Fatal(err)
	}
	for name, rows := range t {
		for _, row := range rows {
			w.Add(anyRow{name, row})
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// anyRow is a table's row, whatever a test has made of it.
type anyRow struct {
	table string
	row   Row
}

func (r anyRow) Table() string                { return r.table }
func (r anyRow) MarshalJSON() ([]byte, error) { return json.Marshal(r.row) }

// WriteImages writes an image for every measurement of a camera.
func (t Tables) WriteImages(tb testing.TB, dir string) {
	tb.Helper()
	for _, data := range t["sample_data"] {
		if data["fileformat"] != "jpg" {
			continue
		}
		file := filepath.Join(dir, filepath.FromSlash(data["filename"].(string)))
		WriteFile(tb, file, nil)
		f, err := os.Create(file)
		if err != nil {
			tb.Fatal(err)
		}
		if err := jpeg.Encode(f, image.NewGray(image.Rect(0, 0, Width, Height)), nil); err != nil {
			tb.Fatal(err)
		}
		if err := f.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}

// WriteFile writes a file and the folders above it.
func WriteFile(tb testing.TB, file string, content []byte) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		tb.Fatal(err)
	}
}
