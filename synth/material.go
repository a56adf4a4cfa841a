package synth

import (
	"math"
)

// material is the kind of a surface's texture.
type material uint8

const (
	plain    material = iota
	lacquer           // car paint: reflects the sky a little
	glass             // dark, reflects the sky more
	ribbed            // sheet metal with vertical ribs
	striped           // slanted warning stripes over white
	concrete          // stained grey
	foliage           // leaves
	bark              //
	facade            // a building's wall, ref its style
	asphalt           // a road's surface, ref the road
	paving            // side-walk slabs
	lawn              // grass
)

func (m material) isGround() bool { return m >= asphalt }

// spot is where on a surface a pixel falls, and its footprint along u and v.
type spot struct{ u, v, du, dv float32 }

func (f spot) size() float32 { return max(f.du, f.dv) }

// surface returns the share of each colour's light that a surface sends back
// (for shiny ones with what they mirror) at a spot. The place p and the view's
// ray serve mirrors and textures that must not move with a face.
func (w *world) surface(p *paint, f spot, at, ray place, l *lighting) color {
	c := p.color
	switch p.kind {
	case lacquer:
		return mirror(c, 0.10, ray, l)
	case glass:
		return mirror(c, 0.30, ray, l)
	case ribbed:
		return c.scale(1 - 0.16*pulse(f.u, f.du, 0.42, 0, 0.12) + 0.04*grain(f.u, f.v, f.size(), 0.8, 5))
	case striped:
		return mix(color{0.9, 0.9, 0.88}, c, pulse(f.u+f.v, f.du+f.dv, 0.5, 0, 0.25))
	case concrete:
		return c.scale(1 + 0.1*grain(f.u, f.v, f.size(), 0.5, 7) + 0.08*grain(f.u, f.v, f.size(), 0.09, 8))
	case foliage:
		x, y := float32(at.x+0.6*at.z), float32(at.y+0.8*at.z)
		s := f.size()
		return c.scale(max(0.3, 1+0.35*grain(x, y, s, 0.9, 11)+0.45*grain(x, y, s, 0.28, 12)))
	case bark:
		return c.scale(1 + 0.25*grain(f.u*3, f.v, f.size()*2, 0.3, 13))
	case facade:
		return w.facades[p.ref].surface(f)
	case asphalt:
		return w.roads[p.ref].surface(f, at)
	case paving:
		joint := max(pulse(f.u, f.du, 1.5, 0, 0.05), pulse(f.v, f.dv, 1.5, 0, 0.05))
		slab := hash01(floor32(f.u/1.5), floor32(f.v/1.5), 3) - 0.5
		fade := clamp01(1.5 - f.size())
		return c.scale((1 + 0.14*slab*fade + 0.06*grain(f.u, f.v, f.size(), 0.4, 4)) * (1 - 0.35*joint))
	case lawn:
		x, y := float32(at.x), float32(at.y)
		s := f.size()
		dry := 0.5 + 0.5*noise(x/9, y/9, 21)
		g := mix(c, color{c.r * 1.7, c.g * 1.25, c.b * 0.9}, dry*0.6)
		return g.scale(1 + 0.18*grain(x, y, s, 1.7, 22) + 0.3*grain(x, y, s, 0.2, 23))
	}
	return c
}

// mirror adds the sky above the horizon, and the dark street below it, as a
// vertical surface seen along ray reflects them.
func mirror(c color, share float32, ray place, l *lighting) color {
	up := float32(ray.z / ray.norm())
	t := clamp01(0.5 + up*4)
	return mix(c, mix(color{0.1, 0.1, 0.1}, l.horizon, t), share)
}

// road is a street with its cross section: lanes of one direction on each side
// of the axis, then a cycle lane, then a parking lane, a kerb, a side-walk, a
// verge.
type road struct {
	axis      path
	lanes     int
	walk      float64      // width of the side-walk
	gaps      [][2]float64 // lengths taken by crossing streets' carriageways
	walkGap   [][2]float64 // the same with their side-walks
	zebras    []float64
	tone      color
	lineColor color // of the middle
	cyclePath color // tint of the cycle lane
	seed      uint32
	through   bool // its surface runs through its crossings
}

const (
	laneWidth    = 3.4
	cycleWidth   = 1.6
	parkingWidth = 3.6
	kerbHeight   = 0.12
	vergeWidth   = 9.0
)

// half is the half width of the carriageway.
func (r *road) half() float64 { return float64(r.lanes)*laneWidth + cycleWidth + parkingWidth }

// lane returns the distance of a driving lane's middle from the axis, lane 0
// being next to it.
func (r *road) lane(i int) float64 { return (float64(i) + 0.5) * laneWidth }
func (r *road) cycleLane() float64 { return float64(r.lanes)*laneWidth + cycleWidth/2 }
func (r *road) parking() float64   { return r.half() - parkingWidth/2 + 0.25 }
func (r *road) edge() float64      { return r.half() + r.walk }

// clear reports whether no crossing street takes [s-by, s+by].
func (r *road) clear(s, by float64) bool {
	for _, g := range r.walkGap {
		if s+by > g[0] && s-by < g[1] {
			return false
		}
	}
	return true
}

