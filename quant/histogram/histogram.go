// Package histogram keeps what is needed of a tensor's values to choose the range that
// eight bits are spread over. Its size does not depend on how many values it has seen.
//
//	h := new(histogram.Histogram)
//	for _, frame := range frames {
//		err := h.Add(frame) // of one image or frame
//	}
//	r := h.Least()          // the range with the least error
//	loss := h.Error(r)
package histogram

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// bins is the number of equal parts of the histogram's width, half of them below zero.
const bins = 4096

// Histogram is the distribution of a tensor's values. The zero value has none. Its fields
// are for storing it; they change by Add alone.
type Histogram struct {
	Frames int     `json:"frames"` // calls of Add
	Count  uint64  `json:"count"`  // of values
	Zeros  uint64  `json:"zeros"`  // values that are 0, which eight bits store exactly
	Low    float32 `json:"low"`    // least value
	High   float32 `json:"high"`   // largest value
	Lows   float64 `json:"lows"`   // sum of the frames' least values
	Highs  float64 `json:"highs"`  // sum of the frames' largest values

	Width float64  `json:"width"` // bins are from -Width to Width; the least power of two above all magnitudes
	Bins  []uint64 `json:"bins"`  // of the other values; a bin has its edge that is nearer to zero
}

// Range is the least and the largest number that is stored; what is beyond is cut off.
type Range struct{ Low, High float32 }

// Add takes in the values of a frame. With a value that is not finite nothing is taken.
func (h *Histogram) Add(values []float32) error {
	if len(values) == 0 {
		return errors.New("histogram: no values")
	}
	low, high := values[0], values[0]
	for i, x := range values {
		if x-x != 0 {
			return fmt.Errorf("histogram: value %d of %d is %v", i, len(values), x)
		}
		low, high = min(low, x), max(high, x)
	}
	h.extend(low, high)
	h.reach(max(float64(-low), float64(high)))
	scale := float32(bins / 2 / h.Width) // a power of two, so that products are exact
	zeros := uint64(0)
	for _, x := range values { // without branches, which would be guessed wrong
		below := math.Float32bits(x+0) >> 31 // 1 for negative numbers, of which -0 + 0 is none
		h.Bins[bins/2+int(x*scale)-int(below)]++
		zero := uint64(0)
		if x == 0 {
			zero = 1
		}
		zeros += zero
	}
	h.Bins[bins/2] -= zeros
	h.Zeros += zeros
	h.Count += uint64(len(values))
	return nil
}

// extend takes in a frame's extremes.
func (h *Histogram) extend(low, high float32) {
	if h.Frames == 0 {
		h.Low, h.High = low, high
	}
	h.Low, h.High = min(h.Low, low), max(h.High, high)
	h.Lows += float64(low)
	h.Highs += float64(high)
	h.Frames++
}

// faintest is what is told from zero.
const faintest = 1e-30

// reach doubles the width until values of that magnitude are below it. The width depends
// on the largest magnitude alone, not on the order in which values came.
func (h *Histogram) reach(magnitude float64) {
	_, exponent := math.Frexp(max(magnitude, faintest))
	width := math.Ldexp(1, exponent)
	if h.Bins == nil {
		h.Bins, h.Width = make([]uint64, bins), width
	}
	for h.Width < width {
		wider := make([]uint64, bins)
		for i, n := range h.Bins {
			wider[bins/4+i/2] += n
		}
		h.Bins, h.Width = wider, 2*h.Width
	}
}

// UnmarshalJSON reads a histogram that was stored. The error says what in it is not one's.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	type fields Histogram // without this method
	var read fields
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*h = Histogram(read)
	if h.Frames == 0 && h.Count == 0 && h.Bins == nil {
		return nil
	}
	count := h.Zeros
	for _, n := range h.Bins {
		count += n
	}
	fraction, _ := math.Frexp(h.Width)
	switch {
	case len(h.Bins) != bins:
		return fmt.Errorf("histogram: %d bins, want %d", len(h.Bins), bins)
	case fraction != 0.5 || h.Width <= max(float64(-h.Low), float64(h.High)):
		return fmt.Errorf("histogram: a width of %v, want a power of two above the values %v to %v", h.Width, h.Low, h.High)
	case count != h.Count || h.Frames < 1 || h.Low > h.High:
		return fmt.Errorf("histogram: %d values in bins, want %d in %d frames", count, h.Count, h.Frames)
	}
	return nil
}

