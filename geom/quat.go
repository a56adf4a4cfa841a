package geom

import "math"

// Quat is a quaternion w + xi + yj + zk; those of unit length are rotations.
type Quat struct{ W, X, Y, Z float64 }

// QuatFromYaw returns the rotation by yaw about z.
func QuatFromYaw(yaw float64) Quat {
	s, c := math.Sincos(yaw / 2)
	return Quat{W: c, Z: s}
}

// Norm returns the length of q.
func (q Quat) Norm() float64 {
	return math.Sqrt(float64(q.W*q.W) + float64(q.X*q.X) + float64(q.Y*q.Y) + float64(q.Z*q.Z))
}

// Unit returns q scaled to length one.
func (q Quat) Unit() Quat {
	n := 1 / q.Norm()
	return Quat{n * q.W, n * q.X, n * q.Y, n * q.Z}
}

// IsFinite reports whether no component is NaN or infinite.
func (q Quat) IsFinite() bool { return finite([]float64{q.W, q.X, q.Y, q.Z}) }

// IsRotation reports whether q is finite and of a length, 1e-6 to 1e6, that may be one of
// rounding or of another scale, so that Unit is the rotation that was meant.
func (q Quat) IsRotation() bool {
	n := q.Norm()
	return q.IsFinite() && n >= 1e-6 && n <= 1e6
}

// Mul returns the rotation that turns by r, then by q.
func (q Quat) Mul(r Quat) Quat {
	return Quat{
		float64(q.W*r.W) - float64(q.X*r.X) - float64(q.Y*r.Y) - float64(q.Z*r.Z),
		float64(q.W*r.X) + float64(q.X*r.W) + float64(q.Y*r.Z) - float64(q.Z*r.Y),
		float64(q.W*r.Y) - float64(q.X*r.Z) + float64(q.Y*r.W) + float64(q.Z*r.X),
		float64(q.W*r.Z) + float64(q.X*r.Y) - float64(q.Y*r.X) + float64(q.Z*r.W),
	}
}

// Mat3 returns the rotation matrix of q, which need not be of unit length.
func (q Quat) Mat3() Mat3 {
	q = q.Unit()
	w, x, y, z := q.W, q.X, q.Y, q.Z
	return Mat3{
		1 - 2*(float64(y*y)+float64(z*z)), 2 * (float64(x*y) - float64(w*z)), 2 * (float64(x*z) + float64(w*y)),
		2 * (float64(x*y) + float64(w*z)), 1 - 2*(float64(x*x)+float64(z*z)), 2 * (float64(y*z) - float64(w*x)),
		2 * (float64(x*z) - float64(w*y)), 2 * (float64(y*z) + float64(w*x)), 1 - 2*(float64(x*x)+float64(y*y)),
	}
}

// QuatFromMat3 returns the unit quaternion of the rotation matrix m, with a
// positive first non-zero component. It takes the largest of the four
// candidate components as the divisor (Shepperd's method).
func QuatFromMat3(m Mat3) Quat {
	t := m[0] + m[4] + m[8]
	var q Quat
	switch {
	case t >= m[0] && t >= m[4] && t >= m[8]:
		q = Quat{1 + t, m[7] - m[5], m[2] - m[6], m[3] - m[1]}
	case m[0] >= m[4] && m[0] >= m[8]:
		q = Quat{m[7] - m[5], 1 + m[0] - m[4] - m[8], m[1] + m[3], m[2] + m[6]}
	case m[4] >= m[8]:
		q = Quat{m[2] - m[6], m[1] + m[3], 1 - m[0] + m[4] - m[8], m[5] + m[7]}
	default:
		q = Quat{m[3] - m[1], m[2] + m[6], m[5] + m[7], 1 - m[0] - m[4] + m[8]}
	}
	if q.W < 0 || (q.W == 0 && (q.X < 0 || (q.X == 0 && (q.Y < 0 || (q.Y == 0 && q.Z < 0))))) {
		q = Quat{-q.W, -q.X, -q.Y, -q.Z}
	}
	return q.Unit()
}

// Yaw returns the heading of the rotated x axis in the x-y plane.
func (q Quat) Yaw() float64 {
	m := q.Mat3()
	return math.Atan2(m[3], m[0])
}

// Slerp returns the rotation a fraction f of the way along the shortest arc
// from q to r.
func (q Quat) Slerp(r Quat, f float64) Quat {
	d := float64(q.W*r.W) + float64(q.X*r.X) + float64(q.Y*r.Y) + float64(q.Z*r.Z)
	if d < 0 {
		r, d = Quat{-r.W, -r.X, -r.Y, -r.Z}, -d
	}
	a, b := 1-f, f
	if d < 0.9995 {
		theta := math.Acos(d)
		s := 1 / math.Sin(theta)
		a, b = s*math.Sin((1-f)*theta), s*math.Sin(f*theta)
	}
	return Quat{
		float64(a*q.W) + float64(b*r.W), float64(a*q.X) + float64(b*r.X), float64(a*q.Y) + float64(b*r.Y), float64(a*q.Z) + float64(b*r.Z),
	}.Unit()
}
