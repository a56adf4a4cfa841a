package nuscenes_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// A set of one scene with two samples is written, opened and walked through.
func Example() {
	dir, err := os.MkdirTemp("", "nuscenes")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := writeDrive(dir); err != nil {
		log.Fatal(err)
	}

	ds, err := nuscenes.Open(dir, "v1.0-own")
	if err != nil {
		log.Fatal(err) // names file, row and field
	}
	for _, scene := range ds.Scenes {
		fmt.Println(scene.Name)
		for _, sample := range scene.Samples { // in order of time
			camera := sample.Key("CAM_FRONT")
			file, err := filepath.Rel(dir, ds.Path(camera))
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(" ", file, "at", camera.EgoPose.GlobalFromEgo.Translation)
			for _, box := range sample.Annotations {
				class, _ := box.Class()
				fmt.Println("   ", class, box.Center, "with", box.LidarPoints, "points")
			}
		}
	}
	// Output:
	// scene-0001
	//   samples/0.jpg at [0 0 0]
	//     car [20 3 0.8] with 9 points
	//   samples/1.jpg at [4 0 0]
	//     car [21 3 0.8] with 9 points
}

// writeDrive writes the tables of a vehicle that drives behind a car.
func writeDrive(dir string) error {
	w, err := nuscenes.Create(dir, "v1.0-own")
	if err != nil {
		return err
	}
	ahead := [4]float64{1, 0, 0, 0} // w, x, y, z
	w.Add(
		nuscenes.SensorRow{Token: "front", Channel: "CAM_FRONT", Modality: "camera"},
		nuscenes.CalibrationRow{
			Token: "front-1", SensorToken: "front", Translation: geom.Vec3{1.7, 0, 1.5}, Rotation: [4]float64{0.5, -0.5, 0.5, -0.5},
			Intrinsics: [][3]float64{{1266, 0, 816}, {0, 1266, 491}, {0, 0, 1}},
		},
		nuscenes.CategoryRow{Token: "car", Name: "vehicle.car"},
		nuscenes.InstanceRow{Token: "car-1", CategoryToken: "car", Annotations: 2, FirstAnnotationToken: "box-0", LastAnnotationToken: "box-1"},
		nuscenes.LogRow{Token: "log", Vehicle: "mine"},
		nuscenes.SceneRow{
			Token: "scene", LogToken: "log", Name: "scene-0001", Samples: 2, FirstSampleToken: "sample-0", LastSampleToken: "sample-1",
		},
	)
	for i, n := range []string{"0", "1"} {
		time := nuscenes.Timestamp(1_700_000_000_000_000 + 500_000*i)
		sample := nuscenes.SampleRow{Token: "sample-" + n, Timestamp: time, SceneToken: "scene"}
		box := nuscenes.AnnotationRow{
			Token: "box-" + n, SampleToken: sample.Token, InstanceToken: "car-1", LidarPoints: 9,
			Translation: geom.Vec3{20 + float64(i), 3, 0.8}, Size: geom.Vec3{1.9, 4.5, 1.6}, Rotation: ahead,
		}
		if i == 0 {
			sample.Next, box.Next = "sample-1", "box-1"
		} else {
			sample.Prev, box.Prev = "sample-0", "box-0"
		}
		w.Add(sample, box,
			nuscenes.EgoPoseRow{Token: "pose-" + n, Timestamp: time, Rotation: ahead, Translation: geom.Vec3{4 * float64(i), 0, 0}},
			nuscenes.SampleDataRow{
				Token: "image-" + n, SampleToken: sample.Token, EgoPoseToken: "pose-" + n, CalibrationToken: "front-1", Timestamp: time,
				Format: "jpg", KeyFrame: true, Width: 1600, Height: 900, Filename: "samples/" + n + ".jpg",
			})
	}
	return w.Close()
}

func ExampleReadResults() {
	dir, err := os.MkdirTemp("", "results")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	car, _ := perception.ParseClass("car")
	results := nuscenes.Results{
		Meta: nuscenes.CameraMeta(),
		Samples: []nuscenes.SampleResult{{Token: "sample-0", Boxes: []nuscenes.Box{{
			Class: car, Attribute: nuscenes.VehicleMoving, Score: 0.75,
			Center: geom.Vec3{20.2, 3, 0.8}, Size: geom.Vec3{1.9, 4.5, 1.6}, Rotation: geom.QuatFromYaw(0), // global frame
			Velocity: [2]float64{2, 0}, Points: -1,
		}}}},
	}
	file := filepath.Join(dir, "results.json")
	if err := results.WriteFile(file); err != nil {
		log.Fatal(err)
	}

	read, err := nuscenes.ReadResults(file)
	if err != nil {
		log.Fatal(err) // names sample, box and field
	}
	for _, sample := range read.Samples {
		for _, box := range sample.Boxes {
			fmt.Println(sample.Token, box.Class, box.Attribute, box.Score, box.Center)
		}
	}
	// Output:
	// sample-0 car vehicle.moving 0.75 [20.2 3 0.8]
}
