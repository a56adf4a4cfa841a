package synth

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// object is one annotated thing: its shape in each pose of its gait, its box,
// its motion.
type object struct {
	category string
	size     [3]float64 // width, length, height
	poses    []mesh
	track    track
	base     float64 // height of the ground under it
	ridden   bool
	parked   bool
	sheer    bool // lets much light through, as cycles and boards do
}

// footprint is the object's rectangle at a time.
func (o *object) footprint(t float64) rect {
	return rect{o.track.at(t), o.size[1] / 2, o.size[0] / 2}
}

// pose is worldFromObject at a time.
func (o *object) pose(t float64) geom.Pose {
	p := o.track.at(t)
	return geom.NewPose(geom.QuatFromYaw(p.heading), geom.Vec3{p.x, p.y, o.base})
}

// shape is the mesh at a time: walkers step with the way they cover.
func (o *object) shape(t float64) *mesh {
	if len(o.poses) == 1 {
		return &o.poses[0]
	}
	const stride = 1.4
	k := (o.track.start + o.track.speed.distance(t)) / stride
	i := int((k - math.Floor(k)) * float64(len(o.poses)))
	return &o.poses[min(i, len(o.poses)-1)]
}

// kind makes objects of one sort.
type kind func(d dice) object

func made(category string, shape func(d dice) ([3]float64, []mesh)) kind {
	return func(d dice) object {
		size, poses := shape(d)
		return object{category: category, size: size, poses: poses}
	}
}

var (
	aCar     = made("vehicle.car", car)
	aTruck   = made("vehicle.truck", truck)
	aTrailer = made("vehicle.trailer", trailer)
	aBus     = made("vehicle.bus.rigid", bus)
	aDigger  = made("vehicle.construction", construction)
	aCone    = made("movable_object.trafficcone", trafficCone)
)

func aBarrier(style int) kind {
	return func(d dice) object {
		size, poses := barrier(d, style)
		return object{category: "movable_object.barrier", size: size, poses: poses, sheer: style == 2}
	}
}

func aCycle(category string, shape func(d dice, ridden bool) ([3]float64, []mesh), ridden bool) kind {
	return func(d dice) object {
		size, poses := shape(d, ridden)
		return object{category: category, size: size, poses: poses, ridden: ridden, sheer: true}
	}
}

func aMotorcycle(ridden bool) kind { return aCycle("vehicle.motorcycle", motorcycle, ridden) }
func aBicycle(ridden bool) kind    { return aCycle("vehicle.bicycle", bicycle, ridden) }

func aPerson(walking, worker bool) kind {
	return func(d dice) object {
		size, poses := pedestrian(d, walking, worker)
		return object{category: "human.pedestrian.adult", size: size, poses: poses}
	}
}

// crowd places objects and keeps them apart over the whole drive.
type crowd struct {
	*world
	dice
	seconds float64
}

// populate fills the streets. What is placed first has the right of way: later
// objects that would touch an earlier one at any time are left out.
func (w *world) populate(d dice, seconds float64) {
	c := crowd{w, d, seconds}
	for i := range w.roads {
		for _, side := range []float64{-1, 1} {
			c.park(i, side)
		}
	}
	c.convoy()
	for i := range w.roads {
		for _, side := range []float64{-1, 1} {
			c.drive(i, side)
			c.cycle(i, side)
			c.walk(i, side)
		}
		c.crossZebras(i)
	}
}

// add places an object unless something is in its way at some time.
func (c *crowd) add(o object) bool {
	const step = 0.1
	for t := -0.1; t <= c.seconds+0.1; t += step {
		f := o.footprint(t)
		if f.overlaps(rect{c.ego.at(t).ahead(1.4, 0), 2.6, 1.1}, 0.3) {
			return false
		}
		if o.track.path == nil {
			continue
		}
		if c.blocked(&o, f) {
			return false
		}
	}
	if o.track.path == nil && c.blocked(&o, o.footprint(0)) {
		return false
	}
	for i := range c.objects {
		if c.meet(&o, &c.objects[i]) {
			return false
		}
	}
	c.objects = append(c.objects, o)
	return true
}

