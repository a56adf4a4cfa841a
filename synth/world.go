package synth

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// world is everything of a drive that does not depend on time, and the objects
// that do. Its coordinates are metres, z up from the roads' surface; placed
// gives the data set's global frame.
type world struct {
	roads   []road
	facades []style
	props   []prop
	casters []caster // of scenery
	objects []object
	ego     track
	light   lighting
	placed  geom.Pose // globalFromWorld
}

// prop is a piece of scenery in world coordinates with its bounding sphere.
type prop struct {
	mesh   mesh
	center geom.Vec3
	radius float64
}

// place adds scenery built around the origin.
func (w *world) place(m mesh, at point) {
	s, c := math.Sincos(at.heading)
	turn := func(p vec, t float64) vec {
		x, y := float64(p[0]), float64(p[1])
		return vec{float32(c*x - s*y + t*at.x), float32(s*x + c*y + t*at.y), p[2]}
	}
	for i := range m.faces {
		f := &m.faces[i]
		for j := range f.corners {
			f.corners[j].p = turn(f.corners[j].p, 1)
		}
		f.normal = turn(f.normal, 0)
	}
	w.scenery(m)
}

// scenery adds a mesh in world coordinates.
func (w *world) scenery(m mesh) {
	lo, hi := bounds([]mesh{m})
	d := hi.sub(lo)
	c := lo.add(hi).mul(0.5)
	w.props = append(w.props, prop{m, geom.Vec3{float64(c[0]), float64(c[1]), float64(c[2])}, math.Sqrt(float64(d.dot(d))) / 2})
}

// newWorld lays out the drive's streets and fills them.
func newWorld(d dice, seconds float64) *world {
	w := &world{light: weather(d)}
	turn := 0.0
	if d.chance(0.35) {
		turn = d.sign()
	}
	w.ego.speed = egoSpeed(d, seconds, turn != 0)
	travel := w.ego.speed.distance(seconds)
	s0 := 120.0
	at := s0 + d.between(-50, travel+60)
	if turn != 0 {
		at = s0 + d.between(0.25, 0.7)*max(travel, 30)
	}
	crossed := turn != 0 || d.chance(0.75)
	w.roads = streets(d, s0+travel+160, at, crossed)
	w.ego.path, w.ego.start = egoPath(d, w.roads, s0, turn, at)
	w.placed = geom.NewPose(geom.QuatFromYaw(d.between(-math.Pi, math.Pi)), geom.Vec3{d.between(400, 1600), d.between(400, 1600), 0})
	w.paveAll(d)
	w.build(d)
	w.skyline(d)
	w.populate(d, seconds)
	return w
}

// streets draws the main road and the one that crosses it.
func streets(d dice, length, at float64, crossed bool) []road {
	main := newRoad(d, pick(d, 1, 1, 2))
	cross := newRoad(d, 1)
	main.through = true
	straight := cross.edge() + 24
	var heading, s float64
	for s < length {
		n, k := d.between(35, 80), 0.0
		if d.chance(0.6) {
			k = d.sign() / d.between(55, 180)
		}
		if crossed && s < at+straight && s+n > at-straight {
			n, k = at+straight-s, 0
		}
		if math.Abs(heading+k*n) > 0.9 {
			k = -k
		}
		if math.Abs(heading+k*n) > 0.9 {
			k = 0
		}
		main.axis = main.axis.extend(point{}, k, n)
		heading += k * n
		s += n
	}
	if !crossed {
		return []road{main}
	}
	const reach = 170
	cross.axis = path{}.extend(main.axis.at(at).ahead(0, -reach).turned(math.Pi/2), 0, 2*reach)
	main.gaps, main.walkGap = around(at, cross.half()), around(at, cross.edge())
	cross.gaps, cross.walkGap = around(reach, main.half()), around(reach, main.edge())
	main.zebras = []float64{at - cross.half() - 2.2, at + cross.half() + 2.2}
	cross.zebras = []float64{reach - main.half() - 2.2, reach + main.half() + 2.2}
	return []road{main, cross}
}

func around(s, by float64) [][2]float64 { return [][2]float64{{s - by, s + by}} }

func newRoad(d dice, lanes int) road {
	grey := float32(d.between(0.085, 0.17))
	return road{
		lanes: lanes, walk: d.between(3.6, 5), seed: uint32(d.Uint64()),
		tone:      color{grey, grey, grey * float32(d.between(0.98, 1.1))},
		lineColor: pick(d, color{0.75, 0.52, 0.06}, color{0.75, 0.52, 0.06}, color{0.8, 0.8, 0.78}),
		cyclePath: pick(d, color{grey, grey, grey}, rgb(92, 120, 88), rgb(140, 84, 72)),
	}
}

