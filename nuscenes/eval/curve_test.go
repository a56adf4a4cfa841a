package eval

import (
	"math"
	"slices"
	"testing"
)

// rankingOf is a ranking of one scene whose boxes have these scores, and
// those named true positives, with the same errors at every distance.
func rankingOf(positives int, scores []float64, tp map[int][numErrors]float64) *ranking {
	r := &ranking{positives: []int{positives}, scores: scores, scenes: make([]int32, len(scores))}
	for i, score := range scores {
		if errors, isTP := tp[i]; isTP {
			for d := range r.tp {
				r.tp[d] = append(r.tp[d], truePositive{rank: i, score: score, pair: pair{errors: errors}})
				r.tpScenes[d] = append(r.tpScenes[d], 0)
			}
		}
	}
	return r
}

func TestCumulativeMeanSkipsNaN(t *testing.T) {
	nan := math.NaN()
	tests := []struct{ errors, want []float64 }{
		{[]float64{1, 3, 5}, []float64{1, 2, 3}},
		{[]float64{nan, 2, nan, 4}, []float64{0, 2, 2, 3}},
		{[]float64{nan, nan}, []float64{1, 1}},
	}
	for _, test := range tests {
		tp := map[int][numErrors]float64{}
		for i, x := range test.errors {
			tp[i] = [numErrors]float64{Scale: x}
		}
		var c Curve
		scores := []float64{0.9, 0.7, 0.5, 0.3}[:len(test.errors)]
		copy(c.Confidence[:], scores)
		c.drawErrors(rankingOf(9, scores, tp), 0, nil)
		if got := c.Errors[Scale][:len(scores)]; !slices.Equal(got, test.want) {
			t.Errorf("%v: means %v, want %v", test.errors, got, test.want)
		}
	}
}

func TestErrorsAreTakenAtScores(t *testing.T) {
	tp := map[int][numErrors]float64{}
	for i, x := range []float64{10, 30, 50, 70} { // means 10, 20, 30, 40
		tp[i] = [numErrors]float64{Velocity: x}
	}
	var c Curve
	c.Confidence = [Points]float64{0.9, 0.8, 0.7, 0.6, 0.59, 0.4, 0.2, 0.1}
	c.drawErrors(rankingOf(9, []float64{0.8, 0.6, 0.6, 0.2}, tp), 0, nil)
	if got, want := c.Errors[Velocity][:8], []float64{10, 10, 15, 20, 30.25, 35, 40, 40}; !slices.EqualFunc(got, want, near) {
		t.Errorf("errors %v, want %v", got, want)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12 }

func TestPrecisionIsInterpolated(t *testing.T) {
	// Recalls 0, 0.5, 0.5, 1 with precisions 0, 1/2, 1/3, 2/4.
	r := rankingOf(2, []float64{0.9, 0.7, 0.5, 0.1}, map[int][numErrors]float64{1: {}, 3: {}})
	var c Curve
	if !c.drawPrecision(r, 0, nil) {
		t.Fatal("no match")
	}
	for point, want := range map[int][2]float64{
		0: {0, 0.9}, 25: {0.25, 0.8}, 50: {1. / 3, 0.5}, 75: {5. / 12, 0.3}, 100: {0.5, 0.1},
	} {
		if got := [2]float64{c.Precision[point], c.Confidence[point]}; !near(got[0], want[0]) || !near(got[1], want[1]) {
			t.Errorf("point %d: precision and confidence %v, want %v", point, got, want)
		}
	}
	r = rankingOf(4, []float64{0.9, 0.7, 0.5}, map[int][numErrors]float64{0: {}})
	c.drawPrecision(r, 0, nil)
	if c.Precision[10] != 1 || !near(c.Precision[25], 1./3) || c.Precision[26] != 0 || c.Confidence[26] != 0 {
		t.Errorf("precision %v: want 1 up to the first recall, 1/3 there, 0 beyond it", c.Precision[:30])
	}
	if c.drawPrecision(rankingOf(4, []float64{0.9}, nil), 0, nil) || c.Precision[0] != 0 || c.Errors[Scale][5] != 1 {
		t.Error("the curve without a match keeps something of an earlier one")
	}
}

func TestACurveThatEndsEarlyCountsNoErrors(t *testing.T) {
	cfg := CVPR2019()
	grade := func(tp int) ClassMetrics {
		errors := map[int][numErrors]float64{}
		for i := range tp {
			errors[i] = [numErrors]float64{0.1, 0.1, 0.1, 0.1, 0.1}
		}
		scores := slices.Repeat([]float64{0.9}, tp)
		g := grader{cfg: &cfg}
		return g.grade(rankingOf(20, scores, errors))
	}
	// One of 20 found: recall 0.05 is below what counts.
	if m := grade(1); m.Errors[Translation] != 1 || m.MeanAP != 0 {
		t.Errorf("error %g and AP %g, want 1 and 0", m.Errors[Translation], m.MeanAP)
	}
	// Half of them found: errors count up to recall 0.5, recalls 0.11 to 0.50.
	if m := grade(10); !near(m.Errors[Translation], 0.1) || !near(m.MeanAP, 40.0/90) {
		t.Errorf("error %g and AP %g, want 0.1 and %g", m.Errors[Translation], m.MeanAP, 40.0/90)
	}
}
