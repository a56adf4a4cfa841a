package stereo

import (
	"fmt"
	"math"
	"slices"
)

// tally has one camera's candidates, and the clear matches among them.
type tally struct {
	candidates   int
	truth, found []float64 // depths of the matches, metres
}

// String is the test's log line.
func (r *tally) String() string {
	if len(r.found) == 0 {
		return fmt.Sprintf("%d points, none kept", r.candidates)
	}
	return fmt.Sprintf("%d points, %d kept (%.0f %%): median error %.1f %%, %.0f %% within 5 %%, chance %.0f %%",
		r.candidates, len(r.found), 100*float64(len(r.found))/float64(r.candidates), 100*r.median(), 100*r.within(), 100*r.chance())
}

// median returns the median of the relative errors, +Inf if there are none.
func (r *tally) median() float64 {
	if len(r.found) == 0 {
		return math.Inf(1)
	}
	errors := make([]float64, len(r.found))
	for i := range errors {
		errors[i] = math.Abs(r.found[i]-r.truth[i]) / r.truth[i]
	}
	slices.Sort(errors)
	return errors[len(errors)/2]
}

// within returns the share of matches within 5 % of the truth.
func (r *tally) within() float64 {
	n := 0
	for i := range r.found {
		if near(r.found[i], r.truth[i]) {
			n++
		}
	}
	return float64(n) / float64(len(r.found))
}

// chance returns the share of all pairs of a depth and a point, of any two matches,
// that are within 5 %.
func (r *tally) chance() float64 {
	n := 0
	for _, found := range r.found {
		for _, truth := range r.truth {
			if near(found, truth) {
				n++
			}
		}
	}
	return float64(n) / float64(len(r.found)*len(r.truth))
}

func near(found, truth float64) bool { return math.Abs(found-truth) <= 0.05*truth }