// blocked reports whether scenery stands in the footprint.
func (c *crowd) blocked(o *object, f rect) bool {
	for _, k := range c.casters {
		if k.from < o.size[2] && f.overlaps(rect{k.at, k.a, k.b}, 0.1) {
			return true
		}
	}
	return false
}

// meet reports whether two objects touch at some time.
func (c *crowd) meet(a, b *object) bool {
	const step, margin = 0.1, 0.08
	if a.track.path == nil && b.track.path == nil {
		return a.footprint(0).overlaps(b.footprint(0), margin)
	}
	pa, pb := a.track.at(0), b.track.at(0)
	reach := a.track.wayTo(c.seconds) + b.track.wayTo(c.seconds) + (a.size[1]+a.size[0]+b.size[1]+b.size[0])/2 + 2
	if math.Hypot(pa.x-pb.x, pa.y-pb.y) > reach {
		return false
	}
	for t := -0.1; t <= c.seconds+0.1; t += step {
		if a.footprint(t).overlaps(b.footprint(t), margin) {
			return true
		}
	}
	return false
}

// wayTo bounds the distance moved until a time.
func (k *track) wayTo(t float64) float64 {
	if k.path == nil {
		return 0
	}
	return k.speed.distance(t)
}

// still places a standing object beside a road.
func (c *crowd) still(r *road, of kind, s, d, turn float64) bool {
	o := of(c.dice)
	p := r.axis.side(s, d)
	o.track.stand = p.turned(turn)
	o.parked = true
	if math.Abs(d) > r.half() {
		o.base = kerbHeight
	}
	return c.add(o)
}

// convoy drives before and behind the recording vehicle, at its speed.
func (c *crowd) convoy() {
	for _, dir := range []float64{-1, 1} {
		for s := c.between(10, 22); s < 90; s += c.between(11, 30) {
			c.follow(c.ego.path, c.ego.start+dir*s, c.ego.speed)
		}
	}
}

// follow places a vehicle of any sort on a lane; a truck may pull a trailer.
func (c *crowd) follow(lane path, s float64, v profile) {
	k := c.Float64()
	var of kind
	switch {
	case k < 0.62:
		of = aCar
	case k < 0.75:
		of = aTruck
	case k < 0.84:
		of = aBus
	case k < 0.93:
		of = aMotorcycle(true)
	default:
		of = aTruck
	}
	o := of(c.dice)
	o.track = track{path: lane, start: s, speed: v}
	if c.add(o) && k >= 0.93 {
		t := aTrailer(c.dice)
		t.track = track{path: lane, start: s - (o.size[1]+t.size[1])/2 - 0.6, speed: v}
		c.add(t)
	}
}

// drive fills the driving lanes of one side of a road.
func (c *crowd) drive(i int, side float64) {
	r := &c.roads[i]
	for lane := range r.lanes {
		p := r.axis.offset(side * r.lane(lane))
		if side > 0 {
			p = p.reverse()
		}
		// Cross traffic waits for the main road.
		if !r.through {
			c.queue(r, p, side)
			continue
		}
		v := steady(c.between(3, 13))
		if c.chance(0.2) {
			v = steady(0)
		}
		back := v.distance(c.seconds)
		for s := c.between(-back, 15-back); s < p.length(); s += c.between(14, 34) {
			c.follow(p, s, v)
		}
	}
}

