package synth

import "math"

// build lines the streets with houses, trees and lamps.
func (w *world) build(d dice) {
	for i := range w.roads {
		for _, side := range []float64{-1, 1} {
			w.houses(d, i, side)
			w.avenue(d, i, side)
		}
	}
}

// free reports whether a disc keeps off all streets and their side-walks.
func (w *world) free(x, y, radius float64, except int) bool {
	for i := range w.roads {
		if i == except {
			continue
		}
		r := &w.roads[i]
		for s := 0.0; s < r.axis.length(); s += 4 {
			p := r.axis.at(s)
			if math.Hypot(p.x-x, p.y-y) < r.edge()+radius+1 {
				return false
			}
		}
	}
	return true
}

// houses sets a row of buildings behind the side-walk.
func (w *world) houses(d dice, i int, side float64) {
	r := &w.roads[i]
	for s := d.between(0, 8); s < r.axis.length()-10; {
		width, depth := d.between(10, 26), d.between(9, 16)
		setback := r.edge() + d.between(1, 6)
		p := r.axis.side(s+width/2, side*(setback+depth/2))
		if side < 0 {
			p.heading += math.Pi
		}
		// A slightly smaller disc than the block's own lets houses stand
		// close to corners.
		if d.chance(0.88) && w.free(p.x, p.y, math.Hypot(width, depth)*0.47, i) && w.apart(p, width, depth) {
			w.house(d, p, width, depth)
		}
		s += width + d.between(0.5, 7)
	}
}

// apart reports whether a block stands clear of the scenery that casts shadows
// so far, which are the houses.
func (w *world) apart(p point, width, depth float64) bool {
	b := rect{p, width / 2, depth / 2}
	for _, c := range w.casters {
		if b.overlaps(rect{c.at, c.a, c.b}, 0.1) {
			return false
		}
	}
	return true
}

func (w *world) house(d dice, at point, width, depth float64) {
	storey := d.between(3, 3.8)
	floors := pick(d, 2, 2, 3, 3, 4, 5, 7)
	st := style{
		wall:   d.tint(pick(d, rgb(198, 184, 160), rgb(156, 84, 66), rgb(206, 204, 198), rgb(172, 148, 118), rgb(120, 122, 128), rgb(196, 160, 110), rgb(140, 150, 158), rgb(178, 110, 84), rgb(222, 214, 188)), 0.12),
		trim:   pick(d, rgb(232, 230, 224), rgb(90, 86, 82), rgb(210, 200, 180)),
		window: pick(d, rgb(62, 76, 92), rgb(48, 54, 62), rgb(86, 108, 128)),
		shop:   d.hue(0.6, 0.7),
		storey: float32(storey), pitch: float32(d.between(2.2, 4)),
		shops: d.chance(0.4), brick: d.chance(0.4),
		height: float32(storey*float64(floors) + 0.8), seed: uint32(d.Uint64()),
	}
	st.wide = st.pitch * float32(d.between(0.4, 0.75))
	st.high = st.storey * float32(d.between(0.42, 0.62))
	w.facades = append(w.facades, st)
	ref := len(w.facades) - 1
	x, y := float32(width/2), float32(depth/2)
	var m mesh
	lower, upper := rectangle(-x, x, -y, y, 0), rectangle(-x, x, -y, y, st.height)
	for _, q := range walls(lower, upper) {
		e := q[1].sub(q[0])
		l := float32(math.Sqrt(float64(e.dot(e))))
		m.textured(paint{kind: facade, ref: ref}, corner{q[0], 0, 0}, corner{q[1], l, 0}, corner{q[2], l, st.height}, corner{q[3], 0, st.height})
	}
	roof := paint{kind: concrete, color: d.tint(pick(d, rgb(120, 60, 48), rgb(84, 84, 90), rgb(110, 92, 78)), 0.1)}
	if floors <= 3 && d.chance(0.55) {
		ridge := st.height + y*0.55
		m.polygon(roof, vec{-x - 0.4, -y - 0.5, st.height - 0.2}, vec{x + 0.4, -y - 0.5, st.height - 0.2}, vec{x + 0.4, 0, ridge}, vec{-x - 0.4, 0, ridge})
		m.polygon(roof, vec{-x - 0.4, y + 0.5, st.height - 0.2}, vec{x + 0.4, y + 0.5, st.height - 0.2}, vec{x + 0.4, 0, ridge}, vec{-x - 0.4, 0, ridge})
		for _, e := range []float32{-x, x} {
			m.polygon(matt(st.wall), vec{e, -y, st.height}, vec{e, y, st.height}, vec{e, 0, ridge - 0.1})
		}
	} else {
		m.polygon(roof, upper[0], upper[1], upper[2], upper[3])
		m.box(paint{kind: concrete, color: st.trim}, -x*0.4, -x*0.1, -y*0.3, y*0.3, st.height, st.height+1.8)
	}
	if st.shops && d.chance(0.6) {
		awning := matt(st.shop)
		for _, u := range []float32{-0.6, 0.1} {
			m.polygon(awning, vec{u * x, -y, 2.9}, vec{(u + 0.5) * x, -y, 2.9}, vec{(u + 0.5) * x, -y - 1.0, 2.45}, vec{u * x, -y - 1.0, 2.45})
		}
	}
	w.place(m, at)
	w.casters = append(w.casters, caster{at: at, a: width / 2, b: depth / 2, from: 0, to: min(float64(st.height), 6), strength: 1})
}

