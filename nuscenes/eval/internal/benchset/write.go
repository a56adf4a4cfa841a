package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

const (
	version = "v1.0-trainval" // the official splits are for it
	mapFile = "maps/map.png"
	drive   = "n008-2018-08-01-15-16-36-0400"
	epoch   = 1_530_000_000_000_000 // of scene 0, microseconds
	pause   = 60_000_000            // from a scene's start to the next
	step    = 1e6 * seconds         // from a sample to the next
)

// write makes the folder dir and all in it, scene by scene into all files at once.
func write(dir string, size amount) error {
	tables, err := nuscenes.Create(dir, version)
	if err != nil {
		return err
	}
	s := &set{Writer: tables, amount: size}
	s.vocabulary()
	if size.boxes == 0 {
		s.scenes(func(*scene) {})
	} else if err := s.results(filepath.Join(dir, "results.json")); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return writePixel(filepath.Join(dir, mapFile))
}

// set is a data set that is being written.
type set struct {
	*nuscenes.Writer
	amount
}

// results writes the scenes, and at the same time what is found in them.
func (s *set) results(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	results := nuscenes.NewResultsWriter(f, nuscenes.CameraMeta())
	s.scenes(func(scene *scene) {
		dice := rand.New(rand.NewPCG(2, uint64(scene.number)))
		for i := range scene.samples {
			results.Add(scene.detections(dice, i, s.boxes))
		}
	})
	if err := results.Close(); err != nil {
		return err
	}
	return f.Close()
}

// scenes writes the scenes' rows, and visits each of them.
func (s *set) scenes(visit func(*scene)) {
	for _, split := range s.splits {
		for i, name := range split.scenes {
			n := len(split.scenes)
			scene := newScene(name, share(split.samples, i, n), share(split.annotations, i, n))
			s.scene(scene)
			visit(scene)
		}
	}
}

// vocabulary writes the tables that do not depend on scenes. The tokens of their
// rows are their names.
func (s *set) vocabulary() {
	for _, name := range nuscenes.Attributes[1:] {
		s.Add(nuscenes.AttributeRow{Token: name, Name: name})
	}
	for _, kind := range kinds() {
		s.Add(nuscenes.CategoryRow{Token: kind.category, Name: kind.category})
	}
	s.Add(nuscenes.VisibilityRow{Token: "4", Level: "v80-100"})
	for _, sensor := range s.sensors {
		s.Add(nuscenes.SensorRow{Token: sensor.channel, Channel: sensor.channel, Modality: sensor.modality})
	}
	s.Add(
		nuscenes.LogRow{Token: "log", File: drive, Vehicle: "n008", Date: "2018-08-01", Location: "boston-seaport"},
		nuscenes.MapRow{Category: "semantic_prior", Token: "map", Filename: mapFile, LogTokens: []string{"log"}},
	)
}

// token names a row of a scene by two numbers, or the scene itself. A token is
// unique in its table; samples have those of thing 0.
func (s *scene) token(thing, i int) string { return fmt.Sprintf("%08x%08x%016x", s.number, thing, i) }

// neighbour returns the token of row i of n, "" for one outside.
func (s *scene) neighbour(thing, i, n int) string {
	if i < 0 || i >= n {
		return ""
	}
	return s.token(thing, i)
}

// time returns the time of a sample.
func (s *scene) time(sample int) nuscenes.Timestamp {
	return epoch + nuscenes.Timestamp(s.number)*pause + nuscenes.Timestamp(sample)*step
}

func (s *set) scene(scene *scene) {
	n := scene.samples
	s.Add(nuscenes.SceneRow{
		Token: scene.name, LogToken: "log", Samples: n, Name: scene.name, Description: "Made up",
		FirstSampleToken: scene.token(0, 0), LastSampleToken: scene.token(0, n-1),
	})
	for i := range n {
		s.Add(nuscenes.SampleRow{
			Token: scene.token(0, i), Timestamp: scene.time(i), SceneToken: scene.name,
			Prev: scene.neighbour(0, i-1, n), Next: scene.neighbour(0, i+1, n),
		})
	}
	for i, sensor := range s.sensors {
		s.measurements(scene, i, sensor)
	}
	for i := range scene.objects {
		s.object(scene, i)
	}
}

