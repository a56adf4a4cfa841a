package perception

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// The tolerance is by how much the numbers of two calibrations may differ that mean the
// same. What a network makes of an image does not depend on differences so small,
// which rounding and encodings leave; a calibration that was measured anew differs
// by more.
const (
	tolerancePixels = 0.05
	toleranceMetres = 0.001
	far             = 50 // metres: a turn of the base or the lidar is one that moves things there by less than the tolerance
)

// Same reports whether both calibrations mean the same: the same cameras of the same
// size in the same order, whose intrinsics differ by at most 0.05 pixels, places by at
// most 1 mm, and directions by at most what moves a far pixel by 0.05; and the same base
// and lidar. Two quaternions of one rotation are the same. Both must be valid.
//
// To let small changes add up to a change, compare with the calibration in force,
// not with the last that was sent.
func (r *Rig) Same(other *Rig) bool {
	if len(r.Cameras) != len(other.Cameras) {
		return false
	}
	for i := range r.Cameras {
		if !r.Cameras[i].same(&other.Cameras[i]) {
			return false
		}
	}
	return samePlace(r.EgoFromBase, other.EgoFromBase) && samePlace(r.EgoFromLidar, other.EgoFromLidar)
}

// SameCameras reports whether both have cameras of the same names, in any order.
func (r *Rig) SameCameras(other *Rig) bool {
	if len(r.Cameras) != len(other.Cameras) {
		return false
	}
	for i := range r.Cameras {
		if other.Index(r.Cameras[i].Name) < 0 {
			return false
		}
	}
	return true
}

func (c *Camera) same(other *Camera) bool {
	if c.Name != other.Name || c.Width != other.Width || c.Height != other.Height {
		return false
	}
	for i := range c.Intrinsics {
		if math.Abs(c.Intrinsics[i]-other.Intrinsics[i]) > tolerancePixels {
			return false
		}
	}
	return near(&c.EgoFromCamera, &other.EgoFromCamera, tolerancePixels/max(c.Intrinsics[0], c.Intrinsics[4]))
}

func samePlace(a, b *geom.Transform) bool {
	return a == b || a != nil && b != nil && near(a, b, toleranceMetres/far)
}

// near reports whether two transforms differ by at most the tolerance in place and by
// at most that angle, in radians.
func near(a, b *geom.Transform, angle float64) bool {
	if a.Translation.Sub(b.Translation).Norm() > toleranceMetres {
		return false
	}
	// Of a small turn the vector part is half the angle; the dot product is too flat at 1.
	p, q := a.Rotation.Unit(), b.Rotation.Unit()
	turn := geom.Quat{W: p.W, X: -p.X, Y: -p.Y, Z: -p.Z}.Mul(q)
	return 2*math.Sqrt(turn.X*turn.X+turn.Y*turn.Y+turn.Z*turn.Z) <= angle
}