// avenue sets trees and lamps along the kerb.
func (w *world) avenue(d dice, i int, side float64) {
	r := &w.roads[i]
	trees := d.chance(0.8)
	for s := d.between(2, 10); s < r.axis.length(); s += d.between(7, 13) {
		if !r.clear(s, 3) {
			continue
		}
		p := r.axis.side(s, side*(r.half()+0.75))
		switch {
		case d.chance(0.3):
			w.lamp(p.turned(-side * math.Pi / 2))
		case trees && d.chance(0.7):
			w.tree(d, p)
		}
		if d.chance(0.25) {
			w.tree(d, r.axis.side(s, side*(r.edge()+d.between(0.2, 0.8))))
		}
	}
}

func (w *world) tree(d dice, at point) {
	if !w.apart(at, 1, 1) {
		return
	}
	var m mesh
	h, r := float32(d.between(4.5, 8.5)), float32(d.between(1.3, 2.4))
	trunk := h * 0.45
	m.taper(paint{kind: bark, color: rgb(96, 76, 58)}, vec{0, 0, 0}, vec{0, 0, trunk + 0.5}, 0.16, 0.11, 7)
	p := paint{kind: foliage, color: d.tint(pick(d, rgb(62, 96, 42), rgb(84, 112, 48), rgb(48, 84, 44), rgb(120, 116, 44)), 0.15)}
	if d.chance(0.2) {
		m.taper(p, vec{0, 0, h * 0.25}, vec{0, 0, h * 1.15}, r*0.8, 0, 9)
	} else {
		for range 4 {
			c := vec{float32(d.between(-0.5, 0.5)) * r, float32(d.between(-0.5, 0.5)) * r, trunk + r*float32(d.between(0.5, 1.3))}
			k := r * float32(d.between(0.65, 0.9))
			q := p
			q.color = d.tint(p.color, 0.1)
			m.ball(q, c, vec{k, k, k * 0.85}, 9, 6)
		}
	}
	w.place(m, at)
	half := float64(r) * 0.8
	w.casters = append(w.casters,
		caster{at: at, a: half, b: half, from: float64(trunk), to: float64(trunk + 1.6*r), strength: 0.75},
		caster{at: at, a: 0.16, b: 0.16, from: 0, to: float64(trunk), strength: 1})
}

func (w *world) lamp(at point) {
	var m mesh
	p := matt(rgb(72, 76, 80))
	m.taper(p, vec{0, 0, 0}, vec{0, 0, 7.5}, 0.1, 0.06, 6)
	m.bar(p, vec{0, 0, 7.4}, vec{1.8, 0, 7.7}, 0.08)
	m.box(p, 1.4, 2.1, -0.13, 0.13, 7.62, 7.76)
	w.place(m, at)
	w.casters = append(w.casters, caster{at: at, a: 0.1, b: 0.1, from: 0, to: 7.4, strength: 1})
}

// skyline closes the view beyond the houses with distant woods and blocks.
func (w *world) skyline(d dice) {
	mid := w.roads[0].axis.at(w.roads[0].axis.length() / 2)
	radius := w.roads[0].axis.length()/2 + 60
	for a := 0.0; a < 2*math.Pi; a += 0.09 {
		p := mid.turned(a).ahead(radius+d.between(0, 40), 0)
		if !w.free(p.x, p.y, 14, -1) {
			continue
		}
		h := float32(d.between(7, 16))
		q := paint{kind: foliage, color: d.tint(rgb(66, 92, 50), 0.15)}
		if d.chance(0.25) {
			h *= 2
			q = paint{kind: concrete, color: d.tint(rgb(150, 148, 150), 0.15)}
		}
		var m mesh
		y := float32(radius * 0.052)
		m.box(q, -9, 9, -y, y, 0, h)
		w.place(m, p)
	}
}
