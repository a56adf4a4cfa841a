package synth

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

const imageWidth, imageHeight = 1600, 900

// camera is one calibrated camera of a drive's rig.
type camera struct {
	name          string
	intrinsics    geom.Mat3
	egoFromCamera geom.Transform
	delay         float64 // of its exposure after the lidar's time, seconds
	gain          color
}

// mounts are the cameras' nominal places, like those of nuScenes' vehicles.
// The exposures follow the lidar's sweep, as theirs do.
var mounts = []struct {
	name       string
	x, y, z    float64
	yaw        float64 // degrees to the left
	focal      float64
	delayMilli float64
}{
	{"CAM_FRONT_LEFT", 1.52, 0.49, 1.51, 55, 1266, -40},
	{"CAM_FRONT", 1.70, 0.01, 1.51, 0, 1266, -35},
	{"CAM_FRONT_RIGHT", 1.55, -0.49, 1.49, -55, 1266, -27},
	{"CAM_BACK_RIGHT", 1.01, -0.48, 1.56, -110, 1266, -20},
	{"CAM_BACK", 0.03, 0.00, 1.57, 180, 809, -10},
	{"CAM_BACK_LEFT", 1.03, 0.48, 1.59, 110, 1266, -1},
}

// egoFromLidar mounts the lidar with x to the right and y ahead.
var egoFromLidar = geom.Transform{
	Rotation:    geom.QuatFromYaw(-math.Pi / 2),
	Translation: geom.Vec3{0.94, 0, 1.84},
}

// newRig calibrates a drive's cameras: each a little off its nominal place.
func newRig(d dice) []camera {
	// Camera axes x right, y down, z ahead from ego axes x ahead, y left, z up.
	egoFromOptical := geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5}
	rig := make([]camera, len(mounts))
	for i, m := range mounts {
		jitter := func(by float64) float64 { return by * max(-2, min(2, d.NormFloat64())) }
		turn := geom.QuatFromYaw(m.yaw*math.Pi/180 + jitter(0.003))
		tilt := geom.Quat{W: 1, X: jitter(0.001), Y: jitter(0.0015)}.Unit()
		f := m.focal * (1 + jitter(0.004))
		rig[i] = camera{
			name:       m.name,
			intrinsics: geom.Mat3{f, 0, 816 + jitter(4), 0, f, 491 + jitter(4), 0, 0, 1},
			egoFromCamera: geom.Transform{
				Rotation:    turn.Mul(tilt).Mul(egoFromOptical).Unit(),
				Translation: geom.Vec3{m.x + jitter(0.005), m.y + jitter(0.005), m.z + jitter(0.005)},
			},
			delay: m.delayMilli / 1000,
			gain:  d.tint(color{1, 1, 1}, 0.025).scale(float32(d.between(0.93, 1.07))),
		}
	}
	return rig
}

// egoPose is worldFromEgo at a time, swaying slightly on its springs.
func (w *world) egoPose(t float64) geom.Pose {
	p := w.ego.at(t)
	const sway = 0.0025
	pitch := sway * math.Sin(1.7*t+p.x*0.11)
	roll := sway * math.Sin(1.3*t+p.y*0.13)
	q := geom.QuatFromYaw(p.heading).Mul(geom.Quat{W: 1, X: roll / 2, Y: pitch / 2}.Unit())
	return geom.NewPose(q, geom.Vec3{p.x, p.y, 0})
}

// through returns the intrinsics of the camera's images, full or of a window.
func (c *camera) through(o *Window) geom.Mat3 {
	k := c.intrinsics
	if o != nil {
		k[0], k[4] = o.Scale*k[0], o.Scale*k[4]
		k[2], k[5] = o.Scale*(k[2]+0.5)-0.5-float64(o.Left), o.Scale*(k[5]+0.5)-0.5-float64(o.Top)
	}
	return k
}

// view is what the camera sees at a time, full or through a window.
func (c *camera) view(w *world, t float64, o *Window) view {
	k := c.through(o)
	v := view{
		worldFromCamera: w.egoPose(t).Mul(c.egoFromCamera.Pose()),
		fx:              k[0], fy: k[4], cx: k[2], cy: k[5],
		samples: 2, noise: 1,
	}
	v.width, v.height = o.size()
	if o != nil {
		v.samples, v.soften, v.noise = 3, true, float32(o.Scale)
	}
	return v
}
