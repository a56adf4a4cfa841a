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
	return math.Sqrt(q.W*q.W + q.X*q.X + q.Y*q.Y + q.Z*q.Z)
}

// Unit returns q scaled to length one.
func (q Quat) Unit() Quat {
	n := 1 / q.Norm()
	return Quat{n * q.W, n * q.X, n * q.Y, n * q.Z}
}

// IsFinite reports whether no component is NaN or infinite.
func (q Quat) IsFinite() bool { return finite([]float64{q.W, q.X, q.Y, q.Z}) }

// Mul returns the rotation that turns by r, then by q.
func (q Quat) Mul(r Quat) Quat {
	return Quat{
		q.W*r.W - q.X*r.X - q.Y*r.Y - q.Z*r.Z,
		q.W*r.X + q.X*r.W + q.Y*r.Z - q.Z*r.Y,
		q.W*r.Y - q.X*r.Z + q.Y*r.W + q.Z*r.X,
		q.W*r.Z + q.X*r.Y - q.Y*r.X + q.Z*r.W,
	}
}

// Mat3 returns the rotation matrix of q, which need not be of unit length.
func (q Quat) Mat3() Mat3 {
	q = q.Unit()
	w, x, y, z := q.W, q.X, q.Y, q.Z
	return Mat3{
		1 - 2*(y*y+z*z), 2 * (x*y - w*z), 2 * (x*z + w*y),
		2 * (x*y + w*z), 1 - 2*(x*x+z*z), 2 * (y*z - w*x),
		2 * (x*z - w*y), 2 * (y*z + w*x), 1 - 2*(x*x+y*y),
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
	d := q.W*r.W + q.X*r.X + q.Y*r.Y + q.Z*r.Z
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
		a*q.W + b*r.W, a*q.X + b*r.X, a*q.Y + b*r.Y, a*q.Z + b*r.Z,
	}.Unit()
}
