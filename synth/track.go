package synth

import "math"

// profile is a speed over time, linear between values a profileStep apart and
// constant outside; the first value is at time 0.
type profile []float64

const profileStep = 0.5

func steady(v float64) profile { return profile{v} }

func (p profile) at(t float64) float64 {
	k := t / profileStep
	i := int(math.Floor(k))
	if i < 0 {
		return p[0]
	}
	if i >= len(p)-1 {
		return p[len(p)-1]
	}
	return p[i] + (p[i+1]-p[i])*(k-float64(i))
}

// distance is the way covered since time 0.
func (p profile) distance(t float64) float64 {
	if t < 0 {
		return p[0] * t
	}
	sum := 0.0
	for i := 0; ; i++ {
		a := float64(i) * profileStep
		if i >= len(p)-1 {
			return sum + p[len(p)-1]*(t-a)
		}
		if t < a+profileStep {
			return sum + (t-a)*(p[i]+p.at(t))/2
		}
		sum += profileStep * (p[i] + p[i+1]) / 2
	}
}

// egoSpeed draws the recording vehicle's speed: a target that changes now and
// then, sometimes a stop, followed with comfortable acceleration.
func egoSpeed(d dice, seconds float64, turning bool) profile {
	top := 12.0
	if turning {
		top = 5.5
	}
	target := d.between(0.5, 1) * top
	v := target
	var p profile
	for t := 0.0; t <= seconds+profileStep; t += profileStep {
		p = append(p, v)
		if d.chance(0.14) {
			target = d.between(0.25, 1) * top
			if d.chance(0.25) {
				target = 0
			}
		}
		v += max(-1.3, min(0.9, target-v))
	}
	return p
}

// track is a motion over the ground: along a path, or standing if path is
// empty.
type track struct {
	path  path
	start float64 // arc length at time 0
	speed profile
	stand point
}

func (k *track) at(t float64) point {
	if k.path == nil {
		return k.stand
	}
	return k.path.at(k.start + k.speed.distance(t))
}

func (k *track) velocity(t float64) float64 {
	if k.path == nil {
		return 0
	}
	return k.speed.at(t)
}

// rect is a rectangle on the ground with half sizes along and across its
// heading.
type rect struct {
	at   point
	a, b float64
}

// overlaps reports whether two rectangles come closer than the margin, by the
// four axes that could separate them.
func (r rect) overlaps(o rect, margin float64) bool {
	dx, dy := o.at.x-r.at.x, o.at.y-r.at.y
	reach := math.Hypot(r.a, r.b) + math.Hypot(o.a, o.b) + margin
	if dx*dx+dy*dy > reach*reach {
		return false
	}
	sr, cr := math.Sincos(r.at.heading)
	so, co := math.Sincos(o.at.heading)
	c, s := math.Abs(cr*co+sr*so), math.Abs(cr*so-sr*co)
	return math.Abs(cr*dx+sr*dy) < r.a+c*o.a+s*o.b+margin &&
		math.Abs(cr*dy-sr*dx) < r.b+s*o.a+c*o.b+margin &&
		math.Abs(co*dx+so*dy) < o.a+c*r.a+s*r.b+margin &&
		math.Abs(co*dy-so*dx) < o.b+s*r.a+c*r.b+margin
}