// surface is asphalt with its marks; u runs along the axis, v across.
func (r *road) surface(f spot, at place) color {
	x, y := float32(at.x), float32(at.y)
	s := f.size()
	k := 1 + 0.10*noise(x/7, y/7, r.seed) + 0.07*grain(x, y, s, 0.9, r.seed+1) + 0.16*grain(x, y, s, 0.07, r.seed+2)
	d := float32(math.Abs(float64(f.v)))
	lanes := float32(r.lanes) * laneWidth
	if d < lanes {
		t := d/laneWidth - float32(floor32(d/laneWidth))
		k *= 0.95 + 0.07*float32(math.Cos(float64(t)*4*math.Pi))
	}
	c := r.tone.scale(k)
	if band(d, f.dv, lanes+0.1, lanes+cycleWidth-0.1) > 0.5 {
		c = mix(c, r.cyclePath.scale(k), 0.8)
	}
	u64 := float64(f.u)
	for _, g := range r.gaps {
		if u64 > g[0]-0.3 && u64 < g[1]+0.3 {
			return c
		}
	}
	wear := 0.88 + 0.12*grain(x, y, s, 0.35, r.seed+3)
	white := color{0.82, 0.82, 0.8}.scale(wear)
	for _, z := range r.zebras {
		if on := band(f.u, f.du, float32(z)-1.5, float32(z)+1.5); on > 0 {
			return mix(c, white, on*pulse(f.v, f.dv, 1.1, 0, 0.55))
		}
		if math.Abs(u64-z) < 6 {
			stop := band(f.u, f.du, float32(z)-3, float32(z)-2.6) + band(f.u, f.du, float32(z)+2.6, float32(z)+3)
			c = mix(c, white, clamp01(stop)*band(d, f.dv, 0.3, lanes))
		}
	}
	c = mix(c, r.lineColor.scale(wear), band(d, f.dv, 0.08, 0.22))
	for i := 1; i < r.lanes; i++ {
		m := float32(i) * laneWidth
		c = mix(c, white, band(d, f.dv, m-0.07, m+0.07)*pulse(f.u, f.du, 9, 0, 3))
	}
	c = mix(c, white, band(d, f.dv, lanes-0.07, lanes+0.07))
	m := lanes + cycleWidth
	c = mix(c, white, band(d, f.dv, m-0.06, m+0.06)*pulse(f.u, f.du, 1.5, 0, 0.8))
	return c
}

// style is the face of a building.
type style struct {
	wall, trim, window, shop color
	storey, pitch            float32
	high, wide               float32 // windows, metres
	shops                    bool
	brick                    bool
	height                   float32
	seed                     uint32
}

// surface is a wall with rows of windows; u runs along it, v up from the
// ground.
func (b *style) surface(f spot) color {
	s := f.size()
	wall := b.wall.scale(1 + 0.07*grain(f.u, f.v, s, 2.2, b.seed) + 0.06*grain(f.u, f.v, s, 0.3, b.seed+1))
	if b.brick {
		wall = wall.scale(1 - 0.2*pulse(f.v, f.dv, 0.25, 0, 0.04)*clamp01(2-8*s))
	}
	if f.v > b.height-0.7 {
		return mix(wall, b.trim, band(f.v, f.dv, b.height-0.6, b.height+1))
	}
	if b.shops && f.v < b.storey {
		return b.shopFront(f, wall)
	}
	left := (b.pitch - b.wide) / 2
	low := (b.storey - b.high) * 0.45
	column, row := floor32(f.u/b.pitch), floor32(f.v/b.storey)
	fade := clamp01(2 - s)
	pane := b.pane(column, row, fade)
	// The upper part of a window mirrors more sky.
	rel := (f.v-float32(row)*b.storey-low)/b.high - 0.5
	pane = pane.scale(1 + 0.35*rel*fade)
	frame := pulse(f.u, f.du, b.pitch, left-0.12, left+b.wide+0.12) * pulse(f.v, f.dv, b.storey, low-0.12, low+b.high+0.12)
	open := pulse(f.u, f.du, b.pitch, left, left+b.wide) * pulse(f.v, f.dv, b.storey, low, low+b.high)
	bars := pulse(f.u, f.du, b.pitch, left+b.wide/2-0.04, left+b.wide/2+0.04)
	c := mix(wall, b.trim, frame)
	return mix(c, mix(pane, b.trim, bars), open)
}

// pane varies the windows of a wall as far as they can be told apart.
func (b *style) pane(column, row int32, fade float32) color {
	switch h := hash01(column, row, b.seed+9); {
	case h < 0.12:
		return mix(b.window, color{0.75, 0.66, 0.45}, fade)
	case h < 0.35:
		return mix(b.window, color{0.55, 0.55, 0.53}, 0.6*fade)
	default:
		return b.window.scale(1 + (h-0.6)*0.9*fade)
	}
}

func (b *style) shopFront(f spot, wall color) color {
	c := wall
	if f.v > b.storey-1.0 {
		return mix(c, b.shop, band(f.v, f.dv, b.storey-0.9, b.storey-0.25))
	}
	open := pulse(f.u, f.du, 5, 0.5, 4.5) * band(f.v, f.dv, 0.5, b.storey-1.1)
	door := pulse(f.u, f.du, 10, 2.0, 3.2) * band(f.v, f.dv, 0, 2.3)
	c = mix(c, b.window.scale(0.8), max(open, door))
	frames := pulse(f.u, f.du, 1.3, 0, 0.08) * open
	return mix(c, b.trim, frames)
}
