package synth

import "math"

// caster is a block that keeps light from flat ground: a rectangle of half
// sizes a and b around a point, from one height to another.
type caster struct {
	at       point
	a, b     float64
	from, to float64
	strength float32
	sin, cos float64 // of the heading
}

const (
	shadowCell  = 5.0
	shadowCells = 40
)

// shadows finds the casters near a place by a grid around the camera.
type shadows struct {
	x0, y0  float64
	casters []caster
	cells   [shadowCells * shadowCells][]int32
	slope   [2]float64 // how far a shadow reaches per metre of height
}

// begin empties the grid and centres it.
func (s *shadows) begin(x, y float64, l *lighting) {
	half := shadowCell * shadowCells / 2
	s.x0, s.y0 = x-half, y-half
	s.casters = s.casters[:0]
	for i := range s.cells {
		s.cells[i] = s.cells[i][:0]
	}
	s.slope = [2]float64{-l.sun[0] / l.sun[2], -l.sun[1] / l.sun[2]}
}

func (s *shadows) add(c caster) {
	const reach = 0.8 // of contact shadows
	r := math.Hypot(c.a, c.b) + reach
	dx, dy := s.slope[0]*c.to, s.slope[1]*c.to
	i0, i1 := s.cellRange(c.at.x+min(0, dx)-r-s.x0, c.at.x+max(0, dx)+r-s.x0)
	j0, j1 := s.cellRange(c.at.y+min(0, dy)-r-s.y0, c.at.y+max(0, dy)+r-s.y0)
	if i0 > i1 || j0 > j1 {
		return
	}
	c.sin, c.cos = math.Sincos(c.at.heading)
	k := int32(len(s.casters))
	s.casters = append(s.casters, c)
	for j := j0; j <= j1; j++ {
		for i := i0; i <= i1; i++ {
			q := &s.cells[j*shadowCells+i]
			*q = append(*q, k)
		}
	}
}

func (s *shadows) cellRange(a, b float64) (int, int) {
	return max(0, int(math.Floor(a/shadowCell))), min(shadowCells-1, int(math.Floor(b/shadowCell)))
}

// at returns the shares of the sky's and of the sun's light that reach the
// ground there.
func (s *shadows) at(x, y float64) (ambient, sun float32) {
	i, j := int(math.Floor((x-s.x0)/shadowCell)), int(math.Floor((y-s.y0)/shadowCell))
	ambient, sun = 1, 1
	if i < 0 || j < 0 || i >= shadowCells || j >= shadowCells {
		return ambient, sun
	}
	for _, k := range s.cells[j*shadowCells+i] {
		a, b := s.casters[k].dim(x, y, s.slope)
		ambient *= a
		sun = min(sun, b)
	}
	return ambient, sun
}

// dim returns what one caster lets through to a place.
func (c *caster) dim(x, y float64, slope [2]float64) (ambient, sun float32) {
	sin, cos := c.sin, c.cos
	dx, dy := x-c.at.x, y-c.at.y
	px, py := cos*dx+sin*dy, cos*dy-sin*dx
	ambient = 1
	if c.from < 0.5 {
		ex, ey := max(0, math.Abs(px)-c.a), max(0, math.Abs(py)-c.b)
		k := clamp01(1 - float32(math.Sqrt(ex*ex+ey*ey))/0.55)
		ambient = 1 - 0.72*k*k*c.strength
	}
	sx, sy := cos*slope[0]+sin*slope[1], cos*slope[1]-sin*slope[0]
	lo, hi := c.from, c.to
	lo, hi = overlap(lo, hi, px, sx, c.a)
	lo, hi = overlap(lo, hi, py, sy, c.b)
	// The share of light falls over the first 0.25 m of height in the way.
	return ambient, 1 - c.strength*clamp01(float32(hi-lo)*4)
}

// overlap narrows the heights [lo, hi] to those at which p - h s lies within
// half of 0.
func overlap(lo, hi, p, s, half float64) (float64, float64) {
	if math.Abs(s) < 1e-9 {
		if math.Abs(p) > half {
			return 0, -1
		}
		return lo, hi
	}
	a, b := (p-half)/s, (p+half)/s
	return max(lo, min(a, b)), min(hi, max(a, b))
}
