package geom

import "math"

// Vec3 is a point or a direction.
type Vec3 [3]float64

// Add returns v + w.
func (v Vec3) Add(w Vec3) Vec3 { return Vec3{v[0] + w[0], v[1] + w[1], v[2] + w[2]} }

// Sub returns v - w.
func (v Vec3) Sub(w Vec3) Vec3 { return Vec3{v[0] - w[0], v[1] - w[1], v[2] - w[2]} }

// Scale returns s v.
func (v Vec3) Scale(s float64) Vec3 {
	return Vec3{float64(s * v[0]), float64(s * v[1]), float64(s * v[2])}
}

// Dot returns the inner product of v and w.
func (v Vec3) Dot(w Vec3) float64 {
	return float64(v[0]*w[0]) + float64(v[1]*w[1]) + float64(v[2]*w[2])
}

// Cross returns the vector product of v and w.
func (v Vec3) Cross(w Vec3) Vec3 {
	return Vec3{float64(v[1]*w[2]) - float64(v[2]*w[1]), float64(v[2]*w[0]) - float64(v[0]*w[2]), float64(v[0]*w[1]) - float64(v[1]*w[0])}
}

// Norm returns the Euclidean length of v.
func (v Vec3) Norm() float64 { return math.Sqrt(v.Dot(v)) }

// IsFinite reports whether no component is NaN or infinite.
func (v Vec3) IsFinite() bool { return finite(v[:]) }

// Pose is a rigid transform: p ↦ R p + T.
type Pose struct {
	R Mat3
	T Vec3
}

// IdentityPose maps every point to itself.
func IdentityPose() Pose { return Pose{R: Identity3()} }

// NewPose is the transform that turns by q, then moves by t.
func NewPose(q Quat, t Vec3) Pose { return Pose{R: q.Mat3(), T: t} }

// Mul returns the transform that applies b, then a.
func (a Pose) Mul(b Pose) Pose {
	return Pose{R: a.R.Mul(b.R), T: a.R.Apply(b.T).Add(a.T)}
}

// Inv returns the transform that undoes a; it relies on a.R being a rotation.
func (a Pose) Inv() Pose {
	r := a.R.Transpose()
	return Pose{R: r, T: r.Apply(a.T).Scale(-1)}
}

// RelativeTo returns b⁻¹ a. Unlike that product it does not lose digits if both are far
// from the origin of their frame.
func (a Pose) RelativeTo(b Pose) Pose {
	r := b.R.Transpose()
	return Pose{R: r.Mul(a.R), T: r.Apply(a.T.Sub(b.T))}
}

// Apply maps the point p.
func (a Pose) Apply(p Vec3) Vec3 { return a.R.Apply(p).Add(a.T) }

// IsFinite reports whether no entry is NaN or infinite.
func (a Pose) IsFinite() bool { return finite(a.R[:]) && a.T.IsFinite() }

// Mat4 returns the homogeneous matrix of the transform.
func (a Pose) Mat4() Mat4 {
	r, t := a.R, a.T
	return Mat4{
		r[0], r[1], r[2], t[0],
		r[3], r[4], r[5], t[1],
		r[6], r[7], r[8], t[2],
		0, 0, 0, 1,
	}
}

// Lerp returns the pose a fraction f of the way from a to b: the translation
// goes straight, the rotation along the shortest arc at constant speed. f = 0
// and f = 1 return a and b themselves, bit for bit.
func (a Pose) Lerp(b Pose, f float64) Pose {
	switch f {
	case 0:
		return a
	case 1:
		return b
	}
	return Pose{
		R: QuatFromMat3(a.R).Slerp(QuatFromMat3(b.R), f).Mat3(),
		T: a.T.Add(b.T.Sub(a.T).Scale(f)),
	}
}

func finite(s []float64) bool {
	for _, x := range s {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// Transform is a pose as tables and messages carry it. It is kept in that form
// if the same bits must arrive by every way.
type Transform struct {
	Rotation    Quat
	Translation Vec3
}

// IdentityTransform maps every point to itself.
func IdentityTransform() Transform { return Transform{Rotation: Quat{W: 1}} }

// Pose returns the transform as a matrix.
func (t Transform) Pose() Pose { return NewPose(t.Rotation, t.Translation) }

// IsFinite reports whether all numbers are finite and the quaternion is a rotation. The
// matrix of one that is far too long or too short would be without any.
func (t Transform) IsFinite() bool {
	return t.Rotation.IsRotation() && t.Translation.IsFinite()
}
