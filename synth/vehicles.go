package synth

// Vehicles are built around nominal sizes and fitted to their boxes at the
// end, so proportions here are those of the drawing board.

var (
	darkGlass  = paint{kind: glass, color: rgb(52, 60, 70)}
	rubber     = matt(rgb(34, 34, 36))
	underbody  = matt(rgb(28, 28, 30))
	headlight  = paint{kind: plain, color: rgb(245, 243, 225), glow: 0.35}
	taillight  = paint{kind: plain, color: rgb(205, 28, 25), glow: 0.35}
	indicator  = paint{kind: plain, color: rgb(240, 140, 30), glow: 0.2}
	plate      = matt(rgb(225, 225, 215))
	steel      = matt(rgb(120, 123, 128))
	excavator  = rgb(246, 172, 18)
	coatColors = []color{
		rgb(240, 240, 240), rgb(225, 226, 228), rgb(30, 31, 34), rgb(45, 47, 52), rgb(140, 143, 148), rgb(172, 175, 180),
		rgb(98, 102, 108), rgb(150, 24, 28), rgb(28, 52, 118), rgb(40, 84, 160), rgb(186, 40, 36), rgb(66, 82, 60),
		rgb(120, 98, 72), rgb(205, 188, 150), rgb(222, 190, 60), rgb(214, 104, 30), rgb(96, 150, 176),
	}
)

// walls returns the left, back, right and front of a hull, each from its lower
// corner on.
func walls(bottom, top [4]vec) (w [4][4]vec) {
	for i := range 4 {
		j := (i + 1) % 4
		w[i] = [4]vec{bottom[i], bottom[j], top[j], top[i]}
	}
	return w
}

func coat(d dice) paint {
	return paint{kind: lacquer, color: d.tint(coatColors[d.IntN(len(coatColors))], 0.1)}
}

// carBody places the cabin of one body style: where it starts and ends along
// x at its foot and at its roof, and how high bonnet, boot and roof are.
type carBody struct {
	foot, roof              [2]float32
	bonnet, boot, roofLevel float32
	width                   float32
	blind                   bool // no rear side windows
}

var carBodies = []carBody{
	{[2]float32{-1.75, 1.05}, [2]float32{-1.05, 0.3}, 0.92, 0.98, 1.45, 1.82, false}, // sedan
	{[2]float32{-2.1, 0.95}, [2]float32{-1.75, 0.25}, 0.95, 1.0, 1.5, 1.8, false},    // hatchback
	{[2]float32{-2.25, 1.0}, [2]float32{-2.05, 0.4}, 1.08, 1.12, 1.75, 1.95, false},  // SUV
	{[2]float32{-2.28, 1.75}, [2]float32{-2.2, 0.95}, 1.15, 1.2, 2.0, 1.98, false},   // minivan
	{[2]float32{-2.28, 1.75}, [2]float32{-2.24, 1.0}, 1.15, 1.2, 2.25, 2.0, true},    // van
	{[2]float32{-0.75, 1.05}, [2]float32{-0.6, 0.4}, 1.08, 1.08, 1.78, 1.95, false},  // pickup
	{[2]float32{-1.95, 1.0}, [2]float32{-1.35, 0.25}, 0.92, 0.95, 1.42, 1.82, false}, // coupé
}

