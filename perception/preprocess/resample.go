package preprocess

import (
	"math"

	"github.com/solofusion/solofusion/perception/preprocess/internal/kernel"
)

// taps are the fixed-point coefficients of some outputs along one axis: output
// i sums n inputs from start[i] on.
type taps struct {
	n     int
	start []int32
	coef  []int32 // n for each output
}

// bicubicSupport is the filter's half width in units of its scale.
const bicubicSupport = 2

// axis is how the scaled canvas's pixels lie along a side of the image: pixel i
// covers start + [i, i+1] step of the image's length.
type axis struct {
	start, step float64
	length      int
}

// center returns where the middle of the scaled canvas's pixel i is in the image.
func (a axis) center(i int) float64 { return a.start + (float64(i)+0.5)*a.step }

// reduced returns the axis of the image reduced by a factor: it begins at the same edge.
func (a axis) reduced(by int) axis {
	f := float64(by)
	return axis{start: a.start / f, step: a.step / f, length: (a.length + by - 1) / by}
}

// inside returns how many of n pixels from first on have their middle in the image,
// and how many come before them.
func (a axis) inside(first, n int) (skipped, count int) {
	inside := func(i int) bool { return a.center(i) >= 0 && a.center(i) < float64(a.length) }
	for skipped < n && !inside(first+skipped) {
		skipped++
	}
	for skipped+count < n && inside(first+skipped+count) {
		count++
	}
	return skipped, count
}

// newTaps returns the coefficients of count pixels of the scaled canvas, from
// first on. They are those of Pillow's precompute_coeffs and
// normalize_coeffs_8bpc: the filter widens with the reduction, and the
// coefficients that the border leaves are brought to a sum of one. A pixel that
// has less than n inputs has others with coefficient zero.
func newTaps(a axis, first, count int) taps {
	widen, in := max(a.step, 1), a.length
	support := bicubicSupport * widen
	reach := func(i int) (low, high int) {
		center := a.center(first + i)
		return int(max(center-support+0.5, 0)), int(min(center+support+0.5, float64(in)))
	}
	n := 0
	for i := range count {
		low, high := reach(i)
		n = max(n, high-low)
	}
	t := taps{n: n, start: make([]int32, count), coef: make([]int32, n*count)}
	weights := make([]float64, n)
	for i := range count {
		center := a.center(first + i)
		low, high := reach(i)
		w, sum := weights[:high-low], 0.0
		for k := range w {
			w[k] = bicubic((float64(k+low) - center + 0.5) * (1 / widen))
			sum += w[k]
		}
		shift := max(low+n-in, 0) // start earlier so that n inputs exist
		t.start[i] = int32(low - shift)
		for k := range w {
			if sum != 0 {
				w[k] /= sum
			}
			t.coef[n*i+shift+k] = fixed(w[k])
		}
	}
	return t
}

// fixed rounds half away from zero.
func fixed(w float64) int32 {
	return int32(math.Copysign(0.5, w) + w*(1<<kernel.Precision))
}

// bicubic is Keys' cubic convolution with a = -0.5.
func bicubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}
