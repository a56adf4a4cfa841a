package perception

import (
	"errors"
	"fmt"
	"math"

	"github.com/solofusion/solofusion/geom"
)

// What a calibration may say. Beyond it a number is of another unit, another image or
// another matrix, and boxes would be wrong without a word.
const (
	MaxCameras = 64 // in a rig: each takes memory for its image, tables and features

	minSide, maxSide   = 4, 16384  // of an image, pixels; decoders end there
	minFocal, maxFocal = 0.05, 100 // of the longer side: fields of view of 169 and of 0.6 degrees
	maxSkew            = 0.25      // of the focal length
	beyond             = 0.5       // of the image, by which the principal point may be outside
	maxReach           = 50        // metres of a camera, the base or a lidar from the ego frame
)

// Validate returns an error naming the first camera whose calibration cannot be
// right, the number, its value, and what would be right: duplicate or unusable names,
// sizes that no image has, numbers that are not finite, intrinsics of another form, a
// focal length or a principal point of another image, translations in another unit.
func (r *Rig) Validate() error {
	if err := r.validate(); err != nil {
		return fmt.Errorf("perception: rig %q%w", r.Name, err)
	}
	return nil
}

func (r *Rig) validate() error {
	switch n := len(r.Cameras); {
	case n == 0:
		return errors.New(" has no cameras")
	case n > MaxCameras:
		return fmt.Errorf(" has %d cameras, want at most %d", n, MaxCameras)
	}
	if err := checkTransform(r.EgoFromLidar); err != nil {
		return fmt.Errorf(": the lidar's pose: ego_from_lidar.%w", err)
	}
	if err := checkTransform(r.EgoFromBase); err != nil {
		return fmt.Errorf(": the base's pose: ego_from_base.%w", err)
	}
	seen := make(map[string]bool, len(r.Cameras))
	for i := range r.Cameras {
		c := &r.Cameras[i]
		if err := CheckName(c.Name); err != nil {
			return fmt.Errorf(": name %q of a camera: %w", c.Name, err)
		}
		if seen[c.Name] {
			return fmt.Errorf(": camera %s appears twice", c.Name)
		}
		seen[c.Name] = true
		if err := c.validate(); err != nil {
			return fmt.Errorf(": camera %s: %w", c.Name, err)
		}
	}
	return nil
}

func (c *Camera) validate() error {
	if min(c.Width, c.Height) < minSide || max(c.Width, c.Height) > maxSide {
		return fmt.Errorf("image size %d x %d, want %d to %d pixels a side", c.Width, c.Height, minSide, maxSide)
	}
	if err := checkTransform(&c.EgoFromCamera); err != nil {
		return fmt.Errorf("ego_from_camera.%w", err)
	}
	for i, v := range c.Intrinsics {
		if !finite(v) {
			return fmt.Errorf("intrinsics[%d] is %v, want a finite number", i, v)
		}
	}
	if !isPinhole(&c.Intrinsics) {
		return fmt.Errorf("its intrinsics are %.6g by rows, want fx, skew, cx, 0, fy, cy, 0, 0, 1%s", c.Intrinsics, guess(&c.Intrinsics))
	}
	return c.checkPinhole()
}

// checkPinhole judges intrinsics of the right form by the size of the image.
func (c *Camera) checkPinhole() error {
	fx, skew, cx, fy, cy := c.Intrinsics[0], c.Intrinsics[1], c.Intrinsics[2], c.Intrinsics[4], c.Intrinsics[5]
	w, h := float64(c.Width), float64(c.Height)
	least, most := minFocal*max(w, h), maxFocal*max(w, h)
	switch {
	case fx < least || fx > most || fy < least || fy > most:
		return fmt.Errorf("focal lengths are %.6g and %.6g pixels, want %g to %g at %d x %d: positive, in pixels of the images as they are sent",
			fx, fy, least, most, c.Width, c.Height)
	case math.Abs(skew) > maxSkew*fx:
		return fmt.Errorf("skew is %.6g pixels, want at most a quarter of the focal length %.6g: is the matrix by rows?", skew, fx)
	case cx == 0 && cy == 0:
		return errors.New("its principal point is (0, 0), want the pixel that the optical axis meets")
	case cx < -beyond*w || cx > (1+beyond)*w || cy < -beyond*h || cy > (1+beyond)*h:
		return fmt.Errorf("its principal point (%.6g, %.6g) is far outside its images of %d x %d pixels, want the pixel that the optical axis meets",
			cx, cy, c.Width, c.Height)
	}
	return nil
}

// checkTransform returns an error that begins with the field's name, nil for nil.
func checkTransform(t *geom.Transform) error {
	if t == nil {
		return nil
	}
	q := t.Rotation
	switch {
	case !q.IsFinite():
		return fmt.Errorf("rotation is %v (w, x, y, z), want finite numbers", q)
	case !q.IsRotation():
		return fmt.Errorf("rotation is a quaternion of length %.3g, want length 1", q.Norm())
	case !t.Translation.IsFinite():
		return fmt.Errorf("translation is %v, want finite numbers", t.Translation)
	}
	if reach := t.Translation.Norm(); reach > maxReach {
		return fmt.Errorf("translation is %.4g, which is %.4g m from the ego frame, want at most %d m: is it in millimetres?",
			t.Translation, reach, maxReach)
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// isPinhole reports whether below its diagonal a matrix has zeros, and one at its
// end. Others are transposed, or of homogeneous coordinates of another scale.
func isPinhole(k *geom.Mat3) bool {
	const rounding = 1e-6
	return max(math.Abs(k[3]), math.Abs(k[6]), math.Abs(k[7]), math.Abs(k[8]-1)) < rounding
}

// guess says what a matrix that is not a pinhole's seems to be.
func guess(k *geom.Mat3) string {
	transposed := k.Transpose()
	switch {
	case isPinhole(&transposed):
		return ": it seems to be transposed"
	case k[3] == 0 && k[6] == 0 && k[7] == 0:
		return ": its last number must be 1"
	}
	return ""
}
