package synth

import "math"

// point is a place on the ground with a heading.
type point struct{ x, y, heading float64 }

// ahead returns the point moved by dx forward and dy to the left.
func (p point) ahead(dx, dy float64) point {
	s, c := math.Sincos(p.heading)
	return point{p.x + c*dx - s*dy, p.y + s*dx + c*dy, p.heading}
}

// turned returns the point with its heading turned by a, anticlockwise.
func (p point) turned(a float64) point { return point{p.x, p.y, p.heading + a} }

// piece is a line or an arc: it starts at a point and bends by curvature per
// metre, to the left if that is positive.
type piece struct {
	start     point
	curvature float64
	length    float64
}

func (p piece) at(s float64) point {
	if p.curvature == 0 {
		return p.start.ahead(s, 0)
	}
	a, r := s*p.curvature, 1/p.curvature
	return p.start.ahead(r*math.Sin(a), r*(1-math.Cos(a))).turned(a)
}

// path is a smooth line over the ground, by arc length from 0. Beyond its ends
// it goes on as its first and last pieces do.
type path []piece

// extend appends a piece where the path ends; the first one starts at from.
func (p path) extend(from point, curvature, length float64) path {
	if len(p) > 0 {
		last := p[len(p)-1]
		from = last.at(last.length)
	}
	return append(p, piece{from, curvature, length})
}

func (p path) length() float64 {
	sum := 0.0
	for _, q := range p {
		sum += q.length
	}
	return sum
}

func (p path) at(s float64) point {
	last := len(p) - 1
	for _, q := range p[:last] {
		if s < q.length {
			return q.at(s)
		}
		s -= q.length
	}
	return p[last].at(s)
}

// side returns the point d to the left of the path at s.
func (p path) side(s, d float64) point { return p.at(s).ahead(0, d) }

// offset returns the parallel path d to the left. Its arc lengths differ in
// bends.
func (p path) offset(d float64) path {
	q := make(path, len(p))
	for i, a := range p {
		k := 1 - a.curvature*d
		q[i] = piece{a.start.ahead(0, d), a.curvature / k, a.length * k}
	}
	return q
}

// reverse returns the path walked from its end.
func (p path) reverse() path {
	q := make(path, len(p))
	for i, a := range p {
		q[len(p)-1-i] = piece{a.at(a.length).turned(math.Pi), -a.curvature, a.length}
	}
	return q
}

// until returns the part of the path before s.
func (p path) until(s float64) path {
	var q path
	for _, a := range p {
		if s <= 0 {
			break
		}
		q = append(q, piece{a.start, a.curvature, min(s, a.length)})
		s -= a.length
	}
	return q
}
