package stereo

import "github.com/solofusion/solofusion/geom"

// View is what one camera saw in a frame.
type View struct {
	Features         []float32 // sh sw S, L2-normalised descriptors; read during Step
	GlobalFromCamera geom.Pose // at the image's capture time
	Intrinsics       geom.Mat3 // source pixels from camera coordinates
	Augment          geom.Mat4 // network pixels from source pixels, on [u, v, d, 1]
}

// pair maps pixels of a current camera with a depth to a previous camera: the
// homogeneous network pixel of (x, y) at depth d is ray·(x, y, 1)·d + shift,
// and its third component the depth there.
type pair struct {
	prev  int // index of the previous view
	ray   geom.Mat3
	shift geom.Vec3
}

func newPair(cur, prev *View, index int) pair {
	prevFromCur := prev.GlobalFromCamera.Inv().Mul(cur.GlobalFromCamera)
	pixels := geom.PixelsFromCamera(prev.Intrinsics, prev.Augment)
	back := geom.PixelsFromCamera(cur.Intrinsics, cur.Augment).Inv()
	return pair{
		prev:  index,
		ray:   pixels.Mul(prevFromCur.R).Mul(back),
		shift: pixels.Apply(prevFromCur.T),
	}
}

// minDepth is the depth in a previous camera beyond which a point is in front
// of it.
const minDepth = 1e-5

// margin keeps rounding from culling a point that lies on an image's edge.
const margin = 1e-9

// misses reports whether no point between the pixels (x0, y0) and (x1, y1) at
// depths in [near, far] falls into the previous image. The region is the convex
// hull of its eight corners, and so is its image in homogeneous pixels; it
// misses where all corners are beyond the same edge or behind the camera.
func (p *pair) misses(x0, y0, x1, y1, near, far float64, image Size) bool {
	w, h := float64(image.Width), float64(image.Height)
	left, right, above, below, behind := true, true, true, true, true
	for _, x := range [2]float64{x0, x1} {
		for _, y := range [2]float64{y0, y1} {
			r := p.ray.Apply(geom.Vec3{x, y, 1})
			for _, d := range [2]float64{near, far} {
				q := r.Scale(d).Add(p.shift)
				left = left && q[0] < -margin
				right = right && q[0] > float64(w*q[2])+margin
				above = above && q[1] < -margin
				below = below && q[1] > float64(h*q[2])+margin
				behind = behind && q[2] < minDepth-margin
			}
		}
	}
	return left || right || above || below || behind
}
