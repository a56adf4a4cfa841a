package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// pair is a found box and a true one that it takes.
type pair struct {
	truth  *Truth
	found  *nuscenes.Box
	errors [numErrors]float64 // NaN if not defined
}

// matches are a found box's at each distance, nil for none.
type matches [numDistances]*pair

// fate is what becomes of a found box.
type fate struct {
	score   float64
	matches int32 // position among its frame's, -1 if it has none
}

// fates are those of a frame's found boxes of each class, in the order in which
// they choose, and the matches that they name.
type fates struct {
	of      [len(perception.Classes)][]fate
	matches []matches
}

// matchFrame matches each found box in turn with the nearest free true box of
// its class, if that is nearer than the limit, at each of the distances. Boxes of other
// samples have no part in it.
func matchFrame(cfg *Config, f *Frame) (all fates) {
	found := byClass(f.Found, func(b *nuscenes.Box) perception.Class { return b.Class })
	truth := byClass(pointers(f.Truth), func(t *Truth) perception.Class { return t.Class })
	room := make([]fate, len(f.Found))
	m := matcher{limits: cfg.Distances}
	for class, boxes := range found {
		// By descending score, the later of equals first.
		slices.Reverse(boxes)
		slices.SortStableFunc(boxes, func(a, b *nuscenes.Box) int { return cmp.Compare(b.Score, a.Score) })
		m.turnTo(truth[class])
		all.of[class], room = room[:len(boxes):len(boxes)], room[len(boxes):]
		for i, b := range boxes {
			all.of[class][i] = fate{score: b.Score, matches: -1}
			if found := m.take(b); found != (matches{}) {
				all.of[class][i].matches = int32(len(all.matches))
				all.matches = append(all.matches, found)
			}
		}
	}
	return all
}

// byClass returns the boxes of each class, in the order given.
func byClass[B any](boxes []*B, class func(*B) perception.Class) (groups [len(perception.Classes)][]*B) {
	var counts [len(perception.Classes)]int
	for _, b := range boxes {
		counts[class(b)]++
	}
	room := make([]*B, len(boxes))
	for c, n := range counts {
		groups[c], room = room[:0:n], room[n:]
	}
	for _, b := range boxes {
		groups[class(b)] = append(groups[class(b)], b)
	}
	return groups
}

func pointers[T any](values []T) []*T {
	list := make([]*T, len(values))
	for i := range values {
		list[i] = &values[i]
	}
	return list
}

// matcher is the true boxes of a class in a frame.
type matcher struct {
	limits [numDistances]float64
	truth  []*Truth
	taken  [][numDistances]bool // whether each is taken at each distance
	near   []neighbour
}

// turnTo makes the true boxes those of a class.
func (m *matcher) turnTo(truth []*Truth) {
	m.truth = truth
	m.taken = slices.Grow(m.taken[:0], len(truth))[:len(truth)]
	clear(m.taken)
}

// neighbour is a true box near a found one.
type neighbour struct {
	truth    int
	distance float64
}

// take returns the found box's matches.
func (m *matcher) take(found *nuscenes.Box) (pairs matches) {
	m.look(found)
	for d, limit := range m.limits {
		for _, n := range m.near {
			if m.taken[n.truth][d] {
				continue
			}
			if n.distance < limit {
				m.taken[n.truth][d] = true
				pairs[d] = m.pair(n.truth, found, pairs[:d])
			}
			break // there is no second choice
		}
	}
	return pairs
}

// look finds the true boxes below the longest distance, nearest first; of
// several as near, in the table's order.
func (m *matcher) look(found *nuscenes.Box) {
	m.near = m.near[:0]
	for i, t := range m.truth {
		away := distance(found.Center[0]-t.Center[0], found.Center[1]-t.Center[1])
		if !(away < m.limits[numDistances-1]) {
			continue
		}
		at := len(m.near)
		for at > 0 && m.near[at-1].distance > away {
			at--
		}
		m.near = slices.Insert(m.near, at, neighbour{i, away})
	}
}

// pair returns the pair of a found and a true box, an earlier one if it is the
// same.
func (m *matcher) pair(truth int, found *nuscenes.Box, earlier []*pair) *pair {
	t := m.truth[truth]
	for _, p := range earlier {
		if p != nil && p.truth == t {
			return p
		}
	}
	return &pair{truth: t, found: found, errors: errorsOf(t, found)}
}

func errorsOf(truth *Truth, found *nuscenes.Box) [numErrors]float64 {
	period := 2 * math.Pi
	if truth.Class == perception.Barrier {
		period = math.Pi
	}
	return [numErrors]float64{
		Translation: distance(found.Center[0]-truth.Center[0], found.Center[1]-truth.Center[1]),
		Scale:       1 - alignedIoU(truth.Size, found.Size),
		Orientation: math.Abs(turn(truth.Yaw, yaw(found.Rotation), period)),
		Velocity:    distance(found.Velocity[0]-truth.Velocity[0], found.Velocity[1]-truth.Velocity[1]),
		Attribute:   attributeError(truth.Attribute, found.Attribute.String()),
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
