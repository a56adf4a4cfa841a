package bench

import "github.com/solofusion/solofusion/geom"

// points counts the points of the frustums that lie in the grid, and the runs of those
// that follow each other along a ray within one cell.
type points struct{ kept, runs int64 }

// points counts those of a set.
func (r *ring) points(frame int) (p points) {
	m, size := r.m, r.m.Coarse()
	for _, c := range r.own(frame) {
		back := c.Pose.R.Mul(c.PixelsFromCamera().Inv())
		for i := range size.Pixels() {
			u := float64(i%size.Width) * float64(m.Image.Width-1) / float64(size.Width-1)
			v := float64(i/size.Width) * float64(m.Image.Height-1) / float64(size.Height-1)
			ray, before := back.Apply(geom.Vec3{u, v, 1}), -1
			for b := range m.Depth.Count {
				cell := cellOf(m.Grid, ray.Scale(m.Depth.Edge(b)).Add(c.Pose.T))
				if cell >= 0 {
					p.kept++
				}
				if cell >= 0 && cell != before {
					p.runs++
				}
				before = cell
			}
		}
	}
	return p
}

// cellOf returns the cell of a point, -1 outside the grid.
func cellOf(g geom.Grid, p geom.Vec3) int {
	var index [3]int
	for i, a := range [3]geom.Axis{g.X, g.Y, g.Z} {
		at := (p[i] - a.Min()) / a.Step()
		if !(at > -1 && at < float64(a.Cells())) {
			return -1
		}
		index[i] = int(at)
	}
	return index[1]*g.X.Cells() + index[0]
}

// seen counts the points of a set that are tested, in each camera of the set before that
// sees them. samples are the bins [N, h, w, K]; if it is nil, they are evenly spread.
func (r *ring) seen(frame int, samples []int32) (n int64) {
	m, coarse, fine := r.m, r.m.Coarse(), r.m.Fine()
	block, stride, k := fine.Width/coarse.Width, float64(m.Features.StereoStride), m.Stereo.Samples
	before := r.placed(frame - 1)
	for camera, c := range r.placed(frame) {
		back := c.PixelsFromCamera().Inv()
		for _, b := range before {
			pixels, move := b.PixelsFromCamera(), c.Pose.RelativeTo(b.Pose)
			direction, shift := pixels.Mul(move.R).Mul(back), pixels.Apply(move.T)
			for i := range fine.Pixels() {
				x, y := i%fine.Width, i/fine.Width
				ray := direction.Apply(geom.Vec3{(float64(x) + 0.5) * stride, (float64(y) + 0.5) * stride, 1})
				pixel := (camera*coarse.Height+y/block)*coarse.Width + x/block
				for s := range k {
					bin := (2*s + 1) * m.Depth.Count / (2 * k)
					if samples != nil {
						bin = int(samples[pixel*k+s])
					}
					if inside(ray.Scale(m.Depth.Center(bin)).Add(shift), m.Image.Size()) {
						n++
					}
				}
			}
		}
	}
	return n
}

// inside reports whether a point in homogeneous pixels is in front of the camera and in
// its image.
func inside(p geom.Vec3, size geom.Size) bool {
	const near = 1e-5
	return p[2] > near && p[0] > 0 && p[1] > 0 && p[0] < p[2]*float64(size.Width) && p[1] < p[2]*float64(size.Height)
}
