package golden

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/tensor"
)

// Bound is how far a result may be from what is expected. An element passes
// if its difference is at most Abs + Rel · (the expected array's largest
// finite absolute value). NaN equals NaN, an infinity equals itself.
type Bound struct {
	Abs, Rel float64
}

// Diff is the largest difference between two arrays.
type Diff struct {
	Abs     float64 // largest absolute difference; +Inf if only one is NaN or infinite
	Rel     float64 // Abs / Largest
	Index   int     // where it is
	Largest float64 // finite absolute value of the expected array
}

// Compare measures the difference of two arrays of equal length.
func Compare[T tensor.Elem](got, want []T) Diff {
	var d Diff
	for i := range want {
		w := float64(want[i])
		if !math.IsNaN(w) && !math.IsInf(w, 0) {
			d.Largest = max(d.Largest, math.Abs(w))
		}
		if e := distance(float64(got[i]), w); e > d.Abs {
			d.Abs, d.Index = e, i
		}
	}
	if d.Abs > 0 {
		d.Rel = d.Abs / d.Largest
	}
	return d
}

func distance(a, b float64) float64 {
	switch {
	case a == b, math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a) || math.IsNaN(b) || math.IsInf(a, 0) || math.IsInf(b, 0):
		return math.Inf(1)
	}
	return math.Abs(a - b)
}

// Reporter is a test: a *testing.T, *testing.B or *rapid.T.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// Within fails the test if got is not within the bound of want, and names
// the worst element. It returns the difference, for the log.
func Within[T tensor.Elem](t Reporter, name string, got, want []T, b Bound) Diff {
	t.Helper()
	d, err := within(got, want, b)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return d
}

func within[T tensor.Elem](got, want []T, b Bound) (Diff, error) {
	if len(got) != len(want) {
		return Diff{}, fmt.Errorf("%d elements, want %d", len(got), len(want))
	}
	d := Compare(got, want)
	if limit := b.Abs + b.Rel*d.Largest; d.Abs > limit {
		return d, fmt.Errorf("element %d is %v, want %v: off by %.3g (%.3g of the largest), allowed %.3g",
			d.Index, got[d.Index], want[d.Index], d.Abs, d.Rel, limit)
	}
	return d, nil
}
