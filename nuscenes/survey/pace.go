package survey

import (
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
)

// Pace is how key frames follow each other within scenes.
type Pace struct {
	Seconds  float64 // between key frames, the median; 0 if no scene has two
	Gaps     int     // longer than gapRatio of these
	Longest  float64 // of the gaps, in seconds
	Where    string  // what follows the longest
	Backward int     // key frames that are not later than the one before
	Back     string  // the first of these
	TooClose int     // scenes whose times must be in another unit than microseconds
	Empty    int     // scenes without a sample
	Shortest int     // number of samples of a scene that has any
	Most     int
}

// gapRatio is how many times the median makes a gap.
const gapRatio = 1.5

func paceOf(ds *nuscenes.Dataset) (p Pace) {
	var steps []step
	for _, scene := range ds.Scenes {
		n := len(scene.Samples)
		if n == 0 {
			p.Empty++
			continue
		}
		if p.Shortest == 0 || n < p.Shortest {
			p.Shortest = n
		}
		p.Most = max(p.Most, n)
		if _, close := scene.TooClose(); close {
			p.TooClose++
		}
		for i := 1; i < n; i++ {
			steps = append(steps, newStep(scene.Samples[i-1], scene.Samples[i]))
		}
	}
	if len(steps) == 0 {
		return p
	}
	slices.SortStableFunc(steps, func(a, b step) int { return int(min(max(a.micros-b.micros, -1), 1)) })
	p.Seconds = steps[len(steps)/2].seconds()
	for _, s := range steps {
		p.add(s)
	}
	return p
}

// step leads from one key frame to the next.
type step struct {
	micros nuscenes.Timestamp
	to     *nuscenes.Sample
}

func newStep(from, to *nuscenes.Sample) step { return step{to.KeyTime() - from.KeyTime(), to} }

func (s step) seconds() float64 { return float64(s.micros) / 1e6 }

func (s step) where() string { return fmt.Sprintf("%s of %s", s.to.Token, s.to.Scene.Name) }

// add counts a step that is out of the ordinary; longer ones come later.
func (p *Pace) add(s step) {
	switch {
	case s.micros <= 0:
		if p.Backward == 0 {
			p.Back = s.where()
		}
		p.Backward++
	case s.seconds() > gapRatio*p.Seconds:
		p.Gaps++
		p.Longest, p.Where = s.seconds(), s.where()
	}
}
