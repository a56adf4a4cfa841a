package bench

import (
	"math"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// ring is a vehicle whose cameras look around, on a bend at 10 m/s. As in nuScenes the
// cameras do not expose at the same time, nor at the same times before every set, so
// that each set has poses of its own.
type ring struct {
	m       *model.Manifest
	cameras int
	focal   float64 // of the source's pixels
}

func newRing(m *model.Manifest, cameras int) *ring {
	return &ring{m: m, cameras: cameras, focal: 1266.0 / 1600 * float64(m.Image.Source.Width)}
}

// picture returns what decides where a camera's image is placed.
func (r *ring) picture() preprocess.Picture {
	w, h := float64(r.m.Image.Source.Width), float64(r.m.Image.Source.Height)
	return preprocess.Picture{Size: r.source(), Focal: r.focal, CenterX: w / 2, CenterY: h / 2, Horizon: h / 2}
}

func (r *ring) source() geom.Size {
	return geom.Size{Width: r.m.Image.Source.Width, Height: r.m.Image.Source.Height}
}

// period is the time between sets, seconds.
const period = 0.5

// set returns the time of a set.
func (r *ring) set(frame int) time.Time {
	return time.Unix(1_700_000_000, 0).UTC().Add(time.Duration(float64(frame) * period * float64(time.Second)))
}

// globalFromEgo returns where the vehicle is after t seconds.
func (r *ring) globalFromEgo(t float64) geom.Pose {
	const speed, turn = 10.0, 0.05 // metres and radians a second
	yaw := turn * t
	return geom.NewPose(geom.QuatFromYaw(yaw), geom.Vec3{speed / turn * math.Sin(yaw), speed / turn * (1 - math.Cos(yaw)), 0})
}

// globalFromModel returns where the model's frame, the lidar's, is at a set's time.
func (r *ring) globalFromModel(frame int) geom.Pose {
	egoFromModel := geom.NewPose(geom.QuatFromYaw(-math.Pi/2), geom.Vec3{0.94, 0, 1.84})
	return r.globalFromEgo(period * float64(frame)).Mul(egoFromModel)
}

// captured returns when a camera exposes for a set, seconds.
func (r *ring) captured(frame, camera int) float64 {
	return period*float64(frame) - 0.05*float64(camera)/float64(r.cameras) - 0.002*float64((7*frame+3*camera)%5)
}

// placed returns the cameras of a set in the global frame, each at its capture.
func (r *ring) placed(frame int) []geom.Camera {
	ahead := geom.Mat3{0, 0, 1, -1, 0, 0, 0, -1, 0} // camera axes in a frame with x forward, z up
	config := pipeline.PreprocessConfig(r.m)
	crop := config.Crop()
	p := r.picture()
	all := make([]geom.Camera, r.cameras)
	for i := range all {
		yaw := geom.QuatFromYaw(2 * math.Pi * float64(i) / float64(r.cameras))
		egoFromCamera := geom.NewPose(yaw, geom.Vec3{0.9, 0, 1.5}).Mul(geom.Pose{R: ahead, T: geom.Vec3{0.6, 0, 0}})
		all[i] = geom.Camera{
			Pose:       r.globalFromEgo(r.captured(frame, i)).Mul(egoFromCamera),
			Intrinsics: geom.Mat3{p.Focal, 0, p.CenterX, 0, p.Focal, p.CenterY, 0, 0, 1},
			Augment:    crop.Matrix(),
		}
	}
	return all
}

// own returns the cameras of a set in the model's frame.
func (r *ring) own(frame int) []geom.Camera {
	all, model := r.placed(frame), r.globalFromModel(frame)
	for i := range all {
		all[i].Pose = all[i].Pose.RelativeTo(model)
	}
	return all
}
