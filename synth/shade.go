package synth

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// lighting is a drive's weather.
type lighting struct {
	sun          geom.Vec3 // direction towards it
	sunColor     color
	sky, ground  color // light from above and from below
	zenith       color // of the sky
	horizon      color // of the sky, and of the haze
	haze         float32
	clouds       float32 // share of the sky that they cover
	cloudSeed    uint32
	shadow       float32 // how dark a shadow is: 0 overcast, 1 clear
	exposure     float32
	cloudColor   color
	sensorNoise  float32
	sunVisible   bool
	colorBalance color
}

// weather draws the light of a drive.
func weather(d dice) lighting {
	l := lighting{cloudSeed: uint32(d.Uint64()), sensorNoise: float32(d.between(0.5, 2))}
	elevation, azimuth := d.between(0.35, 1.15), d.between(0, 2*math.Pi)
	l.sun = geom.Vec3{math.Cos(elevation) * math.Cos(azimuth), math.Cos(elevation) * math.Sin(azimuth), math.Sin(elevation)}
	warm := float32(max(0, 0.8-elevation))
	overcast := d.chance(0.3)
	if overcast {
		l.sunColor = color{0.22, 0.22, 0.22}
		l.sky, l.ground = color{0.78, 0.8, 0.84}, color{0.42, 0.42, 0.42}
		l.zenith, l.horizon, l.cloudColor = rgb(150, 160, 172), rgb(205, 209, 214), rgb(214, 217, 221)
		l.clouds, l.shadow, l.haze = 0.9, 0.2, float32(d.between(0.003, 0.009))
	} else {
		l.sunColor = color{0.95, 0.9 - 0.25*warm, 0.82 - 0.5*warm}
		l.sky, l.ground = color{0.36, 0.41, 0.5}, color{0.25, 0.24, 0.22}
		l.zenith, l.horizon, l.cloudColor = rgb(70, 118, 186), rgb(190, 210, 228), rgb(248, 246, 242)
		l.horizon = mix(l.horizon, rgb(235, 200, 160), warm)
		l.clouds, l.shadow, l.haze = float32(d.between(0.1, 0.65)), 1, float32(d.between(0.0015, 0.005))
		l.sunVisible = true
	}
	l.exposure = float32(d.between(0.8, 1.15))
	l.colorBalance = d.tint(color{1, 1, 1}, 0.04)
	return l
}

// on returns the light that a matt face with that normal sends on.
func (l *lighting) on(n geom.Vec3) color {
	up := float32(0.5 + 0.5*n[2])
	return mix(l.ground, l.sky, up).plus(l.sunColor.scale(float32(max(0, n.Dot(l.sun)))))
}

// skyAt returns the sky in a direction.
func (l *lighting) skyAt(d place, footprint float32) color {
	z := float32(max(d.z, 0))
	t := float32(math.Sqrt(float64(z)))
	c := mix(l.horizon, l.zenith, clamp01(1.15*t))
	if z > 0.015 {
		k := 1 / (z + 0.12)
		u, v := float32(d.x)*k*1.3, float32(d.y)*k*1.3
		fp := footprint * k * 2
		n := 0.6*noise(u, v, l.cloudSeed) + 0.3*grain(u, v, fp, 0.45, l.cloudSeed+1) + 0.15*grain(u, v, fp, 0.2, l.cloudSeed+2)
		cover := clamp01((n + 2*l.clouds - 1) * 1.6)
		c = mix(c, l.cloudColor.scale(0.82+0.18*clamp01(1-0.8*n)), cover*clamp01(z*9)*0.9)
	}
	if l.sunVisible {
		if s := d.x*l.sun[0] + d.y*l.sun[1] + d.z*l.sun[2]; s > 0.97 {
			g := float32((s - 0.97) / 0.03)
			c = mix(c, color{1.3, 1.25, 1.1}, g*g*g*0.9)
		}
	}
	return c
}

// through mixes in the air between the lens and a surface.
func (l *lighting) through(c color, z float32) color {
	t := 1 - float32(math.Exp(float64(-l.haze*z)))
	return mix(c, l.horizon, t)
}

// encode turns light into a pixel value: exposure, a soft shoulder, gamma.
func (l *lighting) encode(c color, gain color) [3]uint8 {
	k := l.exposure
	return [3]uint8{
		tone(c.r * k * gain.r * l.colorBalance.r),
		tone(c.g * k * gain.g * l.colorBalance.g),
		tone(c.b * k * gain.b * l.colorBalance.b),
	}
}

func tone(x float32) uint8 {
	if x > 0.7 {
		x = 0.7 + 0.3*(1-1/(1+(x-0.7)/0.3))
	}
	return gamma[min(gammaSteps, int(x*gammaSteps+0.5))]
}

const gammaSteps = 4095

