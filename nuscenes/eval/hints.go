package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// Hint is a likely mistake in a convention of the format: one that makes no file
// invalid, and costs much of the score.
type Hint struct {
	Name string // of the check, for example size-swapped
	Text string // what was seen, and what would be right
}

// Limits of the checks. Each requires a plain majority, so that a detector which
// is merely bad gets no hint.
const (
	hintPairs = 20   // boxes with a true one that a check needs
	hintShare = 0.6  // of them that the mistake explains
	hintGain  = 0.3  // by which that exceeds the share that the right convention explains
	nearAngle = 0.35 // radians

	hintEvidence = 5000 // matches looked at
	hintFrames   = 200  // looked at for boxes in another frame of reference
)

// Hints looks for mistakes in conventions, by what turns bad numbers into good
// ones. Matches of the evaluation are the evidence and, if boxes are in
// another frame of reference, all boxes of some of the frames. It also tells of true
// boxes that are left out for an odd reason, and of results in which nothing can match.
func (m *Metrics) Hints(frames []Frame) []Hint {
	hints := append(strangeTruth(frames), equalScores(frames)...)
	if h := wrongFrame(frames); h != nil {
		return append(hints, *h) // nothing else can be told
	}
	if h := m.nothingToMatch(frames); h != nil {
		return append(hints, h...)
	}
	pairs := m.somePairs()
	for _, check := range []func([]pair) *Hint{swappedSize, wrongYaw, bottomCenter, wrongVelocity} {
		if h := check(pairs); h != nil {
			hints = append(hints, *h)
		}
	}
	return hints
}

// somePairs returns matches of all classes, evenly from high scores to low ones.
func (m *Metrics) somePairs() (pairs []pair) {
	n := 0
	for range m.truePositives() {
		n++
	}
	at := 0
	for h := range m.truePositives() {
		if at%(1+n/hintEvidence) == 0 {
			pairs = append(pairs, h.pair)
		}
		at++
	}
	return pairs
}

// equalScores looks for a single score.
func equalScores(frames []Frame) []Hint {
	n, score := 0, 0.0
	for i := range frames {
		for j := range frames[i].boxes {
			b := &frames[i].boxes[j]
			if n > 0 && b.Score != score {
				return nil
			}
			score = b.Score
			n++
		}
	}
	if n < hintPairs {
		return nil
	}
	return []Hint{{"scores-equal", fmt.Sprintf(
		"all %d boxes have the score %g, so that their order in the file decides; want the detector's confidence", n, score)}}
}

// lidarPose returns the global frame from the ego and from the lidar frame; the ego
// frame stands for the lidar's if there is no lidar.
func lidarPose(s *nuscenes.Sample) (globalFromEgo, globalFromLidar geom.Pose) {
	globalFromEgo = s.KeyPose().GlobalFromEgo.Pose()
	lidar := s.Key(nuscenes.LidarTop)
	if lidar == nil {
		return globalFromEgo, globalFromEgo
	}
	return globalFromEgo, globalFromEgo.Mul(lidar.Calibration.EgoFromSensor.Pose())
}

// misplacings are frames of reference that boxes are left in by mistake.
var misplacings = []struct{ name, seen string }{
	{"ego-frame", "taken from the ego frame"},
	{"lidar-frame", "taken from the lidar frame"},
	{"ego-translation", "moved by the ego pose's translation"},
}

// wrongFrame looks for boxes that are near true ones only if taken from the
// ego or the lidar frame to the global one, or if the ego pose's translation is
// added.
func wrongFrame(frames []Frame) *Hint {
	var all, asIs int
	near := make([]int, len(misplacings))
	for i := 0; i < len(frames); i += 1 + len(frames)/hintFrames {
		f := &frames[i]
		globalFromEgo, globalFromLidar := lidarPose(f.Sample)
		for j := range f.boxes {
			b := &f.boxes[j]
			all++
			asIs += nearTruth(f, b, b.Center)
			near[0] += nearTruth(f, b, globalFromEgo.Apply(b.Center))
			near[1] += nearTruth(f, b, globalFromLidar.Apply(b.Center))
			near[2] += nearTruth(f, b, b.Center.Add(globalFromEgo.T))
		}
	}
	found := slices.Max(near)
	if found < hintPairs || found < 3*asIs {
		return nil
	}
	m := misplacings[slices.Index(near, found)]
	return &Hint{m.name, fmt.Sprintf(
		"of %d boxes %d are near a true one as they are, and %d if %s; want translation, rotation and velocity in the global frame",
		all, asIs, found, m.seen)}
}

