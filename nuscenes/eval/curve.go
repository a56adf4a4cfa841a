package eval

import (
	"math"
	"sort"
)

// Points is the number of recalls at which a curve is given: 0, 0.01, ... 1.
const Points = 101

// Curve is how one class fares at one matching distance, as recall grows.
type Curve struct {
	Precision  [Points]float64
	Confidence [Points]float64 // score down to which one must go; 0 beyond the last recall reached
	Errors     [numErrors][Points]float64
}

// recall returns the recall of a curve's point.
func recall(i int) float64 {
	if i == Points-1 {
		return 1
	}
	return float64(i) * 0.01
}

// noMatches is the curve of a class without a match.
func noMatches() *Curve {
	var c Curve
	for e := range c.Errors {
		for i := range c.Errors[e] {
			c.Errors[e][i] = 1
		}
	}
	return &c
}

// newCurve draws the curve of matches in the order of their making, with the
// number of true boxes.
func newCurve(matches []Match, positives int) *Curve {
	precisions := make([]float64, len(matches))
	recalls := make([]float64, len(matches))
	scores := make([]float64, len(matches))
	var hits []Match
	for i, m := range matches {
		if m.Hit {
			hits = append(hits, m)
		}
		precisions[i] = float64(len(hits)) / float64(i+1)
		recalls[i] = float64(len(hits)) / float64(positives)
		scores[i] = m.Score
	}
	if len(hits) == 0 {
		return noMatches()
	}
	var c Curve
	for i := range Points {
		c.Precision[i] = interpolate(recall(i), recalls, precisions, 0)
		c.Confidence[i] = interpolate(recall(i), recalls, scores, 0)
	}
	for e := range c.Errors {
		c.Errors[e] = errorCurve(hits, Error(e), &c.Confidence)
	}
	return &c
}

// errorCurve resamples the cumulative mean of an error at the confidences.
func errorCurve(hits []Match, e Error, confidence *[Points]float64) (curve [Points]float64) {
	means := cumulativeMean(hits, e)
	n := len(hits)
	scores, ascending := make([]float64, n), make([]float64, n)
	for i := range hits {
		scores[i], ascending[i] = hits[n-1-i].Score, means[n-1-i]
	}
	for i, x := range confidence {
		curve[i] = interpolate(x, scores, ascending, ascending[n-1])
	}
	return curve
}

// cumulativeMean returns the mean of the error over the hits up to each,
// skipping NaN: 0 before the first number, 1 everywhere if there is none.
func cumulativeMean(hits []Match, e Error) []float64 {
	means := make([]float64, len(hits))
	sum, n := 0.0, 0
	for i := range hits {
		if x := hits[i].Errors[e]; !math.IsNaN(x) {
			sum += x
			n++
		}
		if n > 0 {
			means[i] = sum / float64(n)
		}
	}
	if n == 0 {
		for i := range means {
			means[i] = 1
		}
	}
	return means
}

// interpolate returns the value at x of the straight lines through the points
// (xs, ys), xs ascending. Before the first point it is that one's value, and
// beyond the last one right. Of points with the same x the last one counts.
func interpolate(x float64, xs, ys []float64, right float64) float64 {
	after := sort.Search(len(xs), func(i int) bool { return xs[i] > x })
	at := after - 1
	switch {
	case after == 0:
		return ys[0]
	case xs[at] == x:
		return ys[at]
	case after == len(xs):
		return right
	}
	slope := (ys[after] - ys[at]) / (xs[after] - xs[at])
	return float64(slope*(x-xs[at])) + ys[at]
}

// averagePrecision is the normalised area under the precision that exceeds
// the least one, right of the least recall.
func (c *Curve) averagePrecision(cfg Config) float64 {
	first := firstCounted(cfg)
	sum := 0.0
	for _, p := range c.Precision[first:] {
		sum += max(0, p-cfg.MinPrecision)
	}
	return sum / float64(Points-first) / (1 - cfg.MinPrecision)
}

// meanError is the mean of an error from the least recall to the last one
// reached, 1 if that is less.
func (c *Curve) meanError(e Error, cfg Config) float64 {
	first, last := firstCounted(cfg), 0
	for i, confidence := range c.Confidence {
		if confidence != 0 {
			last = i
		}
	}
	if last < first {
		return 1
	}
	sum := 0.0
	for _, x := range c.Errors[e][first : last+1] {
		sum += x
	}
	return sum / float64(last+1-first)
}

// firstCounted is the first point right of the least recall.
func firstCounted(cfg Config) int { return int(math.RoundToEven(100*cfg.MinRecall)) + 1 }
