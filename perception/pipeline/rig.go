package pipeline

import (
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// cameraNumbers is the length of what the encoder takes of a camera:
// intrinsics 9, the augmentation's 3 x 3 and its translation 12, the lidar's
// pose of the camera 12 (model spec, section 2).
const cameraNumbers = 33

// camera is one of the rig, prepared.
type camera struct {
	*perception.Camera
	index         int // in the rig
	egoFromCamera geom.Pose
	augment       geom.Mat4 // network pixels from source pixels
	prep          *preprocess.Camera
}

// prepareCameras returns a rig's cameras in the order of the encoder's rows: the
// model's, then those that the model does not name, in the rig's order.
func prepareCameras(config preprocess.Config, order []string, r *perception.Rig, with compute.Resources) ([]camera, error) {
	cameras := make([]camera, len(r.Cameras))
	for i := range cameras {
		c := &r.Cameras[i]
		prep, err := preprocess.NewCamera(config, geom.Size{Width: c.Width, Height: c.Height}, with)
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", c.Name, err)
		}
		cameras[i] = camera{c, i, c.EgoFromCamera.Pose(), prep.Crop.Matrix(), prep}
	}
	rank := func(c camera) int {
		if i := slices.Index(order, c.Name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(cameras, func(a, b camera) int { return rank(a) - rank(b) })
	return cameras, nil
}

// placed returns the camera in its place when it took the image: in the global
// frame, and in the set's lidar frame, where the vehicle's motion between the two
// times is in its pose.
func (c *camera) placed(set *perception.FrameSet, image *perception.Frame) (global, lidar geom.Camera) {
	global = geom.Camera{Pose: image.GlobalFromEgo.Mul(c.egoFromCamera), Intrinsics: c.Intrinsics, Augment: c.augment}
	lidar = global
	lidar.Pose = set.GlobalFromLidar().Inv().Mul(global.Pose)
	return global, lidar
}

// numbers writes what the encoder takes of a camera to dst.
func (c *camera) numbers(dst []float32, lidarFromCamera geom.Pose) {
	a := &c.augment
	values := slices.Concat(
		c.Intrinsics[:],
		[]float64{a[0], a[1], a[2], a[4], a[5], a[6], a[8], a[9], a[10]},
		[]float64{a[3], a[7], a[11]},
		lidarFromCamera.R[:],
		lidarFromCamera.T[:],
	)
	for i, v := range values {
		dst[i] = float32(v)
	}
}