// nearTruth returns 1 if a true box of the class is within 2 m of a place.
func nearTruth(f *Frame, b *nuscenes.Box, place geom.Vec3) int {
	for i := range f.Truth {
		t := &f.Truth[i]
		x, y := t.Center[0]-place[0], t.Center[1]-place[1]
		if t.Class == b.Class && math.Abs(x) < 2 && math.Abs(y) < 2 && distance(x, y) < 2 { // most are far along one axis
			return 1
		}
	}
	return 0
}

// mistake is an explanation of what pairs look like.
type mistake struct {
	name, seen, want string
	explains         func(*pair) bool
}

// likeliest returns the hint of the mistake that explains most pairs, if they
// are a majority and many more than the right convention explains.
func likeliest(pairs []pair, right func(*pair) bool, mistakes []mistake) *Hint {
	if len(pairs) < hintPairs {
		return nil
	}
	shares := make([]float64, len(mistakes))
	for i, m := range mistakes {
		shares[i] = share(pairs, m.explains)
	}
	best := slices.Index(shares, slices.Max(shares))
	asIs := share(pairs, right)
	if shares[best] < hintShare || shares[best] < asIs+hintGain {
		return nil
	}
	m := mistakes[best]
	return &Hint{m.name, fmt.Sprintf("%s (%.0f %% of %d matched boxes; %.0f %% are right); want %s",
		m.seen, 100*shares[best], len(pairs), 100*asIs, m.want)}
}

func share(pairs []pair, holds func(*pair) bool) float64 {
	n := 0
	for i := range pairs {
		if holds(&pairs[i]) {
			n++
		}
	}
	return float64(n) / float64(len(pairs))
}

func selected(pairs []pair, wanted func(*pair) bool) (some []pair) {
	for i := range pairs {
		if wanted(&pairs[i]) {
			some = append(some, pairs[i])
		}
	}
	return some
}

// swappedSize looks for length before width.
func swappedSize(pairs []pair) *Hint {
	long := selected(pairs, func(p *pair) bool {
		w, l := p.truth.Size[0], p.truth.Size[1]
		return max(w, l) > 1.3*min(w, l)
	})
	fits := func(p *pair, size geom.Vec3) float64 { return alignedIoU(p.truth.Size, size) }
	swapped := func(p *pair) geom.Vec3 {
		s := p.found.Size
		return geom.Vec3{s[1], s[0], s[2]}
	}
	return likeliest(long,
		func(p *pair) bool { return fits(p, p.found.Size) >= fits(p, swapped(p)) },
		[]mistake{{"size-swapped", "width and length are swapped", "width, length, height",
			func(p *pair) bool { return fits(p, swapped(p)) > fits(p, p.found.Size)+0.1 }}})
}

// wrongYaw looks for headings that are turned, mirrored, or in another frame of
// reference.
func wrongYaw(pairs []pair) *Hint {
	directed := selected(pairs, func(p *pair) bool {
		return Orientation.counts(p.truth.Class) && p.truth.Class.String() != "barrier"
	})
	is := func(yawOf func(p *pair, y float64) float64) func(*pair) bool {
		return func(p *pair) bool {
			return math.Abs(turn(p.truth.Yaw, yawOf(p, yaw(p.found.Rotation)), 2*math.Pi)) < nearAngle
		}
	}
	plus := func(angle float64) func(*pair, float64) float64 {
		return func(_ *pair, y float64) float64 { return y + angle }
	}
	minus := func(angle float64) func(*pair, float64) float64 {
		return func(_ *pair, y float64) float64 { return angle - y }
	}
	const want = "the direction of the box's length, counter-clockwise from the global frame's x axis"
	reordered := func(p *pair) geom.Quat {
		q := p.found.Rotation
		return geom.Quat{W: q.Z, X: q.W, Y: q.X, Z: q.Y}
	}
	isReordered := is(func(p *pair, _ float64) float64 { return yaw(reordered(p)) })
	return likeliest(directed, is(plus(0)), []mistake{
		{"yaw-quarter-turn", "headings are off by a quarter turn, too small", want, is(plus(math.Pi / 2))},
		{"yaw-quarter-turn", "headings are off by a quarter turn, too large", want, is(plus(-math.Pi / 2))},
		{"yaw-half-turn", "headings point backwards", want, is(plus(math.Pi))},
		{"yaw-mirrored", "headings are mirrored, the angle's sign is wrong", want, is(minus(0))},
		{"yaw-mirrored", "headings are mirrored and off by a quarter turn", want, is(minus(math.Pi / 2))},
		{"yaw-mirrored", "headings are mirrored and off by a quarter turn", want, is(minus(-math.Pi / 2))},
		{"yaw-mirrored", "headings are mirrored and point backwards", want, is(minus(math.Pi))},
		{"rotation-xyzw", "rotations are x, y, z, w", "quaternions w, x, y, z", func(p *pair) bool {
			return tilt(reordered(p)) <= tilt(p.found.Rotation) && isReordered(p)
		}},
		{"yaw-ego-frame", "headings are in the ego frame", want, is(func(p *pair, y float64) float64 {
			globalFromEgo, _ := lidarPose(p.truth.Sample)
			return y + heading(globalFromEgo)
		})},
		{"yaw-lidar-frame", "headings are in the lidar frame", want, is(func(p *pair, y float64) float64 {
			_, globalFromLidar := lidarPose(p.truth.Sample)
			return y + heading(globalFromLidar)
		})},
	})
}

