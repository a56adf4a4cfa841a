package reliability

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/perception"
)

const (
	// Sure is the score from which on a box counts as found.
	Sure = 0.3
	// Near is the distance in metres within which a box is that of an object.
	Near = 2
)

// Tally counts the objects that one camera alone sees: all of them, and the found ones.
type Tally struct{ Found, All int }

// Recalls are the tallies of a case by frame, from a first frame on, and by drive.
type Recalls [][]Tally

// Recall tallies what was found under a case of the objects that only the burst's camera
// sees, in the frames from first to before end.
func (s *Study) Recall(ds *nuscenes.Dataset, drives []*Drive, first, end int, name string) (Recalls, error) {
	scenes := make([]*nuscenes.Scene, len(drives))
	for i, d := range drives {
		scenes[i] = d.Scene
	}
	frames, err := s.frames(ds, scenes, first, end, name)
	if err != nil {
		return nil, err
	}
	byToken := map[string]*eval.Frame{}
	for i := range frames {
		byToken[frames[i].Sample.Token] = &frames[i]
	}
	all := make(Recalls, end-first)
	for f := range all {
		all[f] = make([]Tally, len(drives))
		for i, d := range drives {
			all[f][i] = tally(byToken[d.Scene.Samples[first+f].Token], d.Sets[first+f], BurstCamera(d.Index))
		}
	}
	return all, nil
}

// tally counts the frame's objects that only that camera sees.
func tally(f *eval.Frame, set *perception.FrameSet, camera int) (t Tally) {
	found := matched(f)
	for i := range f.Truth {
		if !onlyIn(set, camera, f.Truth[i].Center) {
			continue
		}
		t.All++
		if found[i] {
			t.Found++
		}
	}
	return t
}

// matched reports for each true box whether a sure box of its class is near. A box is
// of one object.
func matched(f *eval.Frame) []bool {
	taken := make([]bool, len(f.Truth))
	boxes := slices.Clone(f.Found)
	slices.SortStableFunc(boxes, func(a, b *nuscenes.Box) int { return cmp.Compare(b.Score, a.Score) })
	for _, b := range boxes {
		if b.Score < Sure {
			break
		}
		nearest, at := float64(Near), -1
		for i := range f.Truth {
			t := &f.Truth[i]
			d := math.Hypot(t.Center[0]-b.Center[0], t.Center[1]-b.Center[1])
			if !taken[i] && t.Class == b.Class && d < nearest {
				nearest, at = d, i
			}
		}
		if at >= 0 {
			taken[at] = true
		}
	}
	return taken
}

// onlyIn reports whether a point of the global frame is in the picture of that camera
// and of no other.
func onlyIn(set *perception.FrameSet, camera int, p geom.Vec3) bool {
	for i := range set.Rig.Cameras {
		if inPicture(&set.Rig.Cameras[i], set.Frames[i], p) != (i == camera) {
			return false
		}
	}
	return true
}

func inPicture(c *perception.Camera, f *perception.Frame, p geom.Vec3) bool {
	if f == nil {
		return false
	}
	q := f.GlobalFromEgo.Mul(c.EgoFromCamera.Pose()).Inv().Apply(p)
	if q[2] <= 0 {
		return false
	}
	pixel := c.Intrinsics.Apply(q)
	x, y := pixel[0]/pixel[2], pixel[1]/pixel[2]
	return x >= 0 && x < float64(c.Width) && y >= 0 && y < float64(c.Height)
}

// Kept returns what is kept of the clean recall over all frames, with its interval over
// drives.
func (r Recalls) Kept(clean Recalls) Share {
	share := Share{Value: r.quotient(clean, nil)}
	if len(r[0]) < eval.MinScenes {
		return share
	}
	var values []float64
	for i := range Resamples {
		dice := rand.New(rand.NewPCG(Seed, uint64(i)))
		weights := make([]int, len(r[0]))
		for range weights {
			weights[dice.IntN(len(weights))]++
		}
		if q := r.quotient(clean, weights); !math.IsNaN(q) {
			values = append(values, q)
		}
	}
	share.Interval = eval.Central(values)
	return share
}

// quotient returns how many times the clean found ones were found, drives counted as
// often as weights say, nil for once each; NaN if there are none.
func (r Recalls) quotient(clean Recalls, weights []int) float64 {
	ours, theirs := 0, 0
	for f := range r {
		for d := range r[f] {
			w := 1
			if weights != nil {
				w = weights[d]
			}
			ours += w * r[f][d].Found
			theirs += w * clean[f][d].Found
		}
	}
	if theirs == 0 {
		return math.NaN()
	}
	return float64(ours) / float64(theirs)
}

// Total adds up all tallies.
func (r Recalls) Total() (t Tally) {
	for _, drives := range r {
		for _, d := range drives {
			t.Found += d.Found
			t.All += d.All
		}
	}
	return t
}
