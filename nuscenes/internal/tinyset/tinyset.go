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
	"os"
	"path/filepath"
	"testing"
)

// Version is the name of the set's version.
const Version = "v1.0-mini"

// Size of the images in pixels.
const Width, Height = 16, 12

// Row is one row of a table.
type Row map[string]any

// Tables are a set's tables by name.
type Tables map[string][]Row

// New returns the tables of the set.
func New() Tables {
	t := Tables{
		"attribute": {{"token": "moving", "name": "vehicle.moving"}, {"token": "riderless", "name": "cycle.without_rider"}},
		"category": {
			{"token": "car", "name": "vehicle.car"}, {"token": "adult", "name": "human.pedestrian.adult"},
			{"token": "bicycle", "name": "vehicle.bicycle"}, {"token": "rack", "name": "static_object.bicycle_rack"},
		},
		"visibility": {{"token": "4", "level": "v80-100"}},
		"sensor": {
			{"token": "lidar", "channel": "LIDAR_TOP", "modality": "lidar"},
			{"token": "back", "channel": "CAM_BACK", "modality": "camera"},
			{"token": "front", "channel": "CAM_FRONT", "modality": "camera"},
		},
		"calibrated_sensor": {
			{"token": "lidar-1", "sensor_token": "lidar", "translation": []float64{1, 0, 1.8}, "rotation": []float64{0.7071067811865476, 0, 0, -0.7071067811865476}, "camera_intrinsic": []int{}},
			camera("back-1", "back", []float64{0.5, 0.5, 0.5, 0.5}),
			camera("front-1", "front", []float64{0.5, -0.5, 0.5, -0.5}),
		},
		"log": {{"token": "log-1", "logfile": "drive", "vehicle": "n001", "date_captured": "2018-08-01", "location": "nowhere"}},
		"map": {},
	}
	t.addScene("scene-0103", 1_000_000_000_000_000, 3)
	t.addScene("scene-0916", 1_000_000_100_000_000, 2)
	t.addStanding("scene-0103", "adult", nil, [3]float64{10, 6, 0.9}, [3]float64{0.6, 0.7, 1.8})
	t.addStanding("scene-0103", "rack", nil, [3]float64{12, -6, 0.5}, [3]float64{2, 6, 1.4})
	t.addStanding("scene-0103", "bicycle", []string{"riderless"}, [3]float64{12.5, -6.5, 0.5}, [3]float64{0.6, 1.7, 1.2})
	return t
}

func camera(token, sensor string, rotation []float64) Row {
	return Row{
		"token": token, "sensor_token": sensor, "translation": []float64{1.5, 0, 1.5}, "rotation": rotation,
		"camera_intrinsic": [][]float64{{12, 0, 8}, {0, 12, 6}, {0, 0, 1}},
	}
}

// addScene adds a scene, its samples, measurements, poses, and the car ahead.
func (t Tables) addScene(scene string, start, samples int) {
	name := func(kind string, i int) string {
		if i < 0 || i >= samples {
			return ""
		}
		return fmt.Sprintf("%s-%s-%d", scene, kind, i)
	}
	t.add("scene", Row{
		"token": "token-" + scene, "log_token": "log-1", "nbr_samples": samples, "name": scene, "description": "tiny",
		"first_sample_token": name("sample", 0), "last_sample_token": name("sample", samples-1),
	})
	t.add("instance", Row{"token": scene + "-car", "category_token": "car"})
	for i := range samples {
		time := start + 500_000*i
		t.add("sample", Row{
			"token": name("sample", i), "timestamp": time, "scene_token": "token-" + scene,
			"prev": name("sample", i-1), "next": name("sample", i+1),
		})
		t.measure(name("sample", i), name, "lidar", i, start, time, true)
		t.measure(name("sample", i), name, "back", i, start, time-20_000, true)
		t.measure(name("sample", i), name, "front", i, start, time-40_000, true)
		if i+1 < samples {
			t.measure(name("sample", i+1), name, "front", i, start, time+210_000, false)
		}
		t.add("sample_annotation", annotation(name("car", i), name("sample", i), scene+"-car",
			[]string{"moving"}, [3]float64{20 + float64(i), 0, 0.8}, [3]float64{1.9, 4.5, 1.6}, name("car", i-1), name("car", i+1)))
	}
}

// measure adds a measurement at a time and the vehicle's pose then. Sweeps lie
// between key frame i and the next.
func (t Tables) measure(sample string, name func(string, int) string, sensor string, i, start, time int, key bool) {
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
	t.add("ego_pose", Row{"token": "pose-" + token, "timestamp": time, "translation": []float64{x, 0, 0}, "rotation": []float64{1, 0, 0, 0}})
	t.add("sample_data", Row{
		"token": token, "sample_token": sample, "ego_pose_token": "pose-" + token, "calibrated_sensor_token": sensor + "-1",
		"timestamp": time, "fileformat": extension, "is_key_frame": key, "width": width, "height": height,
		"filename": folder + "/" + sensor + "/" + token + "." + extension, "prev": prev, "next": next,
	})
}

// addStanding adds an object at a place in every sample of a scene.
func (t Tables) addStanding(scene, category string, attributes []string, center, size [3]float64) {
	instance := scene + "-" + category
	t.add("instance", Row{"token": instance, "category_token": category})
	var last Row
	for _, sample := range t["sample"] {
		if sample["scene_token"] != "token-"+scene {
			continue
		}
		token := instance + "-" + sample["token"].(string)
		prev := ""
		if last != nil {
			prev = last["token"].(string)
			last["next"] = token
		}
		last = annotation(token, sample["token"].(string), instance, attributes, center, size, prev, "")
		t.add("sample_annotation", last)
	}
}

func annotation(token, sample, instance string, attributes []string, center, size [3]float64, prev, next string) Row {
	if attributes == nil {
		attributes = []string{}
	}
	return Row{
		"token": token, "sample_token": sample, "instance_token": instance, "visibility_token": "4",
		"attribute_tokens": attributes, "translation": center, "size": size, "rotation": []float64{1, 0, 0, 0},
		"prev": prev, "next": next, "num_lidar_pts": 5, "num_radar_pts": 0,
	}
}

func (t Tables) add(table string, row Row) { t[table] = append(t[table], row) }

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
	for name, rows := range t {
		text, err := json.Marshal(rows)
		if err != nil {
			tb.Fatal(err)
		}
		WriteFile(tb, filepath.Join(dir, Version, name+".json"), text)
	}
	return dir
}

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
