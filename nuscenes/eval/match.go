package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// classBoxes is one class's boxes of all frames, ready for matching.
type classBoxes struct {
	class     perception.Class
	found     []candidate // in the order in which they choose
	truth     [][]*Box    // for each frame
	positives int         // true boxes in all
}

type candidate struct {
	*Box
	frame int
}

// collect gathers the boxes of a class.
func collect(class perception.Class, frames []Frame) classBoxes {
	c := classBoxes{class: class, truth: make([][]*Box, len(frames))}
	for i := range frames {
		for j := range frames[i].Truth {
			if b := &frames[i].Truth[j]; b.Class == class {
				c.truth[i] = append(c.truth[i], b)
				c.positives++
			}
		}
		for j := range frames[i].Found {
			if b := &frames[i].Found[j]; b.Class == class {
				c.found = append(c.found, candidate{b, i})
			}
		}
	}
	// By descending score, the later of equals first.
	slices.Reverse(c.found)
	slices.SortStableFunc(c.found, func(a, b candidate) int { return cmp.Compare(b.Score, a.Score) })
	return c
}

// Match is the fate of a found box.
type Match struct {
	Frame  int // position
	Score  float64
	Hit    bool
	Errors [numErrors]float64 // of a hit; NaN where not defined
}

// match lets each found box in turn take the nearest free true box of its
// frame, if that is nearer than the limit.
func (c *classBoxes) match(limit float64) []Match {
	matches := make([]Match, len(c.found))
	taken := make([][]bool, len(c.truth))
	for i, f := range c.found {
		matches[i] = Match{Frame: f.frame, Score: f.Score}
		if taken[f.frame] == nil {
			taken[f.frame] = make([]bool, len(c.truth[f.frame]))
		}
		best, nearest := nearestFree(f.Box, c.truth[f.frame], taken[f.frame])
		if nearest < limit {
			taken[f.frame][best] = true
			matches[i].Hit = true
			matches[i].Errors = errorsOf(c.truth[f.frame][best], f.Box)
		}
	}
	return matches
}

func nearestFree(found *Box, truth []*Box, taken []bool) (best int, nearest float64) {
	best, nearest = -1, math.Inf(1)
	for i, t := range truth {
		if taken[i] {
			continue
		}
		if d := distance(found.Center[0]-t.Center[0], found.Center[1]-t.Center[1]); d < nearest {
			best, nearest = i, d
		}
	}
	return best, nearest
}

func errorsOf(truth, found *Box) [numErrors]float64 {
	period := 2 * math.Pi
	if truth.Class.String() == "barrier" {
		period = math.Pi
	}
	return [numErrors]float64{
		Translation: distance(found.Center[0]-truth.Center[0], found.Center[1]-truth.Center[1]),
		Scale:       1 - alignedIoU(truth.Size, found.Size),
		Orientation: math.Abs(turn(truth.Yaw, found.Yaw, period)),
		Velocity:    distance(found.Velocity[0]-truth.Velocity[0], found.Velocity[1]-truth.Velocity[1]),
		Attribute:   attributeError(truth.Attribute, found.Attribute),
	}
}

// alignedIoU is the intersection over union of two boxes with the same centre
// and heading.
func alignedIoU(a, b geom.Vec3) float64 {
	common := volume(geom.Vec3{min(a[0], b[0]), min(a[1], b[1]), min(a[2], b[2])})
	return common / (volume(a) + volume(b) - common)
}

func volume(size geom.Vec3) float64 { return float64(float64(size[0]*size[1]) * size[2]) }

// turn returns the smallest angle from b to a, modulo the period.
func turn(a, b, period float64) float64 {
	d := math.Mod(a-b+period/2, period)
	if d < 0 {
		d += period
	}
	d -= period / 2
	if d > math.Pi {
		d -= 2 * math.Pi
	}
	return d
}

func attributeError(truth, found string) float64 {
	switch truth {
	case "":
		return math.NaN()
	case found:
		return 0
	}
	return 1
}
