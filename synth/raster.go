package synth

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// near is the distance of the near clipping plane in metres.
const near = 0.15

// view is a pinhole camera in a place: pixel x of a point at camera
// coordinates (X, Y, Z) is cx + fx X/Z.
type view struct {
	worldFromCamera geom.Pose
	fx, fy, cx, cy  float64
	width, height   int
	samples         int     // per pixel and direction
	soften          bool    // widen the pixels as a resize would
	noise           float32 // of the sensor, as a share of a full image's
}

// drawn is a face as one image shows it. Over the screen 1/z, u/z and v/z are
// affine, so three numbers define each of them: value, and change per pixel
// along x and y. What only colours need is worked out for faces that are seen.
type drawn struct {
	w      [3]float64
	face   *face
	stand  int32 // index into the raster's stands
	object int32
	lit    bool // the rest is worked out
	u, v   [3]float64
	light  color
}

// stand is where a mesh stands.
type stand struct{ world, camera geom.Pose }

func (d *drawn) depth(x, y float64) float64 { return 1 / (d.w[0] + d.w[1]*x + d.w[2]*y) }

// raster is a visibility buffer: for each sample the nearest face. It is
// reused from image to image by one goroutine.
type raster struct {
	view
	cameraFromWorld geom.Pose
	w               int       // samples in a row
	h               int       // rows of samples
	nearest         []float32 // 1/z of the nearest face, 0 for sky
	id              []int32   // index into drawn + 1, 0 for sky
	stamp           []int32   // the last object that touched a sample
	drawn           []drawn
	stands          []stand
	covered         []int32 // by object: samples it would fill alone
	lo, hi          []float64
}

// begin empties the buffer for a new image.
func (r *raster) begin(v view, objects int) {
	r.view, r.cameraFromWorld = v, v.worldFromCamera.Inv()
	r.w, r.h = v.width*v.samples, v.height*v.samples
	if n := r.w * r.h; len(r.id) != n {
		r.nearest, r.id, r.stamp = make([]float32, n), make([]int32, n), make([]int32, n)
	}
	clear(r.nearest)
	clear(r.id)
	clear(r.stamp)
	if len(r.lo) != r.h {
		r.lo, r.hi = make([]float64, r.h), make([]float64, r.h)
	}
	r.drawn, r.stands = r.drawn[:0], r.stands[:0]
	r.covered = append(r.covered[:0], make([]int32, objects)...)
}

// visible reports whether a sphere around c may be in the image.
func (r *raster) visible(c geom.Vec3, radius float64) bool {
	p := r.cameraFromWorld.Apply(c)
	if p[2] < near-radius {
		return false
	}
	inside := func(x, f, lo, hi float64) bool {
		// Signed distances to the two planes through the lens and the border.
		a, b := (lo-0.5)/f, (hi+0.5)/f
		return x-a*p[2] > -radius*math.Hypot(1, a) && x-b*p[2] < radius*math.Hypot(1, b)
	}
	return inside(p[0], r.fx, -r.cx, float64(r.width-1)-r.cx) && inside(p[1], r.fy, -r.cy, float64(r.height-1)-r.cy)
}

// draw adds a mesh that stands at the pose. Object is its number from 0, or -1
// for scenery.
func (r *raster) draw(m *mesh, worldFromMesh geom.Pose, object int) {
	pose := r.cameraFromWorld.Mul(worldFromMesh)
	r.stands = append(r.stands, stand{worldFromMesh, pose})
	var buf [16]geom.Vec3
	for i := range m.faces {
		f := &m.faces[i]
		pts := buf[:0]
		behind := 0
		for j := range f.corners {
			p := apply(&pose, &f.corners[j].p)
			if p[2] < near {
				behind++
			}
			pts = append(pts, p)
		}
		if behind == len(pts) || r.outside(pts) {
			continue
		}
		d := drawn{face: f, stand: int32(len(r.stands) - 1), object: int32(object)}
		if !r.plane(&d, pts) {
			continue
		}
		if behind > 0 {
			pts = clipNear(pts)
		}
		r.drawn = append(r.drawn, d)
		if !r.fill(pts, int32(len(r.drawn)), object) {
			r.drawn = r.drawn[:len(r.drawn)-1]
		}
	}
}

