package synth

import (
	"math"
	"math/rand/v2"
)

// dice draws everything that varies. A drive owns one, seeded by the data
// set's seed and the drive's number, so drives do not depend on each other.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice {
	return dice{rand.New(rand.NewPCG(seed, stream))}
}

// between draws uniformly from [a, b).
func (d dice) between(a, b float64) float64 { return a + (b-a)*d.Float64() }

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// around draws near mean, with the given relative standard deviation, never
// further than two of them.
func (d dice) around(mean, spread float64) float64 {
	return mean * (1 + spread*max(-2, min(2, d.NormFloat64())))
}

// sign draws -1 or 1.
func (d dice) sign() float64 {
	if d.chance(0.5) {
		return 1
	}
	return -1
}

// pick draws one of xs.
func pick[T any](d dice, xs ...T) T { return xs[d.IntN(len(xs))] }

// color is linear in the light that a surface sends, 1 being white paper in
// the sun.
type color struct{ r, g, b float32 }

func (c color) scale(k float32) color { return color{k * c.r, k * c.g, k * c.b} }
func (c color) times(o color) color   { return color{c.r * o.r, c.g * o.g, c.b * o.b} }
func (c color) plus(o color) color    { return color{c.r + o.r, c.g + o.g, c.b + o.b} }
func clamp01(x float32) float32       { return min(1, max(0, x)) }

// mix is a if t is 0 and b if it is 1.
func mix(a, b color, t float32) color {
	return color{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

// rgb is the colour of those values on a screen.
func rgb(r, g, b float32) color { return color{r * r / 65025, g * g / 65025, b * b / 65025} }

// tint varies each part of a colour by up to that share.
func (d dice) tint(c color, by float64) color {
	k := func() float32 { return float32(d.between(1-by, 1+by)) }
	return color{c.r * k(), c.g * k(), c.b * k()}
}

// hue draws a colour of that saturation and brightness.
func (d dice) hue(saturation, value float64) color {
	h := d.Float64() * 2 * math.Pi
	part := func(i float64) float32 {
		k := 0.5 + 0.5*math.Cos(h-i*2*math.Pi/3)
		v := value * (1 - saturation + saturation*k)
		return float32(v * v)
	}
	return color{part(0), part(1), part(2)}
}
