package main

import (
	"math"
	"math/rand/v2"
)

// results is the open results file.
type results struct {
	*encoder
	boxes   int // in each sample
	written int
}

func newResults(e *encoder, boxes int) *results {
	e.open('{')
	e.key("meta").open('{')
	for _, input := range []string{"camera", "lidar", "radar", "map", "external"} {
		e.key("use_" + input).boolean(input == "camera")
	}
	e.close('}')
	e.key("results").open('{')
	return &results{encoder: e, boxes: boxes}
}

func (r *results) finish() (int64, error) {
	r.close('}')
	r.close('}')
	return r.encoder.finish()
}

// scene writes what is found in a scene's samples.
func (r *results) scene(s *scene) {
	d := &detector{rng: rand.New(rand.NewPCG(seedResults, uint64(s.number)))}
	for i := range s.samples {
		token := s.sampleToken(i)
		r.key(token).open('[')
		for _, b := range d.detect(s, i, r.boxes) {
			r.box(token, b)
		}
		r.close(']')
	}
}

func (r *results) box(sample string, d detection) {
	r.written++
	r.open('{')
	r.key("sample_token").str(sample)
	r.key("translation").floats(d.center[:]...)
	r.key("size").floats(d.size[:]...)
	r.key("rotation").floats(math.Cos(d.yaw/2), 0, 0, math.Sin(d.yaw/2))
	r.key("velocity").floats(d.velocity[:]...)
	r.key("detection_name").str(d.class)
	r.key("detection_score").float(d.score)
	r.key("attribute_name").str(d.attribute)
	r.close('}')
}

// detection is a found box.
type detection struct {
	class, attribute string
	center, size     [3]float64
	yaw              float64
	velocity         [2]float64
	score            float64
}

// detector finds objects as well as its chance has it.
type detector struct{ rng *rand.Rand }

// detect returns n boxes of a sample: true ones, each followed by its duplicates,
// then false positives.
func (d *detector) detect(s *scene, sample, n int) []detection {
	found := make([]detection, 0, n)
	for o, b := range s.annotated(sample) {
		if d.rng.Float64() < o.recall*(1-b.distance/200) {
			found = d.copies(found, o, b)
		}
	}
	for len(found) < n {
		found = append(found, d.falsePositive(s.poses[sample]))
	}
	return found[:n]
}

// copies appends a noisy copy of a true box, and up to three duplicates of lower score.
func (d *detector) copies(found []detection, o *object, b *box) []detection {
	off := d.offset(0.15 + 0.01*b.distance)
	first := detection{
		class:     o.class(),
		attribute: d.attribute(o),
		center:    [3]float64{b.center[0] + off[0], b.center[1] + off[1], b.center[2] + 0.1*d.rng.NormFloat64()},
		size:      d.size(o.size, 0.08),
		yaw:       b.yaw + 0.15*d.rng.NormFloat64(),
		velocity:  [2]float64{b.velocity[0] + 0.3*d.rng.NormFloat64(), b.velocity[1] + 0.3*d.rng.NormFloat64()},
		score:     sigmoid(1.5 - 1.2*math.Hypot(off[0], off[1]) + 0.8*d.rng.NormFloat64()),
	}
	if d.rng.Float64() < 0.05 { // front and back taken for each other
		first.yaw += math.Pi
	}
	found = append(found, first)
	for range d.rng.IntN(4) {
		again, off := first, d.offset(0.8)
		again.center[0] += off[0]
		again.center[1] += off[1]
		again.size = d.size(again.size, 0.05)
		again.yaw += 0.1 * d.rng.NormFloat64()
		again.score *= 0.05 + 0.5*d.rng.Float64()
		found = append(found, again)
	}
	return found
}

// falsePositive returns a box anywhere within 55 m of the vehicle, the denser the nearer.
func (d *detector) falsePositive(ego pose) detection {
	k := d.kind()
	distance, direction := 55*d.rng.Float64(), 2*math.Pi*d.rng.Float64()
	size := d.size(k.size, 0.15)
	f := detection{
		class:  k.class(),
		center: [3]float64{ego.x + distance*math.Cos(direction), ego.y + distance*math.Sin(direction), size[2]/2 + 0.2*d.rng.NormFloat64()},
		size:   size,
		yaw:    2 * math.Pi * d.rng.Float64(),
		score:  0.7 * math.Pow(d.rng.Float64(), 16),
	}
	if n := len(k.attributes); n > 0 {
		f.attribute = k.attributes[d.rng.IntN(n)]
	}
	for i := range f.velocity {
		f.velocity[i] = 0.3 * k.speed * d.rng.NormFloat64()
	}
	return f
}

// kind returns a kind of the detection task by its share.
func (d *detector) kind() *kind {
	for {
		x := d.rng.Float64()
		for i := range kinds {
			if x -= kinds[i].share; x < 0 && kinds[i].class() != "" {
				return &kinds[i]
			}
		}
	}
}

// attribute returns the right attribute as a rule.
func (d *detector) attribute(o *object) string {
	switch {
	case o.attribute < 0:
		return ""
	case d.rng.Float64() < 0.15:
		return o.attributes[d.rng.IntN(len(o.attributes))]
	}
	return o.attributes[o.attribute]
}

func (d *detector) offset(sigma float64) [2]float64 {
	return [2]float64{sigma * d.rng.NormFloat64(), sigma * d.rng.NormFloat64()}
}

func (d *detector) size(mean [3]float64, sigma float64) [3]float64 {
	for i := range mean {
		mean[i] *= math.Exp(sigma * d.rng.NormFloat64())
	}
	return mean
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