// apply is pose.Apply for a mesh's point.
func apply(pose *geom.Pose, v *vec) geom.Vec3 {
	x, y, z := float64(v[0]), float64(v[1]), float64(v[2])
	m, t := &pose.R, &pose.T
	return geom.Vec3{
		m[0]*x + m[1]*y + m[2]*z + t[0],
		m[3]*x + m[4]*y + m[5]*z + t[1],
		m[6]*x + m[7]*y + m[8]*z + t[2],
	}
}

// outside reports whether all points lie beyond one border of the image.
func (r *raster) outside(pts []geom.Vec3) bool {
	var out [4]int
	x0, x1 := (-0.5-r.cx)/r.fx, (float64(r.width)-0.5-r.cx)/r.fx
	y0, y1 := (-0.5-r.cy)/r.fy, (float64(r.height)-0.5-r.cy)/r.fy
	for _, p := range pts {
		if p[0] < x0*p[2] {
			out[0]++
		}
		if p[0] > x1*p[2] {
			out[1]++
		}
		if p[1] < y0*p[2] {
			out[2]++
		}
		if p[1] > y1*p[2] {
			out[3]++
		}
	}
	n := len(pts)
	return out[0] == n || out[1] == n || out[2] == n || out[3] == n
}

// frame names three corners of the face that are far apart.
func (f *face) frame() (a, b, c int) {
	n := len(f.corners)
	if n == 3 {
		return 0, 1, 2
	}
	return 0, n / 2, n - 1
}

// plane finds the face's screen-affine 1/z. It fails for faces seen edge on.
func (r *raster) plane(d *drawn, pts []geom.Vec3) bool {
	a, b, c := d.face.frame()
	n := pts[b].Sub(pts[a]).Cross(pts[c].Sub(pts[a]))
	nn := n.Dot(n)
	dist := n.Dot(pts[a])
	if nn < 1e-16 || dist*dist < 1e-12*nn {
		return false
	}
	d.w = r.screen(n.Scale(1/dist), 0, [3]float64{})
	return true
}

// finish works out a face's light and texture coordinates.
func (r *raster) finish(d *drawn, light *lighting) {
	s := &r.stands[d.stand]
	a, b, c := d.face.frame()
	ca, cb, cc := &d.face.corners[a], &d.face.corners[b], &d.face.corners[c]
	pa := apply(&s.camera, &ca.p)
	e1, e2 := apply(&s.camera, &cb.p).Sub(pa), apply(&s.camera, &cc.p).Sub(pa)
	n := e1.Cross(e2)
	nn := n.Dot(n)
	g1, g2 := e2.Cross(n).Scale(1/nn), n.Cross(e1).Scale(1/nn)
	attribute := func(qa, qb, qc float32) [3]float64 {
		g := g1.Scale(float64(qb - qa)).Add(g2.Scale(float64(qc - qa)))
		return r.screen(g, float64(qa)-g.Dot(pa), d.w)
	}
	d.u, d.v = attribute(ca.u, cb.u, cc.u), attribute(ca.v, cb.v, cc.v)
	up := d.face.normal
	normal := s.world.R.Apply(geom.Vec3{float64(up[0]), float64(up[1]), float64(up[2])})
	if normal.Dot(r.worldFromCamera.T.Sub(apply(&s.world, &d.face.corners[0].p))) < 0 {
		normal = normal.Scale(-1)
	}
	d.light, d.lit = light.on(normal), true
}

