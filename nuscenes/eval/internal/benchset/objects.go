package main

import (
	"math"
	"math/rand/v2"

	"github.com/solofusion/solofusion/nuscenes"
)

// kind is a category of objects, and what they are like.
type kind struct {
	category   string
	share      float64
	size       [3]float64 // mean width, length, height
	speed      float64    // metres a second, of those that move
	moving     float64    // share of them
	attributes []string   // the first of those that move
	recall     float64    // share of the near ones that the results have
}

var (
	vehicleAttributes    = []string{"vehicle.moving", "vehicle.parked", "vehicle.stopped"}
	cycleAttributes      = []string{"cycle.with_rider", "cycle.without_rider"}
	pedestrianAttributes = []string{"pedestrian.moving", "pedestrian.standing", "pedestrian.sitting_lying_down"}
)

var kinds = []kind{
	{"vehicle.car", 0.43, [3]float64{1.95, 4.62, 1.73}, 7, 0.3, vehicleAttributes, 0.9},
	{"human.pedestrian.adult", 0.183, [3]float64{0.67, 0.73, 1.77}, 1.3, 0.7, pedestrianAttributes, 0.85},
	{"human.pedestrian.child", 0.003, [3]float64{0.5, 0.51, 1.37}, 1.1, 0.7, pedestrianAttributes, 0.7},
	{"human.pedestrian.construction_worker", 0.004, [3]float64{0.7, 0.75, 1.75}, 0.9, 0.5, pedestrianAttributes, 0.8},
	{"movable_object.barrier", 0.13, [3]float64{2.53, 0.5, 0.98}, 0, 0, nil, 0.8},
	{"movable_object.trafficcone", 0.08, [3]float64{0.41, 0.41, 1.07}, 0, 0, nil, 0.8},
	{"vehicle.truck", 0.08, [3]float64{2.51, 6.93, 2.84}, 6, 0.3, vehicleAttributes, 0.7},
	{"vehicle.trailer", 0.02, [3]float64{2.9, 12.29, 3.87}, 5, 0.15, vehicleAttributes, 0.5},
	{"vehicle.bus.rigid", 0.013, [3]float64{2.94, 11.19, 3.47}, 6, 0.5, vehicleAttributes, 0.75},
	{"vehicle.bus.bendy", 0.002, [3]float64{2.93, 17.5, 3.35}, 6, 0.5, vehicleAttributes, 0.7},
	{"vehicle.construction", 0.012, [3]float64{2.73, 6.37, 3.19}, 2, 0.1, vehicleAttributes, 0.4},
	{"vehicle.motorcycle", 0.01, [3]float64{0.77, 2.11, 1.47}, 7, 0.3, cycleAttributes, 0.65},
	{"vehicle.bicycle", 0.01, [3]float64{0.6, 1.7, 1.28}, 4, 0.3, cycleAttributes, 0.6},
	{"movable_object.pushable_pullable", 0.012, [3]float64{0.61, 0.66, 1.06}, 0, 0, nil, 0},
	{"movable_object.debris", 0.003, [3]float64{1.04, 1.1, 1.26}, 0, 0, nil, 0},
	{"human.pedestrian.stroller", 0.002, [3]float64{0.61, 0.95, 1.16}, 1.2, 0.7, pedestrianAttributes, 0},
	{nuscenes.BicycleRack, 0.006, [3]float64{2.8, 7.5, 1.4}, 0, 0, nil, 0},
}

// class returns the class in the detection task, "" for none.
func (k *kind) class() string {
	if class, ok := nuscenes.DetectionClass(k.category); ok {
		return class.String()
	}
	return ""
}

// object is annotated in consecutive samples, with the same size and attribute.
type object struct {
	*kind
	number    int // in its scene
	first     int // sample
	size      [3]float64
	attribute int // of the kind's, -1 for none
	boxes     []box
}

// box is an object in a sample.
type box struct {
	center                   [3]float64 // global frame
	yaw                      float64
	velocity                 [2]float64
	distance                 float64 // from the vehicle
	visibility, lidar, radar int
}

func (s *scene) annotationToken(o *object, i int) string {
	return token(annotationRow, s.number, o.number, i)
}

func (s *scene) instanceToken(o *object) string { return token(instanceRow, s.number, o.number, 0) }

