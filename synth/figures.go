package synth

import "math"

// figures.go draws what is not a vehicle with a roof: people, cycles, barriers
// and cones.

var (
	skins  = []color{rgb(236, 188, 160), rgb(205, 150, 118), rgb(150, 102, 76), rgb(96, 64, 48)}
	hairs  = []color{rgb(40, 30, 24), rgb(90, 62, 36), rgb(180, 150, 90), rgb(120, 120, 120)}
	orange = rgb(240, 96, 20)
	vest   = paint{kind: plain, color: rgb(235, 240, 40), glow: 0.25}
)

// strides is the number of poses of a walker's step.
const strides = 4

// outfit is what one person wears.
type outfit struct{ top, legs, skin, hair, shoes paint }

func dress(d dice, worker bool) outfit {
	o := outfit{
		top:   matt(d.hue(d.between(0.1, 0.9), d.between(0.35, 0.95))),
		legs:  matt(pick(d, rgb(40, 48, 78), rgb(32, 32, 36), rgb(92, 84, 70), rgb(120, 120, 124), rgb(60, 72, 110))),
		skin:  matt(skins[d.IntN(len(skins))]),
		hair:  matt(hairs[d.IntN(len(hairs))]),
		shoes: matt(rgb(36, 32, 30)),
	}
	if worker {
		o.top, o.hair = vest, paint{kind: plain, color: rgb(245, 200, 30)}
	}
	return o
}

// body adds a person from the hips up; hip is the hips' middle and lean how
// far the shoulders are ahead of them.
func body(m *mesh, o outfit, hip vec, lean, armSwing float32, arms bool) {
	shoulder := hip.add(vec{lean, 0, 0.58})
	m.hull(o.top, rectangle(hip[0]-0.11, hip[0]+0.12, -0.17, 0.17, hip[2]-0.04), rectangle(shoulder[0]-0.13, shoulder[0]+0.13, -0.23, 0.23, shoulder[2]))
	m.hull(o.top, rectangle(shoulder[0]-0.13, shoulder[0]+0.13, -0.23, 0.23, shoulder[2]), rectangle(shoulder[0]-0.06, shoulder[0]+0.06, -0.08, 0.08, shoulder[2]+0.08))
	head := shoulder.add(vec{lean*0.3 + 0.02, 0, 0.22})
	m.taper(o.skin, shoulder.add(vec{0, 0, 0.04}), head, 0.055, 0.055, 5)
	m.ball(o.skin, head, vec{0.105, 0.085, 0.125}, 8, 5)
	m.ball(o.hair, head.add(vec{-0.025, 0, 0.035}), vec{0.108, 0.095, 0.11}, 8, 4)
	if !arms {
		return
	}
	for _, s := range []float32{-1, 1} {
		swing := armSwing * s
		a := shoulder.add(vec{0, s * 0.26, -0.03})
		elbow := a.add(vec{swing * 0.6, s * 0.04, -0.3})
		hand := elbow.add(vec{swing*0.7 + 0.08, -s * 0.01, -0.25})
		m.taper(o.top, a, elbow, 0.065, 0.052, 5)
		m.taper(o.skin, elbow, hand, 0.045, 0.04, 5)
	}
}

// leg adds a leg from the hip to a foot, the knee bent forward.
func leg(m *mesh, o outfit, hip, foot vec, bend float32) {
	knee := hip.lerp(foot, 0.5).add(vec{bend, 0, 0})
	m.taper(o.legs, hip, knee, 0.095, 0.07, 6)
	m.taper(o.legs, knee, foot, 0.07, 0.05, 6)
	m.box(o.shoes, foot[0]-0.08, foot[0]+0.17, foot[1]-0.05, foot[1]+0.05, foot[2]-0.07, foot[2]+0.03)
}