// screen turns g · ray + k w into its affine form over the screen.
func (r *raster) screen(g geom.Vec3, k float64, w [3]float64) [3]float64 {
	x, y := g[0]/r.fx, g[1]/r.fy
	return [3]float64{g[2] - x*r.cx - y*r.cy + k*w[0], x + k*w[1], y + k*w[2]}
}

func clipNear(pts []geom.Vec3) []geom.Vec3 {
	out := make([]geom.Vec3, 0, len(pts)+1)
	for i, p := range pts {
		q := pts[(i+1)%len(pts)]
		if p[2] >= near {
			out = append(out, p)
		}
		if (p[2] >= near) != (q[2] >= near) {
			t := (near - p[2]) / (q[2] - p[2])
			c := p.Add(q.Sub(p).Scale(t))
			c[2] = near
			out = append(out, c)
		}
	}
	return out
}

// fill writes the samples inside the projected polygon where it is nearest,
// and reports whether there are any.
func (r *raster) fill(pts []geom.Vec3, id int32, object int) bool {
	n := float64(r.samples)
	var buf [17][2]float64
	xy := buf[:0]
	top, bottom := math.Inf(1), math.Inf(-1)
	for _, p := range pts {
		y := (p[1]/p[2]*r.fy+r.cy+0.5)*n - 0.5
		xy = append(xy, [2]float64{(p[0]/p[2]*r.fx+r.cx+0.5)*n - 0.5, y})
		top, bottom = min(top, y), max(bottom, y)
	}
	y0, y1 := int(math.Ceil(max(top, 0))), int(math.Ceil(min(bottom, float64(r.h))))
	if y0 >= y1 {
		return false
	}
	for y := y0; y < y1; y++ {
		r.lo[y], r.hi[y] = math.Inf(1), math.Inf(-1)
	}
	for i, a := range xy {
		r.edge(a, xy[(i+1)%len(xy)], y0, y1)
	}
	d := &r.drawn[id-1]
	// 1/z in sample coordinates: pixel = (sample + 1/2)/n - 1/2.
	off := 0.5/n - 0.5
	step := float32(d.w[1] / n)
	seen := false
	for y := y0; y < y1; y++ {
		x0, x1 := int(math.Ceil(max(r.lo[y], 0))), int(math.Ceil(min(r.hi[y], float64(r.w))))
		if x0 >= x1 {
			continue
		}
		w := float32(d.w[0] + d.w[1]*(float64(x0)/n+off) + d.w[2]*(float64(y)/n+off))
		if r.span(y*r.w+x0, x1-x0, w, step, id, object) {
			seen = true
		}
	}
	return seen
}

// edge widens the rows' extents by one edge; both directions of an edge give
// the same bits, so that neighbours neither overlap nor gape.
func (r *raster) edge(a, b [2]float64, y0, y1 int) {
	if a[1] > b[1] {
		a, b = b, a
	}
	first, last := max(y0, int(math.Ceil(max(a[1], -1)))), min(y1, int(math.Ceil(min(b[1], float64(r.h)))))
	if first >= last {
		return
	}
	slope := (b[0] - a[0]) / (b[1] - a[1])
	for y := first; y < last; y++ {
		x := a[0] + (float64(y)-a[1])*slope
		r.lo[y], r.hi[y] = min(r.lo[y], x), max(r.hi[y], x)
	}
}

// span is one row of fill.
func (r *raster) span(at, n int, w, step float32, id int32, object int) bool {
	nearest, ids := r.nearest[at:at+n], r.id[at:at+n]
	seen := false
	for i := range nearest {
		if z := w + float32(float32(i)*step); z > nearest[i] {
			nearest[i], ids[i] = z, id
			seen = true
		}
	}
	if object < 0 {
		return seen
	}
	mark, count := int32(object+1), int32(0)
	stamp := r.stamp[at : at+n]
	for i := range stamp {
		if stamp[i] != mark {
			stamp[i] = mark
			count++
		}
	}
	r.covered[object] += count
	return seen
}