func car(d dice) (size [3]float64, poses []mesh) {
	b := carBodies[d.IntN(len(carBodies))]
	p := coat(d)
	size = [3]float64{float64(b.width) * d.between(0.97, 1.05), d.around(4.6, 0.05), float64(b.roofLevel) * d.between(0.97, 1.06)}
	var m mesh
	w := b.width / 2
	m.box(underbody, -2.1, 2.1, -w+0.12, w-0.12, 0.16, 0.4)
	// The lower body: sills tucked in, shoulders out, nose and tail rounded off.
	belt := min(b.bonnet, b.boot)
	waist := float32(0.55)
	m.hull(p, rectangle(-2.26, 2.24, -w+0.06, w-0.06, 0.26), rectangle(-2.3, 2.3, -w, w, waist))
	m.hull(p, rectangle(-2.3, 2.3, -w, w, waist), rectangle(-2.22, 2.1, -w+0.06, w-0.06, belt))
	m.slab(p, -w+0.11, w-0.11, [2]float32{-2.22, belt - 0.01}, [2]float32{2.1, belt - 0.09}, [2]float32{b.foot[1], b.bonnet + 0.02}, [2]float32{b.foot[0], b.boot})
	bottom := rectangle(b.foot[0], b.foot[1], -w+0.08, w-0.08, belt)
	top := rectangle(b.roof[0], b.roof[1], -w+0.26, w-0.26, b.roofLevel)
	m.hull(p, bottom, top)
	g := walls(bottom, top)
	// The left wall's u runs backwards, the right one's forwards.
	m.decal(darkGlass, g[0], 0.1, 0.5, 0.16, 0.88, 0.012)
	m.decal(darkGlass, g[2], 0.5, 0.9, 0.16, 0.88, 0.012)
	if !b.blind {
		m.decal(darkGlass, g[0], 0.54, 0.92, 0.16, 0.88, 0.012)
		m.decal(darkGlass, g[2], 0.08, 0.46, 0.16, 0.88, 0.012)
	}
	m.decal(darkGlass, g[1], 0.1, 0.9, 0.2, 0.88, 0.012)
	m.decal(darkGlass, g[3], 0.07, 0.93, 0.12, 0.92, 0.012)
	carEnds(&m, w, belt)
	for _, x := range []float32{-1.38, 1.4} {
		for _, y := range []float32{-w + 0.1, w - 0.1} {
			m.taper(underbody, vec{x, y - 0.105, 0.39}, vec{x, y + 0.105, 0.39}, 0.385, 0.385, 12)
			m.wheel(x, y, 0.33, 0.22)
		}
	}
	for _, y := range []float32{-w - 0.04, w + 0.04} {
		m.box(p, b.foot[1]-0.35, b.foot[1]-0.2, y-0.06, y+0.06, belt, belt+0.14)
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

// carEnds adds lamps, bumpers, grille and plates.
func carEnds(m *mesh, w, belt float32) {
	m.box(rubber, 2.25, 2.33, -w+0.15, w-0.15, 0.3, 0.46)
	m.box(rubber, -2.33, -2.25, -w+0.15, w-0.15, 0.3, 0.46)
	m.box(rubber, 2.2, 2.31, -0.42, 0.42, 0.5, 0.68)
	m.box(plate, 2.3, 2.335, -0.25, 0.25, 0.42, 0.52)
	m.box(plate, -2.335, -2.3, -0.25, 0.25, 0.5, 0.62)
	for _, s := range []float32{-1, 1} {
		y := s * (w - 0.24)
		m.box(headlight, 2.12, 2.3, y-0.2, y+0.2, 0.58, 0.74)
		m.box(taillight, -2.31, -2.16, y-0.17, y+0.2, 0.64, min(0.86, belt-0.04))
	}
}

// chassis adds the frame, lamps and axles of a heavy vehicle.
func chassis(m *mesh, back, front, w, r float32, axles ...float32) {
	m.box(underbody, back+0.1, front-0.1, -w+0.45, w-0.45, r, r+0.45)
	for _, x := range axles {
		for _, y := range []float32{-w + 0.2, w - 0.2} {
			m.wheel(x, y, r, 0.34)
		}
	}
	m.box(rubber, back-0.02, back+0.1, -w+0.1, w-0.1, r-0.02, r+0.2)
	for _, s := range []float32{-1, 1} {
		y := s * (w - 0.28)
		m.box(taillight, back-0.04, back+0.05, y-0.17, y+0.17, r+0.02, r+0.17)
	}
}

// cab adds a driver's cab whose front is at x and back at x-length.
func cab(m *mesh, p paint, x, length, w, z0, z1 float32) {
	bottom, top := rectangle(x-length, x, -w, w, z0), rectangle(x-length, x-0.22, -w+0.06, w-0.06, z1)
	m.hull(p, bottom, top)
	g := walls(bottom, top)
	m.decal(darkGlass, g[3], 0.06, 0.94, 0.48, 0.9, 0.015)
	m.decal(darkGlass, g[0], 0.12, 0.7, 0.5, 0.88, 0.015)
	m.decal(darkGlass, g[2], 0.3, 0.88, 0.5, 0.88, 0.015)
	m.decal(rubber, g[3], 0.25, 0.75, 0.14, 0.36, 0.015)
	m.box(rubber, x-0.25, x+0.06, -w+0.02, w-0.02, z0-0.12, z0+0.1)
	for _, s := range []float32{-1, 1} {
		y := s * (w - 0.25)
		m.box(headlight, x-0.05, x+0.05, y-0.17, y+0.17, z0+0.12, z0+0.3)
		m.box(rubber, x-0.3, x-0.15, s*(w+0.12)-0.07, s*(w+0.12)+0.07, z0+0.9, z0+1.35)
	}
}

func truck(d dice) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(2.5, 0.04), d.around(6.9, 0.12), d.around(2.9, 0.08)}
	var m mesh
	p := coat(d)
	load := paint{kind: ribbed, color: pick(d, rgb(235, 235, 232), rgb(215, 216, 218), p.color, d.hue(0.5, 0.75))}
	chassis(&m, -3.5, 3.4, 1.2, 0.45, -2.2, 2.2)
	switch d.IntN(4) {
	case 0, 1: // box
		cab(&m, p, 3.45, 1.75, 1.15, 0.6, 2.35)
		m.box(load, -3.5, 1.6, -1.25, 1.25, 0.95, 3.0)
		rearDoors(&m, load, -3.5, 1.25, 0.95, 3.0)
	case 2: // tipper
		cab(&m, p, 3.45, 1.9, 1.18, 0.6, 2.75)
		m.hull(paint{kind: ribbed, color: pick(d, rgb(150, 60, 30), rgb(190, 150, 40), rgb(90, 100, 110))},
			rectangle(-3.2, 1.35, -1.05, 1.05, 1.0), rectangle(-3.5, 1.45, -1.25, 1.25, 2.3))
		m.box(matt(rgb(120, 100, 78)), -3.1, 1.1, -0.95, 0.95, 2.2, 2.5)
	default: // canvas
		cab(&m, p, 3.45, 1.75, 1.15, 0.6, 2.4)
		m.box(p, -3.5, 1.6, -1.25, 1.25, 0.95, 1.4)
		m.slab(paint{kind: ribbed, color: pick(d, rgb(60, 90, 70), rgb(40, 70, 120), rgb(180, 175, 160))}, -1.22, 1.22,
			[2]float32{-3.45, 1.4}, [2]float32{1.55, 1.4}, [2]float32{1.55, 2.8}, [2]float32{-3.45, 2.8})
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

func rearDoors(m *mesh, p paint, x, w, z0, z1 float32) {
	dark := matt(p.color.scale(0.55))
	for _, y := range []float32{-w + 0.08, -0.03, w - 0.14} {
		m.box(dark, x-0.02, x, y, y+0.06, z0+0.05, z1-0.05)
	}
}

func trailer(d dice) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(2.8, 0.04), d.around(11.5, 0.12), d.around(3.8, 0.06)}
	var m mesh
	p := paint{kind: ribbed, color: pick(d, rgb(238, 238, 236), rgb(205, 208, 212), rgb(52, 92, 150), rgb(168, 60, 44), rgb(76, 120, 84))}
	chassis(&m, -6, 6, 1.4, 0.5, -5, -3.8, -2.6)
	for _, y := range []float32{-0.8, 0.8} {
		m.bar(steel, vec{3.6, y, 0}, vec{3.6, y, 1.1}, 0.16)
	}
	m.box(p, -6, 6, -1.4, 1.4, 1.15, 3.9)
	m.box(matt(rgb(190, 30, 28)), -6.02, 6.02, -1.41, 1.41, 1.15, 1.27)
	m.box(underbody, -1.8, 2.6, -1.3, 1.3, 0.55, 1.1)
	rearDoors(&m, p, -6, 1.4, 1.15, 3.9)
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

func bus(d dice) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(2.9, 0.03), d.around(11.2, 0.06), d.around(3.4, 0.06)}
	var m mesh
	p := paint{kind: lacquer, color: pick(d, rgb(190, 40, 40), rgb(235, 235, 230), rgb(40, 90, 160), rgb(240, 190, 50), rgb(60, 140, 90), rgb(120, 60, 130))}
	trim := matt(d.hue(0.5, 0.9))
	bottom, top := rectangle(-5.5, 5.5, -1.45, 1.45, 0.35), rectangle(-5.45, 5.35, -1.4, 1.4, 3.25)
	m.hull(p, bottom, top)
	g := walls(bottom, top)
	m.box(matt(p.color.scale(0.8)), -4, 2, -1, 1, 3.25, 3.45)
	for _, side := range []int{0, 2} {
		m.decal(trim, g[side], 0.01, 0.99, 0.26, 0.33, 0.01)
		for i := range 7 {
			u := 0.03 + 0.135*float32(i)
			m.decal(darkGlass, g[side], u, u+0.122, 0.42, 0.84, 0.015)
		}
	}
	for _, u := range []float32{0.07, 0.46} { // doors are on the right
		m.decal(underbody, g[2], 1-u-0.1, 1-u, 0.02, 0.86, 0.02)
		m.decal(darkGlass, g[2], 1-u-0.095, 1-u-0.052, 0.05, 0.82, 0.03)
		m.decal(darkGlass, g[2], 1-u-0.048, 1-u-0.005, 0.05, 0.82, 0.03)
	}
	m.decal(darkGlass, g[3], 0.04, 0.96, 0.3, 0.82, 0.015)
	m.decal(underbody, g[3], 0.1, 0.9, 0.85, 0.97, 0.015)
	m.decal(indicator, g[3], 0.25, 0.75, 0.88, 0.95, 0.02)
	m.decal(darkGlass, g[1], 0.12, 0.88, 0.48, 0.82, 0.015)
	m.decal(underbody, g[1], 0.2, 0.8, 0.1, 0.36, 0.015)
	for _, s := range []float32{-1, 1} {
		y := s * 1.15
		m.box(headlight, 5.42, 5.54, y-0.2, y+0.2, 0.65, 0.9)
		m.box(taillight, -5.54, -5.42, y-0.14, y+0.14, 0.9, 1.4)
		m.wheel(-3, s*1.3, 0.48, 0.3)
		m.wheel(3.1, s*1.3, 0.48, 0.3)
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

// construction is an excavator or a wheel loader.
func construction(d dice) (size [3]float64, poses []mesh) {
	size = [3]float64{d.around(2.8, 0.06), d.around(6.4, 0.1), d.around(3.2, 0.06)}
	var m mesh
	p := matt(d.tint(pick(d, excavator, excavator, rgb(236, 120, 20)), 0.06))
	if d.chance(0.55) {
		excavate(&m, p)
	} else {
		loader(&m, p)
	}
	poses = []mesh{m}
	fit(poses, size)
	return size, poses
}

func excavate(m *mesh, p paint) {
	for _, s := range []float32{-1, 1} {
		m.slab(rubber, s*1.1-0.28, s*1.1+0.28, [2]float32{-2.3, 0}, [2]float32{0.9, 0}, [2]float32{1.2, 0.4}, [2]float32{0.9, 0.8}, [2]float32{-2.3, 0.8}, [2]float32{-2.6, 0.4})
		m.box(steel, -2, 0.6, s*1.1-0.3, s*1.1+0.3, 0.3, 0.5)
	}
	m.box(underbody, -1.6, 0.2, -0.8, 0.8, 0.5, 1.0)
	m.hull(p, rectangle(-2.7, 0.5, -1.2, 1.2, 1.0), rectangle(-2.6, 0.4, -1.15, 1.15, 1.9))
	m.box(underbody, -2.72, -2.4, -1, 1, 1.1, 1.5)
	bottom, top := rectangle(-0.9, 0.75, 0.2, 1.2, 1.3), rectangle(-0.8, 0.5, 0.25, 1.15, 3.0)
	m.hull(p, bottom, top)
	for _, q := range walls(bottom, top) {
		m.decal(darkGlass, q, 0.1, 0.9, 0.3, 0.92, 0.015)
	}
	m.bar(p, vec{0.3, -0.3, 1.4}, vec{2.1, -0.3, 3.0}, 0.42)
	m.bar(p, vec{2.0, -0.3, 3.05}, vec{3.4, -0.3, 1.5}, 0.32)
	m.bar(steel, vec{0.6, -0.3, 2.2}, vec{2.0, -0.3, 2.75}, 0.16)
	m.slab(steel, -0.75, 0.15, [2]float32{3.1, 0.5}, [2]float32{3.7, 0.6}, [2]float32{3.7, 1.3}, [2]float32{3.25, 1.6})
}

func loader(m *mesh, p paint) {
	for _, x := range []float32{-1.7, 1.2} {
		for _, y := range []float32{-1.0, 1.0} {
			m.wheel(x, y, 0.78, 0.55)
		}
	}
	m.box(p, -3.0, -0.6, -0.85, 0.85, 0.8, 2.0)
	m.box(underbody, -3.05, -2.6, -0.7, 0.7, 0.9, 1.7)
	m.box(p, -0.8, 1.6, -0.7, 0.7, 0.7, 1.5)
	bottom, top := rectangle(-1.2, 0.3, -0.75, 0.75, 1.5), rectangle(-1.1, 0.15, -0.7, 0.7, 3.1)
	m.hull(p, bottom, top)
	for _, q := range walls(bottom, top) {
		m.decal(darkGlass, q, 0.08, 0.92, 0.22, 0.9, 0.015)
	}
	for _, y := range []float32{-0.75, 0.75} {
		m.bar(p, vec{0.9, y, 1.5}, vec{2.7, y, 0.6}, 0.26)
	}
	m.slab(steel, -1.35, 1.35, [2]float32{2.4, 0.15}, [2]float32{3.4, 0.1}, [2]float32{2.75, 0.9}, [2]float32{2.4, 1.2})
}
