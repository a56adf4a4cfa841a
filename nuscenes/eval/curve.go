package eval

import "math"

// Points is the number of recalls at which a curve is given: 0, 0.01, ... 1.
const Points = 101

// Curve is how one class fares at one matching distance, as recall grows.
type Curve struct {
	Precision  [Points]float64
	Confidence [Points]float64 // score down to which one must go; 0 beyond the last recall reached
	Errors     [numErrors][Points]float64
}

// Recall returns the recall of a curve's point.
func Recall(i int) float64 {
	if i == Points-1 {
		return 1
	}
	return float64(i) * 0.01
}

// clear makes the curve that of a class without a match.
func (c *Curve) clear() {
	*c = Curve{}
	for e := range c.Errors {
		for i := range c.Errors[e] {
			c.Errors[e][i] = 1
		}
	}
}

// drawPrecision fills in precision and confidence at a matching distance, and
// reports whether there is a match.
func (c *Curve) drawPrecision(r *ranking, distance int, w *weights) bool {
	c.clear()
	p := accumulator{curve: c, ranking: r, weights: w, positives: w.sum(r.positives)}
	p.enough = tpAbove(Recall(0), p.positives)
	for first := 0; first < len(r.tp[distance]) && p.next < Points; first += weightBlock {
		last := min(first+weightBlock, len(r.tp[distance]))
		scenes := r.tpScenes[distance][first:last]
		if n := w.weigh(scenes); p.tp+n < p.enough {
			p.tp += n
			continue
		}
		for i, scene := range scenes {
			p.add(&r.tp[distance][first+i], w.of(scene))
		}
	}
	if p.tp > 0 && p.next < Points {
		p.finish()
	}
	return p.tp > 0
}

// accumulator counts true positives and found boxes along a ranking, and fills in
// precision and confidence.
type accumulator struct {
	curve     *Curve
	ranking   *ranking
	weights   *weights
	positives int
	tp        int // so far
	next      int // point
	enough    int // true positives whose recall exceeds the next point's
}

// add fills in the points that lie before a true positive and its copies.
func (p *accumulator) add(h *truePositive, copies int) {
	if p.tp+copies < p.enough {
		p.tp += copies
		return
	}
	for k := range copies {
		before := operatingPoint{p.tp, p.weights.before(p.ranking, h.rank) + k, h.score}
		if k == 0 {
			before.score = p.weights.scoreBefore(p.ranking, h.rank)
		}
		p.tp++
		after := operatingPoint{p.tp, before.found + 1, h.score}
		for ; p.next < Points && p.tp >= p.enough; p.enough = tpAbove(Recall(p.next), p.positives) {
			p.curve.set(p.next, before, after, p.positives)
			p.next++
		}
	}
}

// finish fills in the point of the last recall that is reached, if there is one.
func (p *accumulator) finish() {
	all := len(p.ranking.scores)
	end := operatingPoint{p.tp, p.weights.before(p.ranking, all), p.weights.scoreBefore(p.ranking, all)}
	if Recall(p.next) == end.recall(p.positives) {
		p.curve.Precision[p.next], p.curve.Confidence[p.next] = end.precision(), end.score
	}
}

// tpAbove returns the least number of true positives whose recall exceeds r.
func tpAbove(r float64, positives int) int {
	n := int(r * float64(positives))
	for n > 0 && float64(n)/float64(positives) > r {
		n--
	}
	for !(float64(n)/float64(positives) > r) {
		n++
	}
	return n
}

// operatingPoint is a point along a class's found boxes.
type operatingPoint struct {
	tp, found int     // up to it
	score     float64 // of the box there
}

func (p operatingPoint) precision() float64 { return float64(p.tp) / float64(p.found) }

func (p operatingPoint) recall(positives int) float64 { return float64(p.tp) / float64(positives) }

