package stereo

import (
	"math"

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
	prev  int // index of the previous view
	edges [5]edge
}

func (c *Config) newPair(cur, prev *View, index int) pair {
	prevFromCur := cur.Camera.Pose.RelativeTo(prev.Camera.Pose)
	stride := float64(c.stride())
	pixels := geom.Mat3{1 / stride, 0, 0, 0, 1 / stride, 0, 0, 0, 1}.Mul(prev.Camera.PixelsFromCamera())
	back := cur.Camera.PixelsFromCamera().Inv().Mul(geom.Mat3{stride, 0, 0, 0, stride, 0, 0, 0, 1})
	p := pair{prev: index, Projection: kernel.Projection{
		Ray:   pixels.Mul(prevFromCur.R).Mul(back),
		Shift: pixels.Apply(prevFromCur.T),
	}}
	p.edges = p.border(float64(c.Stereo.Width), float64(c.Stereo.Height))
	return p
}

// edge is a linear function of a point's homogeneous descriptor in the previous
// camera that is negative beyond one edge of the image. For descriptor (x', y') at
// depth d of the current camera it is (x·x' + y·y' + one)·d + shift.
type edge struct{ x, y, one, shift float64 }

// border returns the edges of a map, and the one of what is behind the camera.
func (p *pair) border(width, height float64) [5]edge {
	row := func(i int) edge { return edge{p.Ray[3*i], p.Ray[3*i+1], p.Ray[3*i+2], p.Shift[i]} }
	left, above, depth := row(0), row(1), row(2)
	front := depth
	front.shift -= kernel.MinDepth
	return [5]edge{left, depth.less(width, left), above, depth.less(height, above), front}
}

// less returns scale·e - f.
func (e edge) less(scale float64, f edge) edge {
	return edge{scale*e.x - f.x, scale*e.y - f.y, scale*e.one - f.one, scale*e.shift - f.shift}
}

// region is a rectangle of descriptors: its centre, and half its sides.
type region struct{ x, y, halfWidth, halfHeight float64 }

func (c *Config) region(x, y, width, height int) region {
	w, h := float64(width)/2, float64(height)/2
	return region{float64(x) + w, float64(y) + h, w, h}
}

// margin keeps rounding from culling a point that lies on an image's edge.
const margin = 1e-9

// misses reports whether no point in the region at depths in [near, far] falls into
// the previous image: whether all are beyond the same edge. An edge's function is
// linear in the region and in the depth, so its largest value is in a corner.
func (p *pair) misses(r *region, near, far float64) bool {
	for i := range p.edges {
		e := &p.edges[i]
		most := e.x*r.x + e.y*r.y + e.one + math.Abs(e.x)*r.halfWidth + math.Abs(e.y)*r.halfHeight
		if most*near+e.shift < -margin && most*far+e.shift < -margin {
			return true
		}
	}
	return false
}
