package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"gonum.org/v1/gonum/stat"

	"github.com/solofusion/solofusion/nuscenes"
)

// MinScenes is how many scenes intervals need. With fewer, resamples differ too
// little from one another to tell how far the metric varies.
const MinScenes = 10

// Interval holds a number in 95 of 100 resamples.
type Interval struct {
	Low, High float64
}

// Spread is the intervals of the metrics, or of their differences.
type Spread struct {
	Resamples   int
	MeanAP, NDS Interval
	Errors      [numErrors]Interval
	ClassAP     []Interval // in the configuration's order; NaN for classes without true boxes
}

// Bootstrap estimates how much the metrics would change with other drives of
// the same kind. A resample draws as many scenes as there are, with
// replacement, and is graded as if it were the data set; a scene that is drawn
// twice counts twice. A class of which a resample has no true boxes keeps the
// value that it has in all scenes. The interval of a number is the central 95 %
// of what that gives. Scenes are drawn and not samples, since a drive's samples
// resemble one another. It returns nil without resamples, and with fewer than
// MinScenes scenes.
//
// The resamples depend on the seed and the number of scenes alone.
func (m *Metrics) Bootstrap(resamples int, seed uint64) *Spread {
	if len(m.scenes) < MinScenes || resamples < 1 {
		return nil
	}
	return newSpread(m.resample(resamples, seed))
}

// Headline is the two numbers that a detector is known by.
type Headline struct{ MeanAP, NDS float64 }

// Headlines returns those of resamples, from which intervals of what is computed of
// several results can be made: with one seed and the same scenes the i-th resample is of
// the same scenes. It returns nil with fewer than MinScenes scenes.
func (m *Metrics) Headlines(resamples int, seed uint64) []Headline {
	if len(m.scenes) < MinScenes {
		return nil
	}
	all := make([]Headline, resamples)
	for i, numbers := range m.resample(resamples, seed) {
		all[i] = Headline{numbers[0], numbers[1]}
	}
	return all
}

// Comparison is how much results exceed others in each number.
type Comparison struct {
	MeanAP, NDS float64
	Errors      [numErrors]float64
	ClassAP     []float64 // in the configuration's order; NaN for classes without true boxes
	Spread      *Spread   // of these; nil without resamples or with too few scenes
}

// Compare subtracts the others' metrics, and estimates how sure the differences are:
// both are graded on the same resamples, so that what makes a drive easy or
// hard for both does not count. It panics if they are not of the same scenes.
func (m *Metrics) Compare(others *Metrics, resamples int, seed uint64) *Comparison {
	if !slices.EqualFunc(m.scenes, others.scenes, func(a, b *nuscenes.Scene) bool { return a.Token == b.Token }) {
		panic("eval: metrics of different scenes are compared")
	}
	d := difference(m.numbers(), others.numbers())
	c := &Comparison{MeanAP: d[0], NDS: d[1], Errors: [numErrors]float64(d[2:]), ClassAP: d[2+numErrors:]}
	if len(m.scenes) >= MinScenes && resamples > 0 {
		ours, theirs := m.resample(resamples, seed), others.resample(resamples, seed)
		for i := range ours {
			ours[i] = difference(ours[i], theirs[i])
		}
		c.Spread = newSpread(ours)
	}
	return c
}

func difference(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// numbers returns mAP, NDS, the errors, and the classes' APs: NaN without true
// boxes.
func (m *Metrics) numbers() []float64 {
	numbers := append([]float64{m.MeanAP, m.NDS}, m.Errors[:]...)
	for i := range m.Classes {
		ap := m.Classes[i].MeanAP
		if m.Classes[i].Truth == 0 {
			ap = math.NaN()
		}
		numbers = append(numbers, ap)
	}
	return numbers
}

// resample returns the numbers of resamples.
func (m *Metrics) resample(n int, seed uint64) [][]float64 {
	numbers := make([][]float64, n)
	idle := sync.Pool{New: func() any {
		return &grader{cfg: &m.Config, weights: &weights{scenes: make([]int32, len(m.scenes))}}
	}}
	inParallel(n, func(i int) {
		g := idle.Get().(*grader)
		g.weights.draw(rand.New(rand.NewPCG(seed, uint64(i))))
		numbers[i] = g.gradeAll(m).numbers()
		idle.Put(g)
	})
	return numbers
}

// newSpread returns the intervals of the numbers of resamples.
func newSpread(resamples [][]float64) *Spread {
	intervals := make([]Interval, len(resamples[0]))
	for i := range intervals {
		var values []float64
		for _, numbers := range resamples {
			if x := numbers[i]; !math.IsNaN(x) {
				values = append(values, x)
			}
		}
		intervals[i] = Central(values)
	}
	return &Spread{
		Resamples: len(resamples), MeanAP: intervals[0], NDS: intervals[1],
		Errors: [numErrors]Interval(intervals[2:]), ClassAP: intervals[2+numErrors:],
	}
}

// Central returns the interval of the central 95 % of values, which it sorts; NaN of
// none.
func Central(values []float64) Interval {
	if len(values) == 0 {
		return Interval{math.NaN(), math.NaN()}
	}
	slices.Sort(values)
	return Interval{stat.Quantile(0.025, stat.LinInterp, values, nil), stat.Quantile(0.975, stat.LinInterp, values, nil)}
}
