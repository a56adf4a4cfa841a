package stereo

import (
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
)

// View is what one camera saw in a frame.
type View struct {
	Camera   geom.Camera // in the global frame, at the image's capture time
	Features []float32   // sh sw S, L2-normalised descriptors; read during Step
}

// pair is a previous camera, and where it sees a current camera's points.
type pair struct {
	kernel.Projection
	prev int // index of the previous view
}

func (c *Config) newPair(cur, prev *View, index int) pair {
	prevFromCur := cur.Camera.Pose.RelativeTo(prev.Camera.Pose)
	pixels := prev.Camera.PixelsFromCamera()
	back := cur.Camera.PixelsFromCamera().Inv()
	return pair{prev: index, Projection: kernel.Projection{
		Ray:   pixels.Mul(prevFromCur.R).Mul(back),
		Shift: pixels.Apply(prevFromCur.T),
		Image: c.Image, Map: c.Stereo, Stride: c.stride(), Block: c.block(), Channels: c.Channels,
	}}
}

// margin keeps rounding from culling a point that lies on an image's edge.
const margin = 1e-9

// misses reports whether no point between the pixels (x0, y0) and (x1, y1) at
// depths in [near, far] falls into the previous image. The region is the convex
// hull of its eight corners, and so is its image in homogeneous pixels; it
// misses if all corners are beyond the same edge or behind the camera.
func (p *pair) misses(x0, y0, x1, y1, near, far float64) bool {
	w, h := float64(p.Image.Width), float64(p.Image.Height)
	left, right, above, below, behind := true, true, true, true, true
	for _, x := range [2]float64{x0, x1} {
		for _, y := range [2]float64{y0, y1} {
			r := p.Ray.Apply(geom.Vec3{x, y, 1})
			for _, d := range [2]float64{near, far} {
				q := r.Scale(d).Add(p.Shift)
				left = left && q[0] < -margin
				right = right && q[0] > float64(w*q[2])+margin
				above = above && q[1] < -margin
				below = below && q[1] > float64(h*q[2])+margin
				behind = behind && q[2] < kernel.MinDepth-margin
			}
		}
	}
	return left || right || above || below || behind
}