// set fills in a point whose recall lies between those of two boxes in turn, or
// is that of the first.
func (c *Curve) set(point int, before, after operatingPoint, positives int) {
	x, x0, x1 := Recall(point), before.recall(positives), after.recall(positives)
	switch {
	case before.found == 0: // nothing there: the first box's values hold
		c.Precision[point], c.Confidence[point] = after.precision(), after.score
	case x == x0:
		c.Precision[point], c.Confidence[point] = before.precision(), before.score
	default:
		c.Precision[point] = line(x, x0, before.precision(), x1, after.precision())
		c.Confidence[point] = line(x, x0, before.score, x1, after.score)
	}
}

// line returns the value at x of the line through two points. It is numpy's
// interp also if numbers overflow.
func line(x, x0, y0, x1, y1 float64) float64 {
	slope := (y1 - y0) / (x1 - x0)
	y := float64(slope*(x-x0)) + y0
	if math.IsNaN(y) {
		y = float64(slope*(x-x1)) + y1
	}
	if math.IsNaN(y) && y0 == y1 {
		y = y0
	}
	return y
}

// drawErrors takes the cumulative means of the errors of true positives at the
// curve's confidences: by straight lines between their scores; of those with equal
// scores the first one's mean counts. Means skip NaN: 0 before the first number,
// 1 everywhere if there is none.
func (c *Curve) drawErrors(r *ranking, distance int, w *weights) {
	var last sums
	lastScore, next := math.Inf(1), 0
	for i, scene := range r.tpScenes[distance] {
		copies := w.of(scene)
		if copies == 0 {
			continue
		}
		h := &r.tp[distance][i]
		if next < Points && h.score <= c.Confidence[next] {
			here := last
			here.add(&h.errors, 1)
			for ; next < Points && h.score <= c.Confidence[next]; next++ {
				c.setErrors(next, h.score, &here, lastScore, &last)
			}
		}
		last.add(&h.errors, copies)
		lastScore = h.score
	}
	for ; next < Points; next++ {
		c.setErrors(next, c.Confidence[next], &last, lastScore, &last)
	}
	for e, n := range last.counts {
		if n == 0 {
			for i := range c.Errors[e] {
				c.Errors[e][i] = 1
			}
		}
	}
}

// sums are of the errors that are numbers.
type sums struct {
	errors, counts [numErrors]float64
}

func (s *sums) add(errors *[numErrors]float64, copies int) {
	n := float64(copies)
	for e, x := range errors {
		if x == x { // no NaN
			s.errors[e] += float64(n * x)
			s.counts[e] += n
		}
	}
}

// mean returns an error's mean so far, 0 before the first number.
func (s *sums) mean(e int) float64 { return s.errors[e] / max(1, s.counts[e]) }

// setErrors fills in a point whose confidence lies from a true positive's score
// up to that of the one before.
func (c *Curve) setErrors(point int, score float64, means *sums, scoreBefore float64, before *sums) {
	x := c.Confidence[point]
	for e := range c.Errors {
		c.Errors[e][point] = means.mean(e)
		if x != score && !math.IsInf(scoreBefore, 1) {
			c.Errors[e][point] = line(x, score, means.mean(e), scoreBefore, before.mean(e))
		}
	}
}

// averagePrecision is the normalised area under the precision that exceeds
// the least one, right of the least recall.
func (c *Curve) averagePrecision(cfg *Config) float64 {
	first := firstCounted(cfg)
	sum := 0.0
	for _, p := range c.Precision[first:] {
		sum += max(0, p-cfg.MinPrecision)
	}
	return sum / float64(Points-first) / (1 - cfg.MinPrecision)
}

// Reached returns the last point whose recall is reached, 0 without any.
func (c *Curve) Reached() int {
	last := Points - 1
	for last > 0 && c.Confidence[last] == 0 {
		last--
	}
	return last
}

// meanError is the mean of an error from the least recall to the last one
// reached, 1 if that is less.
func (c *Curve) meanError(e Error, cfg *Config) float64 {
	first, last := firstCounted(cfg), c.Reached()
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
func firstCounted(cfg *Config) int { return int(math.RoundToEven(100*cfg.MinRecall)) + 1 }
