package synth

import (
	"image"
	"math"

	"github.com/solofusion/solofusion/geom"
)

// painter renders images one after another; each goroutine has its own.
type painter struct {
	raster  raster
	shadows shadows
	rgba    *image.RGBA
	depth   []float32
	soft    []uint8
}

// shot is a rendered image with what it shows of each object. Its pixels and
// depths are the painter's, valid until it paints again.
type shot struct {
	view    view
	rgba    *image.RGBA
	depth   []float32 // metres along the camera's z, 0 for sky
	visible []float64 // by object: share of a square radian seen
	covered []float64 // by object: the same were nothing in the way
}

// paint renders the world as the view sees it at time t.
func (p *painter) paint(w *world, v view, t float64, gain color, noiseSeed uint32) shot {
	p.draw(w, v, t)
	if p.rgba == nil || p.rgba.Rect.Dx() != v.width || p.rgba.Rect.Dy() != v.height {
		p.rgba = image.NewRGBA(image.Rect(0, 0, v.width, v.height))
		p.depth = make([]float32, v.width*v.height)
	}
	s := shader{&p.raster, w, &w.light, &p.shadows, gain}
	for y := range v.height {
		for x := range v.width {
			c, z := s.pixel(x, y)
			i := y*v.width + x
			p.depth[i] = float32(z)
			k := 1 + w.light.sensorNoise*v.noise*0.012*(hash01(int32(x), int32(y), noiseSeed)+hash01(int32(x), int32(y), noiseSeed+1)-1)
			px := w.light.encode(c.scale(k), gain)
			copy(p.rgba.Pix[4*i:], []uint8{px[0], px[1], px[2], 255})
		}
	}
	if v.soften {
		soften(p.rgba, &p.soft)
	}
	return p.measure(v, len(w.objects))
}

// soften widens the pixels' square aperture to the triangle that a resize by
// bilinear interpolation with antialiasing has. Three taps stand for the
// second square, weighed so that they fit its response in the middle of the
// band from a quarter of the sampling rate to half of it.
func soften(m *image.RGBA, tmp *[]uint8) {
	*tmp = append((*tmp)[:0], m.Pix...)
	blend(*tmp, m.Pix, m.Rect.Dx(), m.Rect.Dy(), 4, m.Stride)
	blend(m.Pix, *tmp, m.Rect.Dy(), m.Rect.Dx(), m.Stride, 4)
}

// blend filters n pixels a step apart, in each of the lines; the ends keep
// their values.
func blend(dst, src []uint8, n, lines, step, line int) {
	for y := range lines {
		for x := 1; x < n-1; x++ {
			i := y*line + x*step
			for k := i; k < i+3; k++ {
				dst[k] = uint8((uint32(src[k-step]) + 12*uint32(src[k]) + uint32(src[k+step]) + 7) / 14)
			}
		}
	}
}

// draw fills the visibility buffer and the shadows' grid.
func (p *painter) draw(w *world, v view, t float64) {
	r := &p.raster
	r.begin(v, len(w.objects))
	eye := v.worldFromCamera.T
	p.shadows.begin(eye[0], eye[1], &w.light)
	for _, c := range w.casters {
		p.shadows.add(c)
	}
	for i := range w.props {
		if q := &w.props[i]; r.visible(q.center, q.radius) {
			r.draw(&q.mesh, geom.IdentityPose(), -1)
		}
	}
	for i := range w.objects {
		o := &w.objects[i]
		pose := o.pose(t)
		f := o.footprint(t)
		strength := float32(1)
		if o.sheer {
			strength = 0.6
		}
		p.shadows.add(caster{at: f.at, a: f.a * 0.96, b: f.b * 0.96, to: o.size[2] * 0.92, strength: strength})
		middle := pose.T.Add(geom.Vec3{0, 0, o.size[2] / 2})
		if r.visible(middle, math.Sqrt(o.size[0]*o.size[0]+o.size[1]*o.size[1]+o.size[2]*o.size[2])/2) {
			r.draw(o.shape(t), pose, i)
		}
	}
}

// measure counts what is seen of each object.
func (p *painter) measure(v view, objects int) shot {
	r := &p.raster
	s := shot{view: v, rgba: p.rgba, depth: p.depth, visible: make([]float64, objects), covered: make([]float64, objects)}
	n := float64(v.samples)
	area := 1 / (n * n * v.fx * v.fy)
	for _, id := range r.id {
		if id > 0 {
			if o := r.drawn[id-1].object; o >= 0 {
				s.visible[o] += area
			}
		}
	}
	for i, c := range r.covered {
		s.covered[i] = float64(c) * area
	}
	return s
}

// depthImage is the depth at 1/256 m, 0 for sky and beyond its range.
func (s *shot) depthImage() *image.Gray16 {
	m := image.NewGray16(s.rgba.Rect)
	for i, z := range s.depth {
		if k := z*256 + 0.5; k < 65536 {
			m.Pix[2*i], m.Pix[2*i+1] = uint8(uint32(k)>>8), uint8(uint32(k))
		}
	}
	return m
}

// points samples the surfaces seen, in world coordinates.
func (s *shot) points(every int, add func(p geom.Vec3)) {
	for y := every / 2; y < s.view.height; y += every {
		for x := every / 2; x < s.view.width; x += every {
			z := float64(s.depth[y*s.view.width+x])
			if z <= 0 || z > 90 {
				continue
			}
			add(s.view.worldFromCamera.Apply(geom.Vec3{(float64(x) - s.view.cx) / s.view.fx * z, (float64(y) - s.view.cy) / s.view.fy * z, z}))
		}
	}
}
