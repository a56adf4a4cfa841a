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

// median returns the lower median, 0 without values: a frame that is lost lengthens a
// period, and nothing shortens one.
func (e *estimate) median() time.Duration {
	return e.rank(func(d time.Duration) time.Duration { return d })
}

// size returns the lower median of the absolute values, 0 without any.
func (e *estimate) size() time.Duration { return e.rank(time.Duration.Abs) }

// least returns the smallest value, 0 without any.
func (e *estimate) least() time.Duration {
	if e.n == 0 {
		return 0
	}
	return slices.Min(e.values[:min(e.n, medianWindow)])
}

// rank returns the lower median of the values under f.
func (e *estimate) rank(f func(time.Duration) time.Duration) time.Duration {
	values := e.values
	sorted := values[:min(e.n, medianWindow)]
	for i := range sorted {
		sorted[i] = f(sorted[i])
	}
	slices.Sort(sorted)
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)/2]
}

// upperMedian returns the upper median of values, 0 without any.
func upperMedian(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