// Extremes returns the range of all values.
func (h *Histogram) Extremes() Range { return Range{h.Low, h.High} }

// MeanExtremes returns the means of the frames' least and largest values.
func (h *Histogram) MeanExtremes() Range {
	n := float64(max(h.Frames, 1))
	return Range{float32(h.Lows / n), float32(h.Highs / n)}
}

// Percentile returns the range that leaves out at most the share 1 - p of the values, half
// of it on each side of those that have both signs. It ends at a bin's edge, or at an
// extreme.
func (h *Histogram) Percentile(p float64) Range {
	beyond := 1 - p
	if h.Low < 0 && h.High > 0 {
		beyond /= 2
	}
	out := uint64(beyond * float64(h.Count))
	r := h.Extremes()
	if r.Low < 0 {
		r.Low = max(r.Low, h.cut(out, 0, 1))
	}
	if r.High > 0 {
		r.High = min(r.High, h.cut(out, bins-1, -1))
	}
	return r
}

// cut returns the outer edge of the first bin, from one end on, up to which more than out
// values are; 0 if zero is met before.
func (h *Histogram) cut(out uint64, from, step int) float32 {
	for i := from; i >= 0 && i < bins; i += step {
		if edge := float64(i)*2*h.Width/bins - h.Width; step > 0 && edge >= 0 || step < 0 && edge < 0 {
			return 0
		} else if n := h.Bins[i]; n > out {
			if step < 0 {
				edge += 2 * h.Width / bins
			}
			return float32(edge)
		} else {
			out -= n
		}
	}
	return 0
}

// Least returns, of eighty ranges from that of all values down to a fifth of it, the one
// with the least Error (Q-Diffusion and BRECQ search so).
func (h *Histogram) Least() Range {
	best, least := h.Extremes(), math.Inf(1)
	for i := range 80 {
		part := 1 - 0.01*float32(i)
		r := Range{h.Low * part, h.High * part}
		if e := h.Error(r); e < least {
			best, least = r, e
		}
	}
	return best
}

// exponent weighs large errors more than their square does.
const exponent = 2.4

// Error returns the mean of |x - x̂|^2.4, x̂ being what eight bits in that range make of x,
// by the middles of the bins. Zero must be in the range, or is added to it. Values that are
// all zero have no error; others, in a range of zero alone, an infinite one.
func (h *Histogram) Error(r Range) float64 {
	low, high := min(float64(r.Low), 0), max(float64(r.High), 0)
	switch {
	case h.Count == h.Zeros:
		return 0
	case low == high:
		return math.Inf(1)
	}
	step := (high - low) / 255
	zero := math.RoundToEven(-low / step)
	sum := 0.0
	for i, n := range h.Bins {
		if n == 0 {
			continue
		}
		x := (float64(i)+0.5)*2*h.Width/bins - h.Width
		q := min(max(math.RoundToEven(x/step)+zero, 0), 255)
		sum += float64(n) * math.Pow(math.Abs(x-step*(q-zero)), exponent)
	}
	return sum / float64(h.Count)
}

// Clipped returns the share of values that a range cuts off: those of bins that begin beyond
// it.
func (h *Histogram) Clipped(r Range) float64 {
	out := uint64(0)
	for i, n := range h.Bins {
		nearer := i
		if i < bins/2 {
			nearer++
		}
		if x := float64(nearer)*2*h.Width/bins - h.Width; x < float64(r.Low) || x > float64(r.High) {
			out += n
		}
	}
	return float64(out) / float64(max(h.Count, 1))
}
