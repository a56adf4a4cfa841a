package model

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// Frame is the frame of reference that the network works in: where the origin of
// the bird's-eye grid stands on a vehicle and how its axes turn. It is in the base
// frame: origin on the ground under the middle of the rear axle, x forward, y left,
// z up.
type Frame struct {
	Translation [3]float64 `yaml:"translation,flow"` // metres
	Rotation    [4]float64 `yaml:"rotation,flow"`    // quaternion w, x, y, z
	OwnLidar    OwnLidar   `yaml:"own_lidar,omitempty"`
}

// OwnLidar says that training had the frame of each vehicle's own lidar. A rig whose
// lidar is mounted so near to the frame keeps its own. If it is absent, training
// had one frame on all vehicles.
type OwnLidar struct {
	Metres  float64 `yaml:"metres"`
	Degrees float64 `yaml:"degrees"`
}

// Of the reference, which was trained on nuScenes: the frame of LIDAR_TOP, which is
// mounted a little otherwise on each vehicle, and the size of the cameras' images.
var (
	referenceFrame = Frame{
		Translation: [3]float64{0.94, 0, 1.84},
		Rotation:    [4]float64{math.Sqrt2 / 2, 0, 0, -math.Sqrt2 / 2}, // x to the right, y forward
		OwnLidar:    OwnLidar{Metres: 0.1, Degrees: 4},
	}
	referenceSource = Pixels{Width: 1600, Height: 900}
)

// Transform returns the frame's place in the base frame.
func (f *Frame) Transform() geom.Transform {
	return geom.Transform{
		Rotation:    geom.Quat{W: f.Rotation[0], X: f.Rotation[1], Y: f.Rotation[2], Z: f.Rotation[3]},
		Translation: f.Translation,
	}
}

// Owns reports whether a lidar that is mounted so is one of those whose own frame
// training had.
func (f *Frame) Owns(baseFromLidar geom.Pose) bool {
	own := f.Transform().Pose()
	apart := baseFromLidar.T.Sub(own.T).Norm()
	turn := own.R.Transpose().Mul(baseFromLidar.R)
	cos := max(-1, min((turn[0]+turn[4]+turn[8]-1)/2, 1))
	return apart <= f.OwnLidar.Metres && math.Acos(cos)*180/math.Pi <= f.OwnLidar.Degrees && f.OwnLidar != OwnLidar{}
}

func (f *Frame) check(faults *faults) {
	faults.require(f.Transform().IsFinite(), "frame", f.Transform(), "finite numbers and a quaternion of length 1")
	faults.require(between(f.OwnLidar.Metres, 0, 10), "frame.own_lidar.metres", f.OwnLidar.Metres, "0 to 10")
	faults.require(between(f.OwnLidar.Degrees, 0, 180), "frame.own_lidar.degrees", f.OwnLidar.Degrees, "0 to 180")
}
