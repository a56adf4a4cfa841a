package synth

import "math"

// vec is a point or direction of a mesh: metres, x forward, y left, z up.
type vec [3]float32

func (a vec) add(b vec) vec             { return vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func (a vec) sub(b vec) vec             { return vec{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func (a vec) mul(k float32) vec         { return vec{k * a[0], k * a[1], k * a[2]} }
func (a vec) dot(b vec) float32         { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func (a vec) lerp(b vec, t float32) vec { return a.mul(1 - t).add(b.mul(t)) }
func (a vec) cross(b vec) vec {
	return vec{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}
func (a vec) unit() vec {
	n := float32(math.Sqrt(float64(a.dot(a))))
	if n == 0 {
		return a
	}
	return a.mul(1 / n)
}

// paint is what a face looks like: a material and what varies it.
type paint struct {
	kind  material
	color color
	glow  float32 // light it sends by itself, as a share of its colour
	ref   int     // which road or façade of the world, for materials that use it
}

func matt(c color) paint { return paint{kind: plain, color: c} }

// corner is a vertex with its texture coordinates in metres.
type corner struct {
	p    vec
	u, v float32
}

// face is a convex planar polygon. Its corners go anticlockwise seen from
// outside, but nothing relies on it.
type face struct {
	corners []corner
	normal  vec
	paint   paint
}

// mesh is a set of faces in one frame of reference.
type mesh struct{ faces []face }

// polygon adds a face whose texture coordinates run along its first edge and
// up from it.
func (m *mesh) polygon(p paint, pts ...vec) {
	n := normalOf(pts)
	e := pts[1].sub(pts[0]).unit()
	f := n.cross(e)
	c := make([]corner, len(pts))
	for i, q := range pts {
		r := q.sub(pts[0])
		c[i] = corner{q, r.dot(e), r.dot(f)}
	}
	m.faces = append(m.faces, face{c, n, p})
}

// textured adds a face with given texture coordinates.
func (m *mesh) textured(p paint, c ...corner) {
	pts := make([]vec, len(c))
	for i := range c {
		pts[i] = c[i].p
	}
	m.faces = append(m.faces, face{c, normalOf(pts), p})
}

// normalOf is Newell's normal of a polygon.
func normalOf(pts []vec) vec {
	var n vec
	for i, a := range pts {
		n = n.add(a.cross(pts[(i+1)%len(pts)]))
	}
	return n.unit()
}

// hull adds the six sides of a block given by its bottom and top rectangles,
// corners in order front left, back left, back right, front right.
func (m *mesh) hull(p paint, bottom, top [4]vec) {
	m.polygon(p, bottom[3], bottom[2], bottom[1], bottom[0])
	m.polygon(p, top[0], top[1], top[2], top[3])
	for i := range 4 {
		j := (i + 1) % 4
		m.polygon(p, bottom[i], bottom[j], top[j], top[i])
	}
}

func rectangle(x0, x1, y0, y1, z float32) [4]vec {
	return [4]vec{{x1, y1, z}, {x0, y1, z}, {x0, y0, z}, {x1, y0, z}}
}

func (m *mesh) box(p paint, x0, x1, y0, y1, z0, z1 float32) {
	m.hull(p, rectangle(x0, x1, y0, y1, z0), rectangle(x0, x1, y0, y1, z1))
}

// slab extrudes a convex outline in x and z between two y.
func (m *mesh) slab(p paint, y0, y1 float32, outline ...[2]float32) {
	left, right := make([]vec, len(outline)), make([]vec, len(outline))
	for i, o := range outline {
		left[i], right[i] = vec{o[0], y1, o[1]}, vec{o[0], y0, o[1]}
	}
	m.polygon(p, left...)
	m.polygon(p, right...)
	for i := range outline {
		j := (i + 1) % len(outline)
		m.polygon(p, left[i], left[j], right[j], right[i])
	}
}

// bar is a square beam of thickness t from a to b.
func (m *mesh) bar(p paint, a, b vec, t float32) { m.taper(p, a, b, t/2, t/2, 4) }

// taper is a round beam from a to b with radii ra and rb and n sides.
func (m *mesh) taper(p paint, a, b vec, ra, rb float32, n int) {
	d := b.sub(a).unit()
	e := vec{0, 0, 1}.cross(d)
	if e.dot(e) < 1e-4 {
		e = vec{0, 1, 0}
	}
	e = e.unit()
	f := d.cross(e)
	lo, hi := make([]vec, n), make([]vec, n)
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * (float64(i) + 0.5) / float64(n))
		r := e.mul(float32(c)).add(f.mul(float32(s)))
		lo[i], hi[i] = a.add(r.mul(ra)), b.add(r.mul(rb))
	}
	for i := range n {
		j := (i + 1) % n
		if rb == 0 {
			m.polygon(p, lo[i], lo[j], b)
			continue
		}
		m.polygon(p, lo[i], lo[j], hi[j], hi[i])
	}
	if ra > 0 {
		m.polygon(p, lo...)
	}
	if rb > 0 {
		m.polygon(p, hi...)
	}
}

// ball is a faceted ellipsoid.
func (m *mesh) ball(p paint, c, r vec, around, rings int) {
	at := func(i, j int) vec {
		s, k := math.Sincos(2 * math.Pi * float64(i) / float64(around))
		z, q := math.Sincos(math.Pi * (float64(j)/float64(rings) - 0.5))
		return c.add(vec{r[0] * float32(k*q), r[1] * float32(s*q), r[2] * float32(z)})
	}
	for j := range rings {
		for i := range around {
			switch j {
			case 0:
				m.polygon(p, at(i, 0), at(i+1, 1), at(i, 1))
			case rings - 1:
				m.polygon(p, at(i, j), at(i+1, j), at(i, rings))
			default:
				m.polygon(p, at(i, j), at(i+1, j), at(i+1, j+1), at(i, j+1))
			}
		}
	}
}

// wheel is a disc that rolls along x, with a tyre and a hub.
func (m *mesh) wheel(x, y, r, width float32) {
	tyre, hub := matt(rgb(38, 38, 40)), matt(rgb(135, 137, 142))
	const n = 12
	var a, b, c, d [n]vec
	for i := range n {
		s, k := math.Sincos(2 * math.Pi * float64(i) / n)
		dx, dz := r*float32(k), r*float32(s)
		a[i], b[i] = vec{x + dx, y - width/2, r + dz}, vec{x + dx, y + width/2, r + dz}
		c[i], d[i] = vec{x + dx*0.55, y - width/2 - 0.012, r + dz*0.55}, vec{x + dx*0.55, y + width/2 + 0.012, r + dz*0.55}
	}
	for i := range n {
		j := (i + 1) % n
		m.polygon(tyre, a[i], a[j], b[j], b[i])
	}
	m.polygon(tyre, a[:]...)
	m.polygon(tyre, b[:]...)
	m.polygon(hub, c[:]...)
	m.polygon(hub, d[:]...)
}

// ring is a thin wheel of a cycle, with spokes.
func (m *mesh) ring(x, r, width float32) {
	tyre, spoke := matt(rgb(35, 35, 35)), matt(rgb(150, 150, 155))
	const n = 14
	at := func(i int, k float32) vec {
		s, c := math.Sincos(2 * math.Pi * float64(i) / n)
		return vec{x + r*k*float32(c), 0, r + r*k*float32(s)}
	}
	y := vec{0, width / 2, 0}
	for i := range n {
		a, b, c, d := at(i, 1), at(i+1, 1), at(i+1, 0.82), at(i, 0.82)
		m.polygon(tyre, a.add(y), b.add(y), c.add(y), d.add(y))
		m.polygon(tyre, a.sub(y), b.sub(y), c.sub(y), d.sub(y))
		m.polygon(tyre, a.sub(y), b.sub(y), b.add(y), a.add(y))
	}
	for i := range n / 2 {
		m.bar(spoke, at(i, 0.85), at(i+n/2, 0.85), 0.012)
	}
}

// decal lays a quad over part of the face with corners q (as the unit square
// u along q0 q1, v along q0 q3), lifted off it.
func (m *mesh) decal(p paint, q [4]vec, u0, u1, v0, v1, lift float32) {
	at := func(u, v float32) vec { return q[0].lerp(q[1], u).lerp(q[3].lerp(q[2], u), v) }
	up := normalOf(q[:]).mul(lift)
	m.polygon(p, at(u0, v0).add(up), at(u1, v0).add(up), at(u1, v1).add(up), at(u0, v1).add(up))
}

// bounds returns the smallest and largest coordinates of the meshes together.
func bounds(ms []mesh) (lo, hi vec) {
	lo, hi = vec{1e9, 1e9, 1e9}, vec{-1e9, -1e9, -1e9}
	for _, m := range ms {
		for _, f := range m.faces {
			for _, c := range f.corners {
				for k := range 3 {
					lo[k], hi[k] = min(lo[k], c.p[k]), max(hi[k], c.p[k])
				}
			}
		}
	}
	return lo, hi
}

// fit scales and moves the meshes so that together they fill the box of that
// width, length and height that stands on z = 0 around the origin.
func fit(ms []mesh, size [3]float64) {
	lo, hi := bounds(ms)
	want := vec{float32(size[1]), float32(size[0]), float32(size[2])}
	var k, t vec
	for i := range 3 {
		k[i] = want[i] / (hi[i] - lo[i])
		t[i] = -k[i] * (hi[i] + lo[i]) / 2
	}
	t[2] = -k[2] * lo[2]
	for _, m := range ms {
		for i := range m.faces {
			f := &m.faces[i]
			pts := make([]vec, len(f.corners))
			for j := range f.corners {
				p := &f.corners[j].p
				for a := range 3 {
					p[a] = p[a]*k[a] + t[a]
				}
				pts[j] = *p
			}
			f.normal = normalOf(pts)
		}
	}
}