const (
	annotatedWithin = 60 // metres
	bikesInRacks    = 0.3
)

// newObject returns an object of between 1 and limit annotations.
func (s *scene) newObject(rng *rand.Rand, k *kind, limit int) *object {
	o := &object{kind: k, number: len(s.objects), attribute: -1}
	for i, mean := range k.size {
		o.size[i] = millimetres(mean * math.Exp(0.12*rng.NormFloat64()))
	}
	moves := rng.Float64() < k.moving
	if n := len(k.attributes); n > 0 && moves {
		o.attribute = 0
	} else if n > 0 {
		o.attribute = 1 + rng.IntN(n-1)
	}
	anchor := rng.IntN(s.samples)
	p := s.place(rng, o, anchor, moves)
	length := min(limit, 2+int(20*rng.ExpFloat64()))
	from, to := s.near(p, anchor, length)
	o.first = from
	for i := from; i < to; i++ {
		o.boxes = append(o.boxes, s.box(rng, o, p.after(s.seconds(anchor, i)), i))
	}
	return o
}

// place returns where an object is at a sample, and how it moves.
func (s *scene) place(rng *rand.Rand, o *object, sample int, moves bool) pose {
	ego := s.poses[sample]
	distance, direction := 3+50*rng.Float64(), 2*math.Pi*rng.Float64()
	p := pose{
		x: ego.x + distance*math.Cos(direction), y: ego.y + distance*math.Sin(direction),
		yaw: ego.yaw + math.Pi/2*float64(rng.IntN(4)) + 0.2*rng.NormFloat64(), // along the streets, or across
	}
	if moves {
		p.speed = o.speed * (0.3 + 1.4*rng.Float64())
	} else if rack := s.rackAt(sample); rack != nil && o.class() == "bicycle" && rng.Float64() < bikesInRacks {
		p.x, p.y = rack.center[0]+0.5*rng.NormFloat64(), rack.center[1]+0.5*rng.NormFloat64()
	}
	return p
}

// rackAt returns a bicycle rack that is annotated in a sample, nil for none.
func (s *scene) rackAt(sample int) *box {
	for o, b := range s.annotated(sample) {
		if o.category == nuscenes.BicycleRack {
			return b
		}
	}
	return nil
}

func (s *scene) seconds(from, to int) float64 { return float64(s.times[to]-s.times[from]) / 1e6 }

// near returns the samples around one, at most length, in which something is near
// the vehicle: from the first to before the last.
func (s *scene) near(p pose, anchor, length int) (from, to int) {
	away := func(i int) bool { return s.distance(p.after(s.seconds(anchor, i)), i) >= annotatedWithin }
	for from, to = anchor, anchor+1; to-from < length; {
		before := from > 0 && !away(from-1)
		behind := to < s.samples && !away(to)
		switch {
		case behind && (!before || to-anchor <= anchor-from):
			to++
		case before:
			from--
		default:
			return from, to
		}
	}
	return from, to
}

func (s *scene) distance(p pose, sample int) float64 {
	return math.Hypot(p.x-s.poses[sample].x, p.y-s.poses[sample].y)
}

func (s *scene) box(rng *rand.Rand, o *object, p pose, sample int) box {
	b := box{
		center: [3]float64{
			millimetres(p.x + 0.02*rng.NormFloat64()), millimetres(p.y + 0.02*rng.NormFloat64()),
			millimetres(o.size[2]/2 + 0.1*rng.NormFloat64()),
		},
		yaw:        p.yaw,
		velocity:   [2]float64{p.speed * math.Cos(p.yaw), p.speed * math.Sin(p.yaw)},
		distance:   s.distance(p, sample),
		visibility: 4 - int(4*math.Pow(rng.Float64(), 2)),
		radar:      rng.IntN(4) * rng.IntN(2),
	}
	side := o.size[2] * max(o.size[0], o.size[1]) // a lidar meets it in proportion to its solid angle
	b.lidar = int(1 + 3000*side/max(9, b.distance*b.distance)*math.Exp(0.7*rng.NormFloat64()))
	if rng.Float64() < 0.03 {
		b.lidar, b.radar = 0, b.radar/2
	}
	return b
}

func millimetres(x float64) float64 { return math.Round(1000*x) / 1000 }
