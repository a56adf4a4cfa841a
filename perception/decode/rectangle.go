package decode

import "math"

// point is a place in the ground plane.
type point struct{ x, y float64 }

// rectangle is a box from above.
type rectangle struct {
	center  point
	corners [4]point // counterclockwise
	area    float64
	radius  float64 // from the centre to a corner
}

// newRectangle returns the rectangle whose length axis has the given heading.
func newRectangle(x, y, length, width, heading float64) rectangle {
	s, c := math.Sincos(heading)
	ax, ay := c*length/2, s*length/2
	bx, by := -s*width/2, c*width/2
	return rectangle{
		center: point{x, y},
		corners: [4]point{
			{x + ax + bx, y + ay + by}, {x - ax + bx, y - ay + by},
			{x - ax - bx, y - ay - by}, {x + ax - bx, y + ay - by},
		},
		area:   length * width,
		radius: math.Hypot(length, width) / 2,
	}
}

// iou returns the area of the intersection over that of the union, zero if
// both are empty.
func (r *rectangle) iou(s *rectangle) float64 {
	if r.apart(s) {
		return 0
	}
	common := r.intersection(s)
	if common <= 0 {
		return 0
	}
	return common / (r.area + s.area - common)
}

// apart reports whether the circles around two rectangles do not touch. Most pairs are
// far apart, which squares tell by a margin of more than they are rounded.
func (r *rectangle) apart(s *rectangle) bool {
	dx, dy, reach := r.center.x-s.center.x, r.center.y-s.center.y, r.radius+s.radius
	const margin, tiny = 1 + 1e-9, 1e-300
	return dx*dx+dy*dy > reach*reach*margin+tiny || math.Hypot(dx, dy) > reach
}

// intersection returns the common area: r's corners clipped by each side of s
// (Sutherland and Hodgman), then the shoelace formula about s's centre.
func (r *rectangle) intersection(s *rectangle) float64 {
	var a, b [8]point // a convex quadrangle cut four times has at most 8 corners
	polygon := append(a[:0], r.corners[:]...)
	spare := b[:0]
	for i := range s.corners {
		spare = clip(spare[:0], polygon, s.corners[i], s.corners[(i+1)%4])
		polygon, spare = spare, polygon
	}
	twice := 0.0
	for i, p := range polygon {
		q := polygon[(i+1)%len(polygon)]
		twice += (p.x-s.center.x)*(q.y-s.center.y) - (q.x-s.center.x)*(p.y-s.center.y)
	}
	return twice / 2
}

// clip appends to dst the part of polygon on the left of the line from a to b.
func clip(dst, polygon []point, a, b point) []point {
	side := func(p point) float64 { return (b.x-a.x)*(p.y-a.y) - (b.y-a.y)*(p.x-a.x) }
	for i, p := range polygon {
		q := polygon[(i+1)%len(polygon)]
		sp, sq := side(p), side(q)
		if sp >= 0 {
			dst = append(dst, p)
		}
		if (sp > 0 && sq < 0) || (sp < 0 && sq > 0) {
			f := sp / (sp - sq)
			dst = append(dst, point{p.x + f*(q.x-p.x), p.y + f*(q.y-p.y)})
		}
	}
	return dst
}
