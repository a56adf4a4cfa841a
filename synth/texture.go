package synth

// Textures are functions of a surface's own coordinates in metres. Each takes
// the footprint of a pixel on the surface as well, and returns the mean over
// it: patterns by their integral, noise by fading out before it would alias.

func floor32(x float32) int32 {
	i := int32(x)
	if float32(i) > x {
		i--
	}
	return i
}

// hash01 is a fixed pseudo-random number in [0, 1) for a lattice point.
func hash01(x, y int32, seed uint32) float32 {
	h := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77 ^ seed*0xc2b2ae3d
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	h ^= h >> 15
	return float32(h>>8) * (1.0 / (1 << 24))
}

// noise is smooth value noise in [-1, 1] over cells of unit size.
func noise(x, y float32, seed uint32) float32 {
	ix, iy := floor32(x), floor32(y)
	fx, fy := x-float32(ix), y-float32(iy)
	fx, fy = fx*fx*(3-2*fx), fy*fy*(3-2*fy)
	a, b := hash01(ix, iy, seed), hash01(ix+1, iy, seed)
	c, d := hash01(ix, iy+1, seed), hash01(ix+1, iy+1, seed)
	a += (b - a) * fx
	c += (d - c) * fx
	return 2*(a+(c-a)*fy) - 1
}

// grain is noise of that cell size, faded where the footprint reaches it.
func grain(u, v, footprint, cell float32, seed uint32) float32 {
	k := 1.5 - 1.5*footprint/cell
	if k <= 0 {
		return 0
	}
	return min(1, k) * noise(u/cell, v/cell, seed)
}

// band is the share of the footprint around x that lies in [a, b].
func band(x, footprint, a, b float32) float32 {
	h := footprint / 2
	return max(0, min(x+h, b)-max(x-h, a)) / footprint
}

// pulse is the share of the footprint around x that lies in [a, b] repeated
// with the period.
func pulse(x, footprint, period, a, b float32) float32 {
	h := footprint / 2
	return (pulseIntegral(x+h, period, a, b) - pulseIntegral(x-h, period, a, b)) / footprint
}

func pulseIntegral(x, period, a, b float32) float32 {
	n := float32(floor32(x / period))
	return n*(b-a) + min(b-a, max(0, x-n*period-a))
}