func pedestrian(d dice, walking, worker bool) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(0.67, 0.07), d.around(0.73, 0.08), d.around(1.76, 0.05)}
	o := dress(d, worker)
	bag := d.chance(0.35)
	n, reach := 1, float32(0.06)
	if walking {
		n, reach = strides, 0.3
	} else {
		size[1] = d.around(0.55, 0.08)
	}
	for i := range n {
		var m mesh
		k := reach * float32(math.Cos(2*math.Pi*float64(i)/float64(n)))
		lift := reach * float32(math.Abs(math.Sin(2*math.Pi*float64(i)/float64(n)))) * 0.3
		hip := vec{0, 0, 0.9}
		leg(&m, o, hip.add(vec{0, 0.1, 0}), vec{k, 0.1, 0.07}, 0.04+lift*0.5)
		leg(&m, o, hip.add(vec{0, -0.1, 0}), vec{-k, -0.1, 0.07 + lift}, 0.04+lift)
		body(&m, o, hip, 0.03, k*0.8, true)
		if bag {
			m.box(matt(o.top.color.scale(0.35)), -0.32, -0.12, -0.15, 0.15, 1.05, 1.48)
		}
		poses = append(poses, m)
	}
	fit(poses, size)
	return size, poses
}

// rider adds a person sitting at seat with hands on the bar and feet down.
func rider(m *mesh, d dice, seat, grip, foot vec) {
	o := dress(d, false)
	if d.chance(0.8) {
		o.hair = paint{kind: lacquer, color: d.hue(0.7, 0.9)}
	}
	body(m, o, seat.add(vec{0, 0, 0.08}), 0.18, 0, false)
	shoulder := seat.add(vec{0.18, 0, 0.62})
	for _, s := range []float32{-1, 1} {
		side := vec{0, s, 0}
		m.taper(o.top, shoulder.add(side.mul(0.22)), grip.add(side.mul(0.24)), 0.06, 0.045, 5)
		f := foot.add(side.mul(0.13)).add(vec{s * 0.1, 0, s * 0.06})
		leg(m, o, seat.add(side.mul(0.1)), f, 0.22)
	}
}

