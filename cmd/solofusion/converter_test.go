package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// A converter writes a small data set as one kind of public converter does: a
// drive along x at 5 m/s with a car ahead at 7 m/s and a pedestrian beside the way.
type converter struct {
	version string // the folder of the tables
	scene   string
	sensors []sensor
	start   int64 // of the first sample
	step    int64 // between samples, in the unit of start
	samples int
	metres  float64    // that the vehicle drives between samples
	origin  [3]float64 // of the first ego pose
	car     string     // category
	person  string     // category
	carAs   string     // attribute
	image   string     // pattern of an image's file with channel and number
	alter   func(tables)
}

// A sensor is a camera if it has a focal length. yaw is in degrees to the left.
type sensor struct {
	channel       string
	x, y, z, yaw  float64
	width, height int
	focal         float64
}

type (
	row    = map[string]any
	tables map[string][]row
)

// converterCommand is the scripts' command "converter NAME DIR". It writes the data
// set, and DIR.json: results that find each box exactly.
func converterCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: converter NAME DIR")
	}
	c, known := converters()[args[0]]
	if !known {
		ts.Fatalf("unknown converter %q", args[0])
	}
	ts.Check(c.write(ts.MkAbs(args[1])))
}

func (c converter) write(dir string) error {
	t := c.tables()
	results := c.results(t)
	if err := writeImages(dir, t["sample_data"]); err != nil {
		return err
	}
	c.alter(t)
	if err := writeJSON(dir+".json", results); err != nil {
		return err
	}
	for name, rows := range t {
		if err := writeJSON(filepath.Join(dir, c.version, name+".json"), rows); err != nil {
			return err
		}
	}
	return nil
}

// tables returns the tables with all fields as nuScenes has them.
func (c converter) tables() tables {
	t := tables{
		"category":   {{"token": "car", "name": c.car, "description": ""}, {"token": "person", "name": c.person, "description": ""}},
		"attribute":  {{"token": "moving", "name": c.carAs, "description": ""}},
		"visibility": {{"token": "4", "level": "v80-100", "description": ""}},
		"log":        {{"token": "log", "logfile": "a", "vehicle": "one", "date_captured": "2020-01-01", "location": "here"}},
		"map":        {{"token": "map", "category": "semantic_prior", "filename": "maps/a.png", "log_tokens": []string{"log"}}},
		"scene": {{"token": "scene", "log_token": "log", "nbr_samples": c.samples, "name": c.scene, "description": "",
			"first_sample_token": "sample-0", "last_sample_token": c.link("sample", c.samples-1)}},
	}
	for _, s := range c.sensors {
		t.add("sensor", row{"token": s.channel, "channel": s.channel, "modality": s.modality()})
		t.add("calibrated_sensor", row{"token": s.channel, "sensor_token": s.channel,
			"translation": []float64{s.x, s.y, s.z}, "rotation": s.rotation(), "camera_intrinsic": s.intrinsics()})
	}
	for i := range c.samples {
		c.addSample(t, i)
	}
	for _, token := range []string{"car", "person"} {
		t.add("instance", row{"token": token, "category_token": token, "nbr_annotations": c.samples,
			"first_annotation_token": token + "-0", "last_annotation_token": c.link(token, c.samples-1)})
	}
	return t
}

func (c converter) addSample(t tables, i int) {
	time, driven := c.start+int64(i)*c.step, float64(i)*c.metres
	t.add("sample", row{"token": c.link("sample", i), "timestamp": time, "scene_token": "scene",
		"prev": c.link("sample", i-1), "next": c.link("sample", i+1)})
	for _, s := range c.sensors {
		token := c.link(s.channel, i)
		t.add("ego_pose", row{"token": token, "timestamp": time, "rotation": []float64{1, 0, 0, 0},
			"translation": []float64{c.origin[0] + driven, c.origin[1], c.origin[2]}})
		t.add("sample_data", row{"token": token, "sample_token": c.link("sample", i), "ego_pose_token": token,
			"calibrated_sensor_token": s.channel, "timestamp": time, "is_key_frame": true,
			"width": s.width, "height": s.height, "filename": c.file(s, i), "fileformat": filepath.Ext(c.file(s, i))[1:],
			"prev": c.link(s.channel, i-1), "next": c.link(s.channel, i+1)})
	}
	c.addBox(t, i, "car", []string{"moving"}, 15+1.4*driven, 0, 0.8, []float64{1.9, 4.6, 1.6})
	c.addBox(t, i, "person", []string{}, 10, 4, 0.9, []float64{0.6, 0.7, 1.8})
}