// gamma holds the square-root curve that cameras' values follow roughly.
var gamma = func() (t [gammaSteps + 1]uint8) {
	for i := range t {
		t[i] = uint8(255*math.Sqrt(float64(i)/gammaSteps) + 0.5)
	}
	return t
}()

// shader colours the samples of a raster.
type shader struct {
	*raster
	world *world
	light *lighting
	casts *shadows
	gain  color
}

// pixel returns the colour of a pixel and the depth at its middle, 0 for sky.
func (s *shader) pixel(x, y int) (color, float64) {
	n := s.samples
	first := y*n*s.w + x*n
	id := s.id[first]
	same := true
	for j := 0; j < n && same; j++ {
		for _, k := range s.id[first+j*s.w : first+j*s.w+n] {
			same = same && k == id
		}
	}
	if same {
		return s.sample(id, float64(x), float64(y)), s.depthOf(id, float64(x), float64(y))
	}
	return s.mixed(first, x, y)
}

// mixed is a pixel where several faces meet: each counts by its samples, seen at
// their mean.
func (s *shader) mixed(first, x, y int) (color, float64) {
	n := s.samples
	type share struct {
		id   int32
		n    int
		x, y float64
	}
	var buf [16]share
	shares := buf[:0]
	for j := range n {
		for i := range n {
			id := s.id[first+j*s.w+i]
			k := 0
			for k < len(shares) && shares[k].id != id {
				k++
			}
			if k == len(shares) {
				shares = append(shares, share{id: id})
			}
			q := &shares[k]
			q.n++
			q.x += (float64(i)+0.5)/float64(n) - 0.5
			q.y += (float64(j)+0.5)/float64(n) - 0.5
		}
	}
	var c color
	for _, q := range shares {
		k := 1 / float64(q.n)
		c = c.plus(s.sample(q.id, float64(x)+q.x*k, float64(y)+q.y*k).scale(float32(q.n) / float32(n*n)))
	}
	middle := s.id[first+(n/2)*(s.w+1)]
	return c, s.depthOf(middle, float64(x), float64(y))
}

func (s *shader) depthOf(id int32, x, y float64) float64 {
	if id == 0 {
		return 0
	}
	return s.drawn[id-1].depth(x, y)
}

// place is a point or direction of the world; a struct, since the compiler
// keeps its parts in registers.
type place struct{ x, y, z float64 }

func (p place) norm() float64 { return math.Sqrt(p.x*p.x + p.y*p.y + p.z*p.z) }

func (s *shader) ray(x, y float64) place {
	r := &s.worldFromCamera.R
	x, y = (x-s.cx)/s.fx, (y-s.cy)/s.fy
	return place{r[0]*x + r[1]*y + r[2], r[3]*x + r[4]*y + r[5], r[6]*x + r[7]*y + r[8]}
}

// sample returns the light that the face sends to a place of the screen.
func (s *shader) sample(id int32, x, y float64) color {
	ray := s.ray(x, y)
	if id == 0 {
		k := 1 / ray.norm()
		return s.light.skyAt(place{k * ray.x, k * ray.y, k * ray.z}, float32(1/s.fx))
	}
	d := &s.drawn[id-1]
	if !d.lit {
		s.finish(d, s.light)
	}
	w := d.w[0] + d.w[1]*x + d.w[2]*y
	if w < 1e-4 {
		return s.light.horizon
	}
	z := 1 / w
	u, v := (d.u[0]+d.u[1]*x+d.u[2]*y)*z, (d.v[0]+d.v[1]*x+d.v[2]*y)*z
	du := (math.Abs(d.u[1]-u*d.w[1]) + math.Abs(d.u[2]-u*d.w[2])) * z
	dv := (math.Abs(d.v[1]-v*d.w[1]) + math.Abs(d.v[2]-v*d.w[2])) * z
	f := spot{float32(u), float32(v), max(1e-4, float32(du)), max(1e-4, float32(dv))}
	eye := &s.worldFromCamera.T
	p := place{eye[0] + z*ray.x, eye[1] + z*ray.y, eye[2] + z*ray.z}
	paint := &d.face.paint
	light := d.light
	if paint.kind.isGround() {
		light = s.shadowed(light, p)
	} else {
		light = light.scale(0.62 + 0.38*clamp01(float32(p.z)*1.6))
	}
	c := s.world.surface(paint, f, p, ray, s.light)
	lit := c.times(light)
	if paint.glow > 0 {
		lit = lit.plus(c.scale(paint.glow))
	}
	return s.light.through(lit, float32(z))
}

// shadowed dims the light on flat ground by what stands near.
func (s *shader) shadowed(light color, p place) color {
	ambient, sun := s.casts.at(p.x, p.y)
	l := s.light
	direct := l.sunColor.scale(float32(l.sun[2]))
	return light.plus(direct.scale(-1)).scale(ambient).plus(direct.scale((1 - (1-sun)*l.shadow*0.9) * (0.5 + 0.5*ambient)))
}