// tilt is 0 of a rotation about the vertical axis, and at most 1.
func tilt(q geom.Quat) float64 { return math.Hypot(q.X, q.Y) / q.Norm() }

// heading is the direction of a frame's x axis in the ground plane.
func heading(p geom.Pose) float64 { return math.Atan2(p.R[3], p.R[0]) }

// bottomCenter looks for places at the bottom of the box, which the metric does
// not see.
func bottomCenter(pairs []pair) *Hint {
	lower := func(p *pair) float64 { return (p.truth.Center[2] - p.found.Center[2]) / (p.truth.Size[2] / 2) }
	return likeliest(pairs,
		func(p *pair) bool { return math.Abs(lower(p)) < 0.5 },
		[]mistake{{"bottom-center", "boxes are half their height too low", "the centre of the box, not of its bottom",
			func(p *pair) bool { return math.Abs(lower(p)-1) < 0.5 }}})
}

// wrongVelocity looks for velocities of moving objects in another frame of
// reference.
func wrongVelocity(pairs []pair) *Hint {
	moving := selected(pairs, func(p *pair) bool {
		// Found velocities of zero, or unknown, are in no frame of reference.
		return Velocity.counts(p.truth.Class) && math.Hypot(p.truth.Velocity[0], p.truth.Velocity[1]) > 1 &&
			math.Hypot(p.found.Velocity[0], p.found.Velocity[1]) > 0.1
	})
	is := func(velocity func(p *pair, v geom.Vec3) geom.Vec3) func(*pair) bool {
		return func(p *pair) bool {
			v := velocity(p, geom.Vec3{p.found.Velocity[0], p.found.Velocity[1], 0})
			off := distance(v[0]-p.truth.Velocity[0], v[1]-p.truth.Velocity[1])
			return off < max(0.5, 0.3*math.Hypot(p.truth.Velocity[0], p.truth.Velocity[1]))
		}
	}
	const want = "metres a second over ground, along the global frame's x and y axes"
	return likeliest(moving, is(func(_ *pair, v geom.Vec3) geom.Vec3 { return v }), []mistake{
		{"velocity-ego-frame", "velocities are along the ego frame's axes", want, is(func(p *pair, v geom.Vec3) geom.Vec3 {
			globalFromEgo, _ := lidarPose(p.truth.Sample)
			return globalFromEgo.R.Apply(v)
		})},
		{"velocity-lidar-frame", "velocities are along the lidar frame's axes", want, is(func(p *pair, v geom.Vec3) geom.Vec3 {
			_, globalFromLidar := lidarPose(p.truth.Sample)
			return globalFromLidar.R.Apply(v)
		})},
		{"velocity-box-frame", "velocities are along the box's own axes", want, is(func(p *pair, v geom.Vec3) geom.Vec3 {
			return geom.QuatFromYaw(p.truth.Yaw).Mat3().Apply(v)
		})},
		{"velocity-relative", "velocities are relative to the ego vehicle", want, is(func(p *pair, v geom.Vec3) geom.Vec3 {
			return v.Add(egoVelocity(p.truth.Sample))
		})},
	})
}

// egoVelocity is the ego vehicle's velocity between the samples about a sample, in
// the global frame.
func egoVelocity(s *nuscenes.Sample) geom.Vec3 {
	first, last := cmp.Or(s.Prev, s), cmp.Or(s.Next, s)
	seconds := float64(last.KeyTime()-first.KeyTime()) / 1e6
	if seconds <= 0 || last.KeyPose() == nil || first.KeyPose() == nil {
		return geom.Vec3{}
	}
	return last.KeyPose().GlobalFromEgo.Translation.Sub(first.KeyPose().GlobalFromEgo.Translation).Scale(1 / seconds)
}