func bicycle(d dice, ridden bool) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(0.6, 0.05), d.around(1.75, 0.05), d.around(1.12, 0.05)}
	var m mesh
	p := paint{kind: lacquer, color: d.hue(0.85, 0.85)}
	m2 := mesh{}
	m.ring(-0.52, 0.34, 0.06)
	m2.ring(0.52, 0.34, 0.06)
	m.faces = append(m.faces, m2.faces...)
	hub, crank, seat, head := vec{-0.52, 0, 0.34}, vec{-0.05, 0, 0.3}, vec{-0.2, 0, 0.85}, vec{0.36, 0, 0.82}
	for _, e := range [][2]vec{{hub, crank}, {hub, seat}, {crank, seat}, {crank, head}, {seat, head}, {head, {0.52, 0, 0.34}}, {head, {0.34, 0, 1.02}}} {
		m.bar(p, e[0], e[1], 0.07)
	}
	m.bar(rubber, vec{0.34, -0.3, 1.04}, vec{0.34, 0.3, 1.04}, 0.05)
	m.box(rubber, -0.32, -0.06, -0.08, 0.08, 0.9, 0.98)
	if ridden {
		size[2] = d.around(1.72, 0.04)
		rider(&m, d, vec{-0.2, 0, 0.95}, vec{0.34, 0, 1.05}, vec{-0.02, 0, 0.3})
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

func motorcycle(d dice, ridden bool) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(0.8, 0.05), d.around(2.1, 0.05), d.around(1.25, 0.05)}
	var m mesh
	p := coat(d)
	m.wheel(-0.68, 0, 0.33, 0.2)
	m.wheel(0.7, 0, 0.33, 0.17)
	m.box(steel, -0.3, 0.3, -0.17, 0.17, 0.25, 0.58)
	m.hull(p, rectangle(-0.25, 0.45, -0.14, 0.14, 0.55), rectangle(-0.1, 0.35, -0.18, 0.18, 0.92))
	m.slab(rubber, -0.15, 0.15, [2]float32{-0.95, 0.78}, [2]float32{-0.1, 0.7}, [2]float32{-0.1, 0.82}, [2]float32{-0.95, 0.9})
	m.slab(p, -0.13, 0.13, [2]float32{-1.0, 0.7}, [2]float32{-0.4, 0.55}, [2]float32{-0.2, 0.72}, [2]float32{-0.95, 0.8})
	for _, y := range []float32{-0.12, 0.12} {
		m.bar(steel, vec{0.7, y, 0.33}, vec{0.45, y, 1.0}, 0.06)
	}
	m.bar(steel, vec{-0.9, -0.17, 0.35}, vec{0, -0.17, 0.3}, 0.1)
	m.bar(rubber, vec{0.38, -0.4, 1.06}, vec{0.38, 0.4, 1.06}, 0.06)
	m.box(headlight, 0.5, 0.62, -0.1, 0.1, 0.8, 1.0)
	m.box(taillight, -1.03, -0.96, -0.08, 0.08, 0.78, 0.88)
	m.hull(darkGlass, rectangle(0.42, 0.5, -0.15, 0.15, 0.98), rectangle(0.3, 0.36, -0.12, 0.12, 1.2))
	if ridden {
		size[2] = d.around(1.65, 0.04)
		rider(&m, d, vec{-0.3, 0, 0.85}, vec{0.36, 0, 1.05}, vec{0.05, 0, 0.3})
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

// barrier is a low wall across its short length axis, as nuScenes annotates
// them: wide, hardly long.
func barrier(d dice, style int) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(2.3, 0.05), d.around(0.52, 0.05), d.around(0.98, 0.04)}
	var m mesh
	stripe := paint{kind: striped, color: pick(d, rgb(215, 40, 30), rgb(235, 110, 20))}
	switch style {
	case 0: // concrete
		p := paint{kind: concrete, color: d.tint(rgb(188, 184, 176), 0.06)}
		m.hull(p, rectangle(-0.26, 0.26, -1.15, 1.15, 0), rectangle(-0.2, 0.2, -1.15, 1.15, 0.2))
		m.hull(p, rectangle(-0.2, 0.2, -1.15, 1.15, 0.2), rectangle(-0.09, 0.09, -1.15, 1.15, 0.95))
	case 1: // water-filled, red or white
		p := matt(pick(d, rgb(220, 50, 35), rgb(235, 235, 230), rgb(240, 110, 25)))
		m.hull(p, rectangle(-0.26, 0.26, -1.15, 1.15, 0), rectangle(-0.26, 0.26, -1.15, 1.15, 0.3))
		m.hull(p, rectangle(-0.2, 0.2, -1.15, 1.15, 0.3), rectangle(-0.12, 0.12, -1.12, 1.12, 0.95))
		for _, y := range []float32{-0.75, 0, 0.75} {
			m.box(matt(p.color.scale(0.5)), -0.18, 0.18, y-0.14, y+0.14, 0.42, 0.75)
		}
	default: // boards on legs
		for _, y := range []float32{-0.95, 0.95} {
			m.bar(steel, vec{-0.25, y, 0}, vec{0, y, 0.95}, 0.07)
			m.bar(steel, vec{0.25, y, 0}, vec{0, y, 0.95}, 0.07)
		}
		m.box(stripe, -0.05, 0.05, -1.15, 1.15, 0.66, 0.96)
		m.box(stripe, -0.07, 0.07, -1.15, 1.15, 0.22, 0.5)
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

func trafficCone(d dice) (size [3]float64, poses []mesh) {
	w := d.around(0.41, 0.06)
	size = [3]float64{w, w, d.around(0.95, 0.12)}
	var m mesh
	p := paint{kind: plain, color: d.tint(orange, 0.08), glow: 0.12}
	white := paint{kind: plain, color: rgb(245, 245, 245), glow: 0.1}
	m.box(rubber, -0.2, 0.2, -0.2, 0.2, 0, 0.05)
	r := func(z float32) float32 { return 0.155 - 0.125*z }
	levels := []float32{0.05, 0.32, 0.52, 0.68, 0.84, 1.05}
	for i := range len(levels) - 1 {
		q := p
		if i%2 == 1 {
			q = white
		}
		a, b := levels[i], levels[i+1]
		m.taper(q, vec{0, 0, a}, vec{0, 0, b}, r(a), r(b), 9)
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}
