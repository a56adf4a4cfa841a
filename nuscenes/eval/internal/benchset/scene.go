package main

import (
	"iter"
	"math"
	"math/rand/v2"
)

const (
	epoch          = 1_530_000_000_000_000 // of scene 0, microseconds
	betweenScenes  = 60_000_000
	betweenSamples = 500_000
)

// scene is one scene's drive and the objects that it passes.
type scene struct {
	plan
	path
	objects []*object
}

// path is the vehicle's, given at its samples.
type path struct {
	times []int64 // microseconds since 1970, ascending
	poses []pose
}

// pose is a place and a motion in the ground plane, in the global frame.
type pose struct {
	x, y, yaw   float64
	speed, turn float64 // metres and radians a second, until the next sample
}

// after returns the pose some seconds later, of the same speed and turn.
func (p pose) after(seconds float64) pose {
	along := p.yaw + p.turn*seconds/2
	p.x += p.speed * seconds * math.Cos(along)
	p.y += p.speed * seconds * math.Sin(along)
	p.yaw += p.turn * seconds
	return p
}

// newPath drives from a place at random.
func newPath(rng *rand.Rand, number, samples int) path {
	now := pose{
		x: 300 + 1500*rng.Float64(), y: 300 + 1500*rng.Float64(), yaw: 2 * math.Pi * rng.Float64(),
		speed: max(0, 15*rng.Float64()-3), turn: 0.05 * rng.NormFloat64(),
	}
	time := int64(epoch + number*betweenScenes)
	var p path
	for range samples {
		p.times, p.poses = append(p.times, time), append(p.poses, now)
		step := betweenSamples + int64(300*rng.NormFloat64())
		time += step
		now = now.after(float64(step) / 1e6)
		now.speed = min(max(0, now.speed+0.6*rng.NormFloat64()), 15)
		now.turn = 0.9*now.turn + 0.02*rng.NormFloat64()
	}
	return p
}

// at returns the pose at a time near the path.
func (p *path) at(time int64) pose {
	i := 0
	for i+1 < len(p.times) && p.times[i+1] <= time {
		i++
	}
	return p.poses[i].after(float64(time-p.times[i]) / 1e6)
}

// annotated iterates over the objects of a sample and their boxes in it.
func (s *scene) annotated(sample int) iter.Seq2[*object, *box] {
	return func(yield func(*object, *box) bool) {
		for _, o := range s.objects {
			i := sample - o.first
			if i >= 0 && i < len(o.boxes) && !yield(o, &o.boxes[i]) {
				return
			}
		}
	}
}

func (s *scene) sampleToken(i int) string { return token(sampleRow, s.number, i, 0) }

// generator makes the scenes of one split, which must be asked for in order.
type generator struct {
	annotations []float64 // of each kind, in all scenes so far
	total       float64
}

func newGenerator() *generator { return &generator{annotations: make([]float64, len(kinds))} }

func (g *generator) scene(p plan) *scene {
	rng := rand.New(rand.NewPCG(seedScene, uint64(p.number)))
	s := &scene{plan: p, path: newPath(rng, p.number, p.samples)}
	g.total += float64(p.annotations)
	for left := p.annotations; left > 0; {
		kind := g.missing(rng)
		o := s.newObject(rng, &kinds[kind], left)
		s.objects = append(s.objects, o)
		g.annotations[kind] += float64(len(o.boxes))
		left -= len(o.boxes)
	}
	return s
}

// missing returns a kind by chance, the likelier the more annotations it lacks
// for its share.
func (g *generator) missing(rng *rand.Rand) int {
	lack := make([]float64, len(kinds))
	var sum float64
	for i := range kinds {
		lack[i] = max(0, kinds[i].share*g.total-g.annotations[i])
		sum += lack[i]
	}
	x := sum * rng.Float64()
	for i := range lack {
		if x -= lack[i]; x < 0 {
			return i
		}
	}
	return 0
}
