package geom

// Camera is a pinhole camera placed in some frame of reference, which its
// holder names, with the image that a network sees of it.
type Camera struct {
	Pose       Pose // coordinates of that frame from the camera's
	Intrinsics Mat3 // source pixels from camera coordinates; its last row is 0, 0, 1
	Augment    Mat4 // network pixels from source pixels, on [u, v, d, 1]; it leaves d alone
}

// PixelsFromCamera returns the matrix that maps camera coordinates to
// homogeneous network pixels [u z, v z, z].
func (c *Camera) PixelsFromCamera() Mat3 {
	a := &c.Augment
	return Mat3{
		a[0], a[1], a[3],
		a[4], a[5], a[7],
		0, 0, 1,
	}.Mul(c.Intrinsics)
}
