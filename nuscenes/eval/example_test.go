package eval_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/perception"
)

// A results file is graded against a data set. With real data, only the names in
// the first two calls change.
func Example() {
	dir, err := os.MkdirTemp("", "eval")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := writeTruthAndResults(dir); err != nil {
		log.Fatal(err)
	}

	ds, split, err := nuscenes.OpenTruth(dir, "v1.0-own", nuscenes.Part{Split: "all"})
	if err != nil {
		log.Fatal(err)
	}
	results, err := nuscenes.ReadResults(filepath.Join(dir, "results.json"))
	if err != nil {
		log.Fatal(err)
	}
	cfg := eval.CVPR2019()
	frames, err := eval.Frames(ds, split, results, cfg)
	if err != nil {
		log.Fatal(err) // names the samples that lack results
	}
	metrics := eval.Evaluate(cfg, frames)
	fmt.Printf("mAP %.3f, NDS %.3f\n", metrics.MeanAP, metrics.NDS)
	for _, class := range metrics.Classes {
		if class.Truth > 0 {
			fmt.Printf("%s: %d true, %d found, AP %.3f, off by %.2f m\n",
				class.Class, class.Truth, class.Found, class.MeanAP, class.Errors[eval.Translation])
		}
	}
	// Output:
	// mAP 0.033, NDS 0.041
	// car: 2 true, 2 found, AP 0.329, off by 0.70 m
}

// writeTruthAndResults writes a sample with two cars, and results that have one of
// them 0.7 m off and a second box far from both.
func writeTruthAndResults(dir string) error {
	w, err := nuscenes.Create(dir, "v1.0-own")
	if err != nil {
		return err
	}
	ahead := [4]float64{1, 0, 0, 0} // w, x, y, z
	w.Add(
		nuscenes.SensorRow{Token: "lidar", Channel: nuscenes.LidarTop, Modality: "lidar"},
		nuscenes.CalibrationRow{Token: "lidar-1", SensorToken: "lidar", Rotation: ahead},
		nuscenes.CategoryRow{Token: "car", Name: "vehicle.car"},
		nuscenes.LogRow{Token: "log"},
		nuscenes.SceneRow{Token: "scene", LogToken: "log", Name: "scene-0001", Samples: 1, FirstSampleToken: "sample", LastSampleToken: "sample"},
		nuscenes.SampleRow{Token: "sample", Timestamp: 1_700_000_000_000_000, SceneToken: "scene"},
		nuscenes.EgoPoseRow{Token: "pose", Timestamp: 1_700_000_000_000_000, Rotation: ahead},
		nuscenes.SampleDataRow{
			Token: "cloud", SampleToken: "sample", EgoPoseToken: "pose", CalibrationToken: "lidar-1",
			Timestamp: 1_700_000_000_000_000, Format: "pcd", KeyFrame: true, Filename: "samples/cloud.pcd.bin",
		},
	)
	size := geom.Vec3{1.9, 4.5, 1.6} // width, length, height
	for _, car := range []struct {
		token string
		x     float64
	}{{"near", 10}, {"far", 40}} {
		w.Add(
			nuscenes.InstanceRow{Token: car.token, CategoryToken: "car", Annotations: 1, FirstAnnotationToken: car.token, LastAnnotationToken: car.token},
			nuscenes.AnnotationRow{
				Token: car.token, SampleToken: "sample", InstanceToken: car.token, LidarPoints: 30,
				Translation: geom.Vec3{car.x, 0, 0.8}, Size: size, Rotation: ahead,
			},
		)
	}
	if err := w.Close(); err != nil {
		return err
	}
	class, _ := perception.ParseClass("car")
	box := func(x, score float64) nuscenes.Box {
		return nuscenes.Box{Class: class, Score: score, Center: geom.Vec3{x, 0, 0.8}, Size: size, Rotation: geom.QuatFromYaw(0), Points: -1}
	}
	results := nuscenes.Results{
		Meta:    nuscenes.CameraMeta(),
		Samples: []nuscenes.SampleResult{{Token: "sample", Boxes: []nuscenes.Box{box(10.7, 0.9), box(25, 0.4)}}},
	}
	return results.WriteFile(filepath.Join(dir, "results.json"))
}
