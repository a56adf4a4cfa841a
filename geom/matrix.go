package geom

// Mat3 is a 3 x 3 matrix, row major.
type Mat3 [9]float64

// Identity3 returns the 3 x 3 identity.
func Identity3() Mat3 { return Mat3{1, 0, 0, 0, 1, 0, 0, 0, 1} }

// Mul returns the product a b.
func (a Mat3) Mul(b Mat3) Mat3 {
	var c Mat3
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = float64(a[3*i]*b[j]) + float64(a[3*i+1]*b[3+j]) + float64(a[3*i+2]*b[6+j])
		}
	}
	return c
}

// Apply returns a v.
func (a Mat3) Apply(v Vec3) Vec3 {
	return Vec3{
		float64(a[0]*v[0]) + float64(a[1]*v[1]) + float64(a[2]*v[2]),
		float64(a[3]*v[0]) + float64(a[4]*v[1]) + float64(a[5]*v[2]),
		float64(a[6]*v[0]) + float64(a[7]*v[1]) + float64(a[8]*v[2]),
	}
}

// Transpose returns a with rows and columns exchanged.
func (a Mat3) Transpose() Mat3 {
	return Mat3{a[0], a[3], a[6], a[1], a[4], a[7], a[2], a[5], a[8]}
}

// Det returns the determinant of a.
func (a Mat3) Det() float64 {
	return float64(a[0]*(float64(a[4]*a[8])-float64(a[5]*a[7]))) -
		float64(a[1]*(float64(a[3]*a[8])-float64(a[5]*a[6]))) +
		float64(a[2]*(float64(a[3]*a[7])-float64(a[4]*a[6])))
}

// Inv returns the inverse of a by cofactors; its entries are not finite if a
// is singular.
func (a Mat3) Inv() Mat3 {
	d := 1 / a.Det()
	return Mat3{
		d * (float64(a[4]*a[8]) - float64(a[5]*a[7])), d * (float64(a[2]*a[7]) - float64(a[1]*a[8])), d * (float64(a[1]*a[5]) - float64(a[2]*a[4])),
		d * (float64(a[5]*a[6]) - float64(a[3]*a[8])), d * (float64(a[0]*a[8]) - float64(a[2]*a[6])), d * (float64(a[2]*a[3]) - float64(a[0]*a[5])),
		d * (float64(a[3]*a[7]) - float64(a[4]*a[6])), d * (float64(a[1]*a[6]) - float64(a[0]*a[7])), d * (float64(a[0]*a[4]) - float64(a[1]*a[3])),
	}
}

// IsFinite reports whether no entry is NaN or infinite.
func (a Mat3) IsFinite() bool { return finite(a[:]) }

// Mat4 is a 4 x 4 matrix, row major, acting on homogeneous columns.
type Mat4 [16]float64

// Mul returns the product a b.
func (a Mat4) Mul(b Mat4) Mat4 {
	var c Mat4
	for i := range 4 {
		for j := range 4 {
			for k := range 4 {
				c[4*i+j] += float64(a[4*i+k] * b[4*k+j])
			}
		}
	}
	return c
}