// measurements writes a sensor's calibration, and its files through a scene.
func (s *set) measurements(scene *scene, number int, sensor sensor) {
	calibration := nuscenes.CalibrationRow{
		Token: scene.token(number, 0), SensorToken: sensor.channel, Translation: geom.Vec3{1, 0, 1.5}, Rotation: [4]float64{1},
	}
	if sensor.modality == "camera" {
		calibration.Rotation = [4]float64{0.5, -0.5, 0.5, -0.5}
		calibration.Intrinsics = [][3]float64{{1252.8131, 0, 826.5881}, {0, 1252.8131, 469.9847}, {0, 0, 1}}
	}
	s.Add(calibration)
	each := sensor.sweeps + 1
	n := (scene.samples-1)*each + 1
	for i := range n {
		row := measurement(scene, sensor, i, each)
		row.Token, row.EgoPoseToken, row.CalibrationToken = scene.token(number, i), scene.token(number, i), calibration.Token
		row.Prev, row.Next = scene.neighbour(number, i-1, n), scene.neighbour(number, i+1, n)
		s.Add(row, nuscenes.EgoPoseRow{
			Token: row.Token, Timestamp: row.Timestamp, Rotation: quad(scene.vehicle.yaw),
			Translation: scene.vehicle.at(1e-6 * float64(row.Timestamp-scene.time(0))),
		})
	}
}

// measurement returns measurement i of a sensor, of which each sample has that many.
func measurement(s *scene, sensor sensor, i, each int) nuscenes.SampleDataRow {
	row := nuscenes.SampleDataRow{
		SampleToken: s.token(0, (i+each-1)/each), // of a sweep: the next one's
		Timestamp:   s.time(0) + nuscenes.Timestamp(i)*step/nuscenes.Timestamp(each),
		Format:      "pcd", KeyFrame: i%each == 0,
	}
	if sensor.modality == "camera" {
		row.Format, row.Width, row.Height = "jpg", 1600, 900
	}
	row.Filename = fmt.Sprintf("samples/%s/%s__%s__%d.%s", sensor.channel, drive, sensor.channel, row.Timestamp, row.Format)
	return row
}

// quad returns the turn about z as a quaternion w, x, y, z.
func quad(yaw float64) [4]float64 {
	q := geom.QuatFromYaw(yaw)
	return [4]float64{q.W, q.X, q.Y, q.Z}
}

func (s *set) object(scene *scene, number int) {
	o := scene.objects[number]
	n, instance := o.samples, scene.token(number, 0)
	s.Add(nuscenes.InstanceRow{
		Token: instance, CategoryToken: o.category, Annotations: n,
		FirstAnnotationToken: scene.token(number, 0), LastAnnotationToken: scene.token(number, n-1),
	})
	for i := range n {
		row := nuscenes.AnnotationRow{
			Token: scene.token(number, i), SampleToken: scene.token(0, o.first+i), InstanceToken: instance, VisibilityToken: "4",
			Translation: millimetres(o.center(o.first + i)), Size: millimetres(o.size), Rotation: quad(o.yaw),
			Prev: scene.neighbour(number, i-1, n), Next: scene.neighbour(number, i+1, n),
		}
		if o.attribute != nuscenes.NoAttribute {
			row.AttributeTokens = []string{o.attribute.String()}
		}
		if scene.dice.IntN(32) > 0 {
			row.LidarPoints, row.RadarPoints = 1+scene.dice.IntN(200), scene.dice.IntN(2)
		}
		s.Add(row)
	}
}

// millimetres rounds to millimetres, as annotations are.
func millimetres(v geom.Vec3) geom.Vec3 {
	for i := range v {
		v[i] = math.Round(1000*v[i]) / 1000
	}
	return v
}

// writePixel writes the map, which the devkit requires.
func writePixel(file string) error {
	if err := os.Mkdir(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o666)
}
