package perception_test

import (
	"fmt"

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
	rig := &perception.Rig{Name: "car", Cameras: []perception.Camera{camera}, EgoFromLidar: geom.IdentityTransform()}
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
