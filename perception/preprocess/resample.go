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

// newTaps returns the coefficients of outputs first to first+count-1 of out,
// resampled from in inputs. They are those of Pillow's precompute_coeffs and
// normalize_coeffs_8bpc: the filter widens with the reduction, and the
// coefficients that the border leaves are brought to a sum of one. If the
// border leaves fewer than n inputs, the others have coefficient zero.
func newTaps(in, out, first, count int) taps {
	scale := float64(in) / float64(out)
	widen := max(scale, 1)
	support := bicubicSupport * widen
	n := min(int(math.Ceil(support))*2+1, in)
	t := taps{n: n, start: make([]int32, count), coef: make([]int32, n*count)}
	weights := make([]float64, n)
	for i := range count {
		center := (float64(first+i) + 0.5) * scale
		low := max(int(center-support+0.5), 0)
		high := min(int(center+support+0.5), in)
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
