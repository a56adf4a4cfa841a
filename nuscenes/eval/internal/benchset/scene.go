package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// kind is a category of objects, and what they are like.
type kind struct {
	category     string
	share        float64   // of all objects
	size         geom.Vec3 // mean width, length, height
	pace, moving float64   // metres a second of those that move, and their share
	attributes   []nuscenes.BoxAttribute
}

// kinds returns all kinds. Those that move have the first of their attributes.
func kinds() []kind {
	vehicle := []nuscenes.BoxAttribute{nuscenes.VehicleMoving, nuscenes.VehicleParked, nuscenes.VehicleStopped}
	cycle := []nuscenes.BoxAttribute{nuscenes.CycleWithRider, nuscenes.CycleWithoutRider}
	person := []nuscenes.BoxAttribute{nuscenes.PedestrianMoving, nuscenes.PedestrianStanding, nuscenes.PedestrianSittingLyingDown}
	return []kind{
		{"vehicle.car", 0.41, geom.Vec3{1.95, 4.62, 1.73}, 7, 0.3, vehicle},
		{"human.pedestrian.adult", 0.19, geom.Vec3{0.67, 0.73, 1.77}, 1.3, 0.7, person},
		{"movable_object.barrier", 0.13, geom.Vec3{2.53, 0.5, 0.98}, 0, 0, nil},
		{"movable_object.trafficcone", 0.08, geom.Vec3{0.41, 0.41, 1.07}, 0, 0, nil},
		{"vehicle.truck", 0.07, geom.Vec3{2.51, 6.93, 2.84}, 6, 0.3, vehicle},
		{"vehicle.trailer", 0.02, geom.Vec3{2.9, 12.29, 3.87}, 5, 0.15, vehicle},
		{"vehicle.bus.rigid", 0.015, geom.Vec3{2.94, 11.19, 3.47}, 6, 0.5, vehicle},
		{"vehicle.construction", 0.013, geom.Vec3{2.73, 6.37, 3.19}, 2, 0.1, vehicle},
		{"vehicle.motorcycle", 0.012, geom.Vec3{0.77, 2.11, 1.47}, 7, 0.3, cycle},
		{"vehicle.bicycle", 0.03, geom.Vec3{0.6, 1.7, 1.28}, 4, 0.3, cycle},
		{nuscenes.BicycleRack, 0.02, geom.Vec3{2.8, 7.5, 1.4}, 0, 0, nil},
		{"movable_object.debris", 0.01, geom.Vec3{1.04, 1.1, 1.26}, 0, 0, nil},
	}
}

// motion is straight and even. Positions are at time 0, in the global frame.
type motion struct {
	start      geom.Vec3
	yaw, speed float64
}

func (m motion) velocity() [2]float64 {
	sin, cos := math.Sincos(m.yaw)
	return [2]float64{m.speed * cos, m.speed * sin}
}

func (m motion) at(seconds float64) geom.Vec3 {
	v := m.velocity()
	return m.start.Add(geom.Vec3{v[0], v[1], 0}.Scale(seconds))
}

// object is annotated in consecutive samples. Its motion is at time 0 in the
// first of them.
type object struct {
	*kind
	motion
	size           geom.Vec3
	attribute      nuscenes.BoxAttribute
	first, samples int
}

// center returns where the object is in a sample.
func (o *object) center(sample int) geom.Vec3 {
	return o.at(seconds * float64(sample-o.first))
}

// scene is one scene's drive and the objects that it passes.
type scene struct {
	name    string
	number  int
	samples int
	vehicle motion
	kinds   []kind
	objects []*object
	rack    *object // the last bicycle rack among them, nil for none
	dice    *rand.Rand
}

const (
	seconds       = 0.5 // between samples
	annotatedUpTo = 60  // metres from the vehicle
)

func newScene(name string, samples, annotations int) *scene {
	s := &scene{name: name, samples: samples, kinds: kinds()}
	if _, err := fmt.Sscanf(name, "scene-%d", &s.number); err != nil {
		panic(err) // official names have numbers
	}
	s.dice = rand.New(rand.NewPCG(1, uint64(s.number)))
	s.vehicle = motion{
		start: geom.Vec3{300 + 1500*s.dice.Float64(), 300 + 1500*s.dice.Float64(), 0},
		yaw:   2 * math.Pi * s.dice.Float64(), speed: 12 * s.dice.Float64(),
	}
	for annotations > 0 {
		o := s.newObject(annotations)
		s.objects = append(s.objects, o)
		annotations -= o.samples
	}
	return s
}

// newObject returns an object that is annotated from a sample by chance on, limit
// times at most, and as long as it is near the vehicle.
func (s *scene) newObject(limit int) *object {
	o := s.anything(s.dice, max(0, s.dice.IntN(s.samples+15)-15))
	switch {
	case o.category == nuscenes.BicycleRack:
		s.rack = o
	case o.category == "vehicle.bicycle" && o.speed == 0 && s.rack != nil && s.dice.IntN(3) > 0:
		o.first, o.start = s.rack.first, noisy(s.dice, s.rack.start, 0.5)
	}
	end := min(s.samples, o.first+min(limit, 1+int(20*s.dice.ExpFloat64())))
	for o.samples = 1; o.first+o.samples < end && s.distance(o, o.first+o.samples) < annotatedUpTo; {
		o.samples++
	}
	return o
}

// anything returns an object of any kind somewhere near the vehicle in a sample.
func (s *scene) anything(dice *rand.Rand, sample int) *object {
	o := &object{kind: s.anyKind(dice), first: sample}
	o.size = scaled(dice, o.kind.size, 0.12)
	distance, direction := 3+52*dice.Float64(), 2*math.Pi*dice.Float64()
	o.start = s.vehicle.at(seconds * float64(sample))
	o.start = o.start.Add(geom.Vec3{distance * math.Cos(direction), distance * math.Sin(direction), o.size[2] / 2})
	o.yaw = s.vehicle.yaw + math.Pi/2*float64(dice.IntN(4)) + 0.2*dice.NormFloat64() // along streets and across
	n := len(o.attributes)
	switch moves := dice.Float64() < o.moving; {
	case moves:
		o.speed, o.attribute = o.pace*(0.3+1.4*dice.Float64()), o.attributes[0]
	case n > 0:
		o.attribute = o.attributes[1+dice.IntN(n-1)]
	}
	return o
}

func (s *scene) anyKind(dice *rand.Rand) *kind {
	x := dice.Float64()
	for i := range s.kinds {
		if x -= s.kinds[i].share; x < 0 {
			return &s.kinds[i]
		}
	}
	return &s.kinds[0]
}

// distance returns how far an object is from the vehicle in a sample.
func (s *scene) distance(o *object, sample int) float64 {
	away := o.center(sample).Sub(s.vehicle.at(seconds * float64(sample)))
	return math.Hypot(away[0], away[1])
}

// noisy returns a place some sigma metres from v.
func noisy(dice *rand.Rand, v geom.Vec3, sigma float64) geom.Vec3 {
	return v.Add(geom.Vec3{sigma * dice.NormFloat64(), sigma * dice.NormFloat64(), 0.2 * sigma * dice.NormFloat64()})
}

// scaled returns a size that differs from v by some sigma of its length.
func scaled(dice *rand.Rand, v geom.Vec3, sigma float64) geom.Vec3 {
	for i := range v {
		v[i] *= math.Exp(sigma * dice.NormFloat64())
	}
	return v
}
