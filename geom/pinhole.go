package geom

// PixelsFromCamera returns the matrix that maps camera coordinates to the
// homogeneous pixels [u z, v z, z] of an image that augment, acting on
// [u, v, d, 1], scaled and cropped. The last row of intrinsics is 0, 0, 1, and
// augment leaves the depth alone.
func PixelsFromCamera(intrinsics Mat3, augment Mat4) Mat3 {
	a := augment
	return Mat3{
		a[0], a[1], a[3],
		a[4], a[5], a[7],
		0, 0, 1,
	}.Mul(intrinsics)
}
