package pipeline

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// cameraNumbers is the length of what the encoder knows about a camera:
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

// prepareRig returns the rig's cameras in the order of the encoder's rows: the
// manifest's, then what the manifest does not know in the rig's order.
func prepareRig(m *model.Manifest, r *perception.Rig) ([]camera, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	config := preprocess.Config{
		Width: m.Image.Width, Height: m.Image.Height,
		ResizeExtra: m.Image.ResizeExtra, CropH: m.Image.CropH,
		Mean: m.Image.Mean, Std: m.Image.Std,
	}
	cameras := make([]camera, len(r.Cameras))
	for i := range cameras {
		c := &r.Cameras[i]
		prep, err := preprocess.NewCamera(config, c.Width, c.Height)
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", c.Name, err)
		}
		cameras[i] = camera{c, i, c.EgoFromCamera.Pose(), prep.Crop.Matrix(), prep}
	}
	rank := func(c camera) int {
		if i := slices.Index(m.Cameras, c.Name); i >= 0 {
			return i
		}
		return len(m.Cameras)
	}
	slices.SortStableFunc(cameras, func(a, b camera) int { return rank(a) - rank(b) })
	return cameras, nil
}

// sameCalibration reports whether two rigs' numbers are equal.
func sameCalibration(a, b *perception.Rig) bool {
	return a == b || a.EgoFromLidar == b.EgoFromLidar && reflect.DeepEqual(a.Cameras, b.Cameras)
}

// poses returns the camera's pose when it took the image, and its place in the
// set's lidar frame: the vehicle's motion between the two times is in it.
func (c *camera) poses(set *perception.FrameSet, image *perception.Frame) (globalFromCamera, lidarFromCamera geom.Pose) {
	globalFromCamera = image.GlobalFromEgo.Mul(c.egoFromCamera)
	return globalFromCamera, set.GlobalFromLidar().Inv().Mul(globalFromCamera)
}

// numbers writes what the encoder knows about a camera to dst.
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