// queue lets vehicles wait at a crossing and others leave it.
func (c *crowd) queue(r *road, p path, side float64) {
	stop := r.gaps[0][0] - 5.5
	away := r.gaps[0][1] + 4
	if side > 0 {
		stop, away = p.length()-r.gaps[0][1]-5.5, p.length()-r.gaps[0][0]+4
	}
	for s := stop - c.between(2, 5); s > 0; s -= c.between(7.5, 14) {
		if c.chance(0.75) {
			c.follow(p, s, steady(0))
		}
	}
	v := steady(c.between(5, 11))
	for s := away + c.between(3, 20); s < p.length(); s += c.between(16, 40) {
		c.follow(p, s, v)
	}
}

// cycle fills a cycle lane.
func (c *crowd) cycle(i int, side float64) {
	r := &c.roads[i]
	p := r.axis.offset(side * r.cycleLane())
	if side > 0 {
		p = p.reverse()
	}
	v := steady(c.between(2.5, 6))
	back := v.distance(c.seconds)
	for s := c.between(-back, 40-back); s < p.length(); s += c.between(30, 100) {
		o := aBicycle(true)(c.dice)
		if c.chance(0.25) {
			o = aMotorcycle(true)(c.dice)
		}
		o.track = track{path: p, start: s, speed: v}
		c.add(o)
	}
}

// walk fills a side-walk with people, walking and standing.
func (c *crowd) walk(i int, side float64) {
	r := &c.roads[i]
	for s := c.between(0, 8); s < r.axis.length(); s += c.between(8, 28) {
		d := side * c.between(r.half()+1.5, r.edge()-0.6)
		if c.chance(0.3) {
			if r.clear(s, 0) {
				c.still(r, aPerson(false, false), s, d, c.between(-math.Pi, math.Pi))
			}
			continue
		}
		p := r.axis.offset(d)
		at := s
		if c.chance(0.5) {
			p, at = p.reverse(), p.length()-s
		}
		c.stroll(r, p, at)
	}
}

// stroll sends a person along a path if that keeps on side-walks.
func (c *crowd) stroll(r *road, p path, s float64) {
	v := steady(c.between(0.8, 1.8))
	o := aPerson(true, false)(c.dice)
	o.track = track{path: p, start: s, speed: v}
	o.base = kerbHeight
	for t := 0.0; t <= c.seconds; t += 0.5 {
		q := o.track.at(t)
		if c.onCarriageway(q.x, q.y) {
			return
		}
	}
	c.add(o)
}

func (c *crowd) onCarriageway(x, y float64) bool {
	for i := range c.roads {
		r := &c.roads[i]
		for s := 0.0; s < r.axis.length(); s += 2 {
			p := r.axis.at(s)
			if math.Hypot(p.x-x, p.y-y) < r.half()+0.3 {
				return true
			}
		}
	}
	return false
}

// crossZebras sends people over the road.
func (c *crowd) crossZebras(i int) {
	r := &c.roads[i]
	for _, z := range r.zebras {
		for range 1 + c.IntN(3) {
			c.crossZebra(r, z)
		}
	}
}

// crossZebra sends one person over a zebra: already on the way in a short
// drive, from one kerb to the other at some time in a long one.
func (c *crowd) crossZebra(r *road, z float64) {
	const quickest = 1.6
	side := c.sign()
	along, across := c.between(-1.1, 1.1), r.half()-c.between(0.4, 8)
	long := c.seconds*quickest > 2*r.half()
	if long {
		across = r.half() - 0.5
	}
	from := r.axis.side(z+along, side*across).turned(-side * math.Pi / 2)
	o := aPerson(true, false)(c.dice)
	o.track = track{path: path{}.extend(from, 0, 40), speed: steady(c.between(0.8, 1.5))}
	if long {
		o.track.speed = walkOnce(o.track.speed[0], 2*across, c.between(0, c.seconds))
	}
	c.add(o)
}

// walkOnce is a walk of that length that begins, and ends, standing.
func walkOnce(speed, length, begin float64) profile {
	p := make(profile, int(begin/profileStep)+1)
	for range int(length/(speed*profileStep)) - 1 {
		p = append(p, speed)
	}
	return append(p, 0)
}
