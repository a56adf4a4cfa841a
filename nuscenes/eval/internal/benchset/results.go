package main

import (
	"math"
	"math/rand/v2"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// detections returns n boxes of a sample: those of true objects, each followed by
// its duplicates, then false positives.
func (s *scene) detections(dice *rand.Rand, sample, n int) *nuscenes.SampleResult {
	r := &nuscenes.SampleResult{Token: s.token(0, sample)}
	for _, o := range s.objects {
		b, ok := o.box(sample)
		annotated := o.first <= sample && sample < o.first+o.samples
		if distance := s.distance(o, sample); ok && annotated && dice.Float64() < 0.85-distance/200 {
			b = found(dice, b, o, distance)
			r.Boxes = append(r.Boxes, b)
			for range dice.IntN(4) {
				r.Boxes = append(r.Boxes, duplicate(dice, b))
			}
		}
	}
	for len(r.Boxes) < n {
		o := s.anything(dice, sample)
		if b, ok := o.box(sample); ok {
			b = found(dice, b, o, 0)
			b.Score = 0.7 * math.Pow(dice.Float64(), 16)
			r.Boxes = append(r.Boxes, b)
		}
	}
	r.Boxes = r.Boxes[:n]
	return r
}

// box returns the true box of an object, false if the detection task leaves its
// category out.
func (o *object) box(sample int) (nuscenes.Box, bool) {
	class, ok := nuscenes.DetectionClass(o.category)
	return nuscenes.Box{
		Class: class, Attribute: o.attribute, Center: o.center(sample), Size: o.size,
		Rotation: geom.QuatFromYaw(o.yaw), Velocity: o.velocity(), Points: -1,
	}, ok
}

// found returns a copy of a true box, the noisier the farther away. Its score is
// the lower the farther it is from the true one.
func found(dice *rand.Rand, b nuscenes.Box, o *object, distance float64) nuscenes.Box {
	truth, yaw := b.Center, o.yaw+0.15*dice.NormFloat64()
	b.Center = noisy(dice, truth, 0.15+0.01*distance)
	b.Size = scaled(dice, b.Size, 0.08)
	b.Velocity[0] += 0.3 * dice.NormFloat64()
	b.Velocity[1] += 0.3 * dice.NormFloat64()
	b.Score = 1 / (1 + math.Exp(1.2*b.Center.Sub(truth).Norm()-1.5+0.8*dice.NormFloat64()))
	if dice.IntN(20) == 0 { // front and back taken for each other
		yaw += math.Pi
	}
	b.Rotation = geom.QuatFromYaw(yaw)
	if n := len(o.attributes); n > 0 && dice.IntN(6) == 0 {
		b.Attribute = o.attributes[dice.IntN(n)]
	}
	return b
}

// duplicate returns a second box of an object, with a lower score.
func duplicate(dice *rand.Rand, b nuscenes.Box) nuscenes.Box {
	b.Center = noisy(dice, b.Center, 0.8)
	b.Score *= 0.05 + 0.5*dice.Float64()
	return b
}
