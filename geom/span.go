package geom

import (
	"fmt"
	"strings"
)

// Span is a closed interval of numbers: its lower and its upper end.
type Span [2]float64

// Spans are the intervals that a number was seen in, ascending and apart. None
// means that nothing is known, and then every number counts as seen.
type Spans []Span

// Contains reports whether x is in one of the spans, up to the rounding of a number
// that was scaled, or if there is none. NaN is in none of them.
func (s Spans) Contains(x float64) bool {
	const rounding = 1e-6
	return abs(s.Nearest(x)-x) <= rounding*max(1, abs(x))
}

// Nearest returns the number in the spans that is nearest to x: x itself if it is
// in one of them, or if there is none. That of NaN is NaN.
func (s Spans) Nearest(x float64) float64 {
	nearest, found := x, false
	for _, span := range s {
		at := max(span[0], min(x, span[1]))
		if !found || abs(at-x) < abs(nearest-x) {
			nearest, found = at, true
		}
	}
	return nearest
}

// String returns the spans as in "802 to 816 and 1253 to 1279".
func (s Spans) String() string {
	var words []string
	for _, span := range s {
		if span[0] == span[1] {
			words = append(words, fmt.Sprintf("%.5g", span[0]))
			continue
		}
		words = append(words, fmt.Sprintf("%.5g to %.5g", span[0], span[1]))
	}
	return strings.Join(words, " and ")
}

func abs(x float64) float64 { return max(x, -x) }
