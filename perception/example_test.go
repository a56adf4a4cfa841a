package perception_test

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// A calibration is checked before it is sent. Two are the same if what was
// computed with one holds for the other, whatever the vehicle is called.
func ExampleRig() {
	camera := perception.Camera{
		Name: "CAM_FRONT", Width: 1600, Height: 900,
		Intrinsics: geom.Mat3{1266, 0, 816, 0, 1266, 491, 0, 0, 1}, // pixels
		EgoFromCamera: geom.Transform{
			Rotation:    geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5}, // z ahead, x right, y down
			Translation: geom.Vec3{1.7, 0, 1.5},
		},
	}
	rig := &perception.Rig{Name: "car", Cameras: []perception.Camera{camera}, EgoFromLidar: new(geom.IdentityTransform())}
	renamed := *rig
	renamed.Name = "van"
	fmt.Println(rig.Validate(), rig.Equal(&renamed))

	camera.Width = 0
	rig.Cameras = append(rig.Cameras, camera)
	fmt.Println(rig.Validate())
	// Output:
	// <nil> true
	// perception: rig "car": camera CAM_FRONT appears twice
}

// A result has its boxes in the lidar frame. With its two poses they are told in
// any other.
func ExampleDetection() {
	result := perception.Result{
		GlobalFromEgo: geom.NewPose(geom.QuatFromYaw(0), geom.Vec3{600, 1600, 0}),
		EgoFromModel: geom.Pose{
			R: geom.Mat3{ // x right, y ahead, z up
				0, 1, 0,
				-1, 0, 0,
				0, 0, 1,
			},
			T: geom.Vec3{1, 0, 1.8},
		},
		Detections: []perception.Detection{{
			Class: perception.Car, Score: 0.8,
			Center: geom.Vec3{-3, 20, -1}, Size: geom.Vec3{1.9, 4.5, 1.6},
			Yaw: 3 * math.Pi / 4, Velocity: [2]float64{-6, 6},
		}},
	}
	for i := range result.Detections {
		d := &result.Detections[i]
		ego := d.Placement().In(result.EgoFromModel)
		global := ego.In(result.GlobalFromEgo)
		fmt.Printf("from the vehicle: %s at %v, heading %.2f, %v m/s\n", d.Class, ego.Center, ego.Yaw(), ego.Velocity)
		fmt.Printf("in the global frame: %s at %v\n", d.Class, global.Center)
	}
	// Output:
	// from the vehicle: car at [21 3 0.8], heading 0.79, [6 6 0] m/s
	// in the global frame: car at [621 1603 0.8]
}

// A source that must learn what became of its events gives a function.
func ExampleDelivery() {
	d := perception.Delivery{
		Event:  perception.Reset{Reason: "scene-0103 begins"},
		Cursor: "sample-7",
		Done:   func(err error) { fmt.Println("after sample-7 the source may resume:", err == nil) },
	}
	d.Settle(nil) // by whoever took it
	// Output: after sample-7 the source may resume: true
}
