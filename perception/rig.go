package perception

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/solofusion/solofusion/geom"
)

// Camera is one calibrated pinhole camera.
type Camera struct {
	Name          string    // unique in its rig, for example CAM_FRONT; any text that CheckName takes
	Width, Height int       // of the images as they arrive, pixels
	Intrinsics    geom.Mat3 // pixels of those images from camera coordinates
	EgoFromCamera geom.Transform
}

// Rig is a vehicle's set of cameras. It is immutable once it is in use: a
// calibration change is a new Rig.
//
// The base is the ground point under the middle of the rear axle, x forward, y left,
// z up. A model works in a frame that stands in a fixed place above it, so that a
// rig whose ego frame is elsewhere must say where its base is. A lidar gives its
// frame to those who ask for boxes in it.
type Rig struct {
	Name         string
	Cameras      []Camera
	EgoFromBase  *geom.Transform // nil if the ego frame is the base
	EgoFromLidar *geom.Transform // nil if there is no lidar
}

// Base returns where the base is in the ego frame.
func (r *Rig) Base() geom.Transform {
	if r.EgoFromBase == nil {
		return geom.IdentityTransform()
	}
	return *r.EgoFromBase
}

// Index returns the position of the named camera, or -1.
func (r *Rig) Index(camera string) int {
	for i := range r.Cameras {
		if r.Cameras[i].Name == camera {
			return i
		}
	}
	return -1
}

// Equal reports whether what was computed with one calibration holds for the
// other: the same cameras with the same numbers in the same order, since images
// and tables are found by a camera's index, and the same base and lidar, in whose
// frames results are. The rigs' own names do not matter: nothing computed rests on them.
func (r *Rig) Equal(other *Rig) bool {
	return r == other || equal(r.EgoFromBase, other.EgoFromBase) &&
		equal(r.EgoFromLidar, other.EgoFromLidar) && slices.Equal(r.Cameras, other.Cameras)
}

func equal(a, b *geom.Transform) bool { return a == b || a != nil && b != nil && *a == *b }

// MaxName is the largest length of a camera's name, in bytes. It leaves room for
// the name in the subject of a message, encoded.
const MaxName = 255

// CheckName returns an error if no camera can have the name: if it is empty, not
// UTF-8, or longer than MaxName.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("it is empty")
	case !utf8.ValidString(name):
		return errors.New("it is not UTF-8")
	case len(name) > MaxName:
		return fmt.Errorf("it has %d bytes, want at most %d", len(name), MaxName)
	}
	return nil
}