// egoPath is the lane that the recording vehicle keeps, or the one that it
// turns into at the crossing: left for a positive turn.
func egoPath(d dice, roads []road, s0, turn, at float64) (path, float64) {
	main := &roads[0]
	lane := -main.lane(d.IntN(main.lanes))
	if turn == 0 {
		return main.axis.offset(lane), main.axis.until(s0).offset(lane).length()
	}
	cross := &roads[1]
	into := cross.lane(0)
	radius := 9.0
	if turn > 0 {
		radius = 11
	}
	// The arc starts where its end falls onto the crossing street's lane.
	p := main.axis.until(at - radius + turn*into).offset(lane)
	p = p.extend(point{}, turn/radius, radius*math.Pi/2)
	p = p.extend(point{}, 0, 150)
	return p, main.axis.until(s0).offset(lane).length()
}

// paveAll covers the ground.
func (w *world) paveAll(d dice) {
	grass := paint{kind: lawn, color: d.tint(rgb(92, 118, 58), 0.15)}
	walk := paint{kind: paving, color: d.tint(pick(d, rgb(176, 172, 164), rgb(160, 158, 156), rgb(186, 170, 150)), 0.05)}
	kerb := paint{kind: concrete, color: rgb(170, 168, 162)}
	verge := pick(d, grass, grass, walk)
	w.meadow(grass)
	for i := range w.roads {
		r := &w.roads[i]
		length, h := r.axis.length(), r.half()
		gaps := r.gaps
		if r.through {
			gaps = nil
		}
		w.strip(r.axis, open(length, gaps), -h, h, 0, 0, paint{kind: asphalt, ref: i})
		walks := r.gaps
		beyond := r.walkGap
		if !r.through {
			walks = r.walkGap
			beyond = around(r.walkGap[0][0]/2+r.walkGap[0][1]/2, w.roads[0].edge()+vergeWidth)
		}
		for _, s := range []float64{-1, 1} {
			w.strip(r.axis, open(length, walks), s*h, s*(h+0.01), 0, kerbHeight, kerb)
			w.strip(r.axis, open(length, walks), s*(h+0.01), s*(h+0.3), kerbHeight, kerbHeight, kerb)
			w.strip(r.axis, open(length, walks), s*(h+0.3), s*(h+r.walk), kerbHeight, kerbHeight, walk)
			w.strip(r.axis, open(length, beyond), s*(h+r.walk), s*(h+r.walk+vergeWidth), kerbHeight, kerbHeight, verge)
		}
	}
}

// open is what is left of [0, length] without the gaps.
func open(length float64, gaps [][2]float64) [][2]float64 {
	var out [][2]float64
	s := 0.0
	for _, g := range gaps {
		out = append(out, [2]float64{s, g[0]})
		s = g[1]
	}
	return append(out, [2]float64{s, length})
}

// strip lays a band beside an axis: from d0 at height z0 to d1 at height z1.
func (w *world) strip(axis path, spans [][2]float64, d0, d1, z0, z1 float64, p paint) {
	at := func(s, d, z float64) corner {
		q := axis.side(s, d)
		v := d
		if z0 != z1 {
			v = z
		}
		return corner{vec{float32(q.x), float32(q.y), float32(z)}, float32(s), float32(v)}
	}
	for _, span := range spans {
		n := int(math.Ceil((span[1] - span[0]) / 3))
		step := (span[1] - span[0]) / float64(n)
		const chunk = 8
		var m mesh
		for i := range n {
			a := span[0] + float64(i)*step
			b := a + step
			m.textured(p, at(a, d0, z0), at(b, d0, z0), at(b, d1, z1))
			m.textured(p, at(a, d0, z0), at(b, d1, z1), at(a, d1, z1))
			if (i+1)%chunk == 0 || i == n-1 {
				w.scenery(m)
				m = mesh{}
			}
		}
	}
}

// meadow is the land around everything.
func (w *world) meadow(p paint) {
	const size, n = 900, 6
	mid := w.roads[0].axis.at(w.roads[0].axis.length() / 2)
	for i := range n {
		for j := range n {
			x := mid.x - size/2 + size/n*float64(i)
			y := mid.y - size/2 + size/n*float64(j)
			var m mesh
			q := rectangle(float32(x), float32(x+size/n), float32(y), float32(y+size/n), -0.06)
			m.polygon(p, q[0], q[1], q[2], q[3])
			w.scenery(m)
		}
	}
}
