package perception

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// Placement is where a detection's box is, in some frame of reference that its
// holder names.
type Placement struct {
	Center   geom.Vec3
	Velocity geom.Vec3 // over ground, metres a second

	// The heading is moved along beside the rotation, not derived from it: a
	// rotation's yaw and quaternion round differently, and both are published.
	heading geom.Vec3 // of the length axis, of length one
	frame   geom.Quat // this frame from the one of the detection
	yaw     float64   // of the length axis there
}

// Placement returns where the box is in the model's frame.
func (d *Detection) Placement() Placement {
	return Placement{
		Center:   d.Center,
		Velocity: geom.Vec3{d.Velocity[0], d.Velocity[1], 0},
		heading:  geom.Vec3{math.Cos(d.Yaw), math.Sin(d.Yaw), 0},
		frame:    geom.Quat{W: 1},
		yaw:      d.Yaw,
	}
}

// In returns the placement in frame b, given the pose of the frame a that p is
// in. Frames compose: p.In(egoFromModel).In(globalFromEgo) is in the global one.
func (p Placement) In(bFromA geom.Pose) Placement {
	return Placement{
		Center:   bFromA.Apply(p.Center),
		Velocity: bFromA.R.Apply(p.Velocity),
		heading:  bFromA.R.Apply(p.heading),
		frame:    geom.QuatFromMat3(bFromA.R).Mul(p.frame),
		yaw:      p.yaw,
	}
}

// Lidar returns where a detection's box is in the rig's lidar frame, nil if the rig
// has no lidar. If that is the model's frame, it is the same numbers.
func (r *Result) Lidar(d *Detection) *Placement {
	if r.EgoFromLidar == nil {
		return nil
	}
	p := d.Placement()
	if *r.EgoFromLidar != r.EgoFromModel {
		p = p.In(r.EgoFromModel.RelativeTo(*r.EgoFromLidar))
	}
	return &p
}

// Yaw returns the angle of the length axis about z, from x, in the ground plane
// of the frame; radians in (-pi, pi].
func (p *Placement) Yaw() float64 { return math.Atan2(p.heading[1], p.heading[0]) }

// Rotation returns the frame from the box's own axes: length, width, height.
func (p *Placement) Rotation() geom.Quat { return p.frame.Mul(geom.QuatFromYaw(p.yaw)) }
