package framesync_test

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Two cameras send an image each, 20 ms apart. The set leaves with the second one.
func Example() {
	rig := &perception.Rig{Name: "car", EgoFromLidar: new(geom.IdentityTransform())}
	for _, name := range []string{"CAM_FRONT", "CAM_BACK"} {
		rig.Cameras = append(rig.Cameras, perception.Camera{
			Name: name, Width: 1600, Height: 900,
			Intrinsics: geom.Mat3{1266, 0, 800, 0, 1266, 450, 0, 0, 1}, EgoFromCamera: geom.IdentityTransform(),
		})
	}
	start := time.Unix(1_700_000_000, 0)
	later := start.Add(20 * time.Millisecond)

	s := framesync.New(framesync.Options{})
	for _, event := range []perception.Event{
		rig,
		perception.EgoPose{Time: start, GlobalFromEgo: geom.IdentityTransform()},
		perception.EgoPose{Time: later, GlobalFromEgo: geom.IdentityTransform()},
		&perception.Frame{Camera: "CAM_BACK", Captured: start, Sequence: 1},
		&perception.Frame{Camera: "CAM_FRONT", Captured: later, Sequence: 1},
	} {
		for _, set := range s.Push(perception.Delivery{Event: event}, later) {
			fmt.Println(set.Time.Sub(start), len(set.Frames), "frames,", set.NewSequence)
			set.Settle(nil) // after its result is published
		}
	}
	// Output: 20ms 2 frames, stream started
}