// addBox adds a box at a place before the vehicle's first one.
func (c converter) addBox(t tables, i int, token string, attributes []string, x, y, z float64, size []float64) {
	t.add("sample_annotation", row{"token": c.link(token, i), "sample_token": c.link("sample", i), "instance_token": token,
		"attribute_tokens": attributes, "visibility_token": "4", "num_lidar_pts": 10, "num_radar_pts": 0,
		"translation": []float64{c.origin[0] + x, c.origin[1] + y, c.origin[2] + z}, "size": size,
		"rotation": []float64{1, 0, 0, 0}, "prev": c.link(token, i-1), "next": c.link(token, i+1)})
}

// link returns the token of a scene's i-th row of a kind, or none beyond its ends.
func (c converter) link(kind string, i int) string {
	if i < 0 || i >= c.samples {
		return ""
	}
	return fmt.Sprintf("%s-%d", kind, i)
}

func (c converter) file(s sensor, i int) string {
	if s.focal == 0 {
		return fmt.Sprintf("lidar/%s/%d.bin", s.channel, i)
	}
	return fmt.Sprintf(c.image, s.channel, i)
}

// results are the boxes of the tables by the names of nuScenes' classes.
func (c converter) results(t tables) row {
	samples := map[string][]row{}
	for _, box := range t["sample_annotation"] {
		class, attribute, speed := "car", "vehicle.moving", 7.0
		if box["instance_token"] == "person" {
			class, attribute, speed = "pedestrian", "pedestrian.standing", 0
		}
		token := box["sample_token"].(string)
		samples[token] = append(samples[token], row{"sample_token": token, "translation": box["translation"], "size": box["size"],
			"rotation": box["rotation"], "velocity": []float64{speed, 0}, "detection_name": class,
			"detection_score": 0.9, "attribute_name": attribute})
	}
	return row{"meta": row{"use_camera": true}, "results": samples}
}

func (s sensor) modality() string {
	if s.focal > 0 {
		return "camera"
	}
	return strings.ToLower(s.channel[:5])
}

// rotation turns a camera's axes (z ahead) or a lidar's (x ahead) to the ego frame.
func (s sensor) rotation() []float64 {
	sin, cos := math.Sincos(s.yaw * math.Pi / 360)
	if s.focal == 0 {
		return []float64{cos, 0, 0, sin}
	}
	return []float64{(cos + sin) / 2, -(cos + sin) / 2, (cos - sin) / 2, (sin - cos) / 2}
}

func (s sensor) intrinsics() [][]float64 {
	if s.focal == 0 {
		return [][]float64{}
	}
	return [][]float64{{s.focal, 0, float64(s.width) / 2}, {0, s.focal, float64(s.height) / 2}, {0, 0, 1}}
}

func (t tables) add(table string, r row) { t[table] = append(t[table], r) }

// set gives a field of all rows of a table a value.
func (t tables) set(table, field string, value any) {
	for _, r := range t[table] {
		r[field] = value
	}
}

func writeImages(dir string, data []row) error {
	for _, d := range data {
		if width := d["width"].(int); width > 0 {
			if err := writeImage(filepath.Join(dir, d["filename"].(string)), width, d["height"].(int)); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeImage writes a picture of squares in the format of the file's extension.
func writeImage(file string, width, height int) error {
	img := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetGray(x, y, color.Gray{Y: uint8(x/37*53 + y/29*31)})
		}
	}
	f, err := create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if filepath.Ext(file) == ".png" {
		return png.Encode(f, img)
	}
	return jpeg.Encode(f, img, nil)
}

func writeJSON(file string, content any) error {
	f, err := create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewEncoder(f).Encode(content)
}

func create(file string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	return os.Create(file)
}
