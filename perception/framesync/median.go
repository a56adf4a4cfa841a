package framesync

import (
	"slices"
	"time"
)

// medianWindow is the number of values that an estimate rests on: a change of the
// true value shows after half of them.
const medianWindow = 5

// estimate is the median of the latest durations.
type estimate struct {
	values [medianWindow]time.Duration
	n      int // values so far
}

func (e *estimate) add(d time.Duration) {
	e.values[e.n%medianWindow] = d
	e.n++
}

// median returns the upper median, 0 without values.
func (e *estimate) median() time.Duration { return upperMedian(e.values[:min(e.n, medianWindow)]) }

// upperMedian returns the upper median of values, 0 without any.
func upperMedian(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
