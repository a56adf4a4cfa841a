package histogram_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/quant/histogram"
)

func of(t testing.TB, frames ...[]float32) *histogram.Histogram {
	t.Helper()
	h := new(histogram.Histogram)
	for _, f := range frames {
		if err := h.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// value draws numbers of all magnitudes, powers of two and zeros among them.
var value = rapid.Custom(func(t *rapid.T) float32 {
	x := rapid.Float32Range(-1, 1).Draw(t, "x")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return float32(math.Ldexp(1, rapid.IntRange(-40, 40).Draw(t, "exponent")))
	case 1:
		return 0
	case 2:
		return float32(math.Ldexp(float64(x), rapid.IntRange(-30, 30).Draw(t, "exponent")))
	}
	return x
})

func TestAnySplitGivesTheSameBins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(value, 1, 200).Draw(t, "values")
		split, whole := new(histogram.Histogram), new(histogram.Histogram)
		for rest := values; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "frame")
			if err := split.Add(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := whole.Add(values); err != nil {
			t.Fatal(err)
		}
		if split.Width != whole.Width || !slices.Equal(split.Bins, whole.Bins) || split.Zeros != whole.Zeros {
			t.Fatalf("widths %v and %v, or bins, differ", split.Width, whole.Width)
		}
		if split.Count != uint64(len(values)) || split.Extremes() != whole.Extremes() {
			t.Fatalf("%d values of %v, want %d of %v", split.Count, split.Extremes(), len(values), whole.Extremes())
		}
	})
}

// TestBinsHoldTheirValues compares with a search over exact edges.
func TestBinsHoldTheirValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(value, 1, 50).Draw(t, "values")
		h := new(histogram.Histogram)
		if err := h.Add(values); err != nil {
			t.Fatal(err)
		}
		want := make([]uint64, len(h.Bins))
		step := 2 * h.Width / float64(len(h.Bins))
		for _, x := range values {
			at := int(math.Floor(math.Abs(float64(x)) / step))
			if x > 0 {
				want[len(want)/2+at]++
			} else if x < 0 {
				want[len(want)/2-1-at]++
			}
		}
		if !slices.Equal(h.Bins, want) {
			t.Fatal("bins differ")
		}
	})
}

func TestGrowthKeepsCounts(t *testing.T) {
	h := of(t, []float32{0.001, -0.001, 0}, []float32{1000, -3}, []float32{0.5})
	sum := h.Zeros
	for _, n := range h.Bins {
		sum += n
	}
	if sum != 6 || h.Count != 6 || h.Zeros != 1 || h.Width != 1024 || h.Frames != 3 {
		t.Errorf("%d of %d values, %d zeros, width %v, %d frames", sum, h.Count, h.Zeros, h.Width, h.Frames)
	}
	if half := len(h.Bins) / 2; h.Bins[half] != 1 || h.Bins[half-1] != 1 || h.Bins[half+1] != 1 {
		t.Errorf("around zero %v, want one in each", h.Bins[half-1:half+2])
	}
}

func TestMeanExtremes(t *testing.T) {
	h := of(t, []float32{-1, 4}, []float32{-3, 2})
	if got := h.MeanExtremes(); got != (histogram.Range{Low: -2, High: 3}) {
		t.Errorf("%v", got)
	}
	if got := h.Extremes(); got != (histogram.Range{Low: -3, High: 4}) {
		t.Errorf("%v", got)
	}
}

func TestWhatIsNotFiniteIsRefused(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		h := of(t, []float32{1, 2})
		err := h.Add([]float32{3, float32(x)})
		if err == nil || !strings.Contains(err.Error(), "value 1 of 2") {
			t.Errorf("%v: error %v", x, err)
		}
		if !reflect.DeepEqual(h, of(t, []float32{1, 2})) {
			t.Errorf("%v: something was taken", x)
		}
	}
	if err := new(histogram.Histogram).Add(nil); err == nil {
		t.Error("no values pass")
	}
}

func TestZerosAlone(t *testing.T) {
	h := of(t, []float32{0, float32(math.Copysign(0, -1))}, []float32{0})
	for name, r := range map[string]histogram.Range{"percentile": h.Percentile(0.99), "least": h.Least(), "extremes": h.Extremes()} {
		if r != (histogram.Range{}) {
			t.Errorf("%s: %v", name, r)
		}
	}
	if e := h.Error(h.Extremes()); e != 0 || h.Zeros != 3 {
		t.Errorf("error %v, %d zeros", e, h.Zeros)
	}
	if e := of(t, []float32{1}).Error(histogram.Range{}); !math.IsInf(e, 1) {
		t.Errorf("a range of zero alone has error %v", e)
	}
}

// TestPercentile counts the raw values that are beyond the range, and those beyond the
// range that is smaller by a bin.
func TestPercentile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float32Range(-3, 5), 1, 500).Draw(t, "values")
		p := rapid.SampledFrom([]float64{0.9, 0.99, 0.5, 1}).Draw(t, "p")
		h := new(histogram.Histogram)
		if err := h.Add(values); err != nil {
			t.Fatal(err)
		}
		share := 1 - p
		if h.Low < 0 && h.High > 0 {
			share /= 2
		}
		allowed := int(share * float64(len(values)))
		r, bin := h.Percentile(p), float32(2.01*h.Width/float64(len(h.Bins)))
		below, above := beyond(values, r)
		if below > allowed || above > allowed {
			t.Fatalf("%d below and %d above %v, want at most %d", below, above, r, allowed)
		}
		below, above = beyond(values, histogram.Range{Low: r.Low + bin, High: r.High - bin})
		if r.Low < 0 && r.Low+bin < 0 && below <= allowed || r.High > 0 && r.High-bin > 0 && above <= allowed {
			t.Fatalf("%v is wider by a bin than it must be", r)
		}
	})
}

func beyond(values []float32, r histogram.Range) (below, above int) {
	for _, x := range values {
		if x < r.Low {
			below++
		}
		if x > r.High {
			above++
		}
	}
	return below, above
}

// exact is Error of the raw values.
func exact(values []float32, r histogram.Range) float64 {
	low, high := min(float64(r.Low), 0), max(float64(r.High), 0)
	step := (high - low) / 255
	zero := math.RoundToEven(-low / step)
	sum := 0.0
	for _, v := range values {
		q := min(max(math.RoundToEven(float64(v)/step)+zero, 0), 255)
		sum += math.Pow(math.Abs(float64(v)-step*(q-zero)), 2.4)
	}
	return sum / float64(len(values))
}

func TestLeastIsThatOfTheRawValues(t *testing.T) {
	for _, tt := range []struct {
		name string
		draw func(r *rand.Rand) float64
	}{
		{"normal", func(r *rand.Rand) float64 { return r.NormFloat64() }},
		{"positive", func(r *rand.Rand) float64 { return max(r.NormFloat64(), 0) }},
		{"long tail", func(r *rand.Rand) float64 { return math.Pow(r.NormFloat64(), 5) }},
		{"off zero", func(r *rand.Rand) float64 { return 10 + r.NormFloat64() }},
		{"negative", func(r *rand.Rand) float64 { return -r.ExpFloat64() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source := rand.New(rand.NewPCG(1, 2))
			values := make([]float32, 20000)
			for i := range values {
				values[i] = float32(tt.draw(source))
			}
			h := of(t, values)
			best := math.Inf(1)
			for i := range 80 {
				part := 1 - 0.01*float32(i)
				best = min(best, exact(values, histogram.Range{Low: h.Low * part, High: h.High * part}))
			}
			r := h.Least()
			if got := exact(values, r); got > 1.02*best {
				t.Errorf("%v has error %.4g, the best of the raw values %.4g", r, got, best)
			}
			if got, want := h.Error(r), exact(values, r); math.Abs(got-want) > 0.1*want {
				t.Errorf("error %.4g by bins, %.4g of the raw values", got, want)
			}
		})
	}
}

func TestClipped(t *testing.T) {
	h := of(t, []float32{-4, -1, 0, 0, 1, 2, 3, 8})
	for _, tt := range []struct {
		r    histogram.Range
		want float64
	}{
		{h.Extremes(), 0}, {histogram.Range{Low: -2, High: 2.5}, 3.0 / 8}, {histogram.Range{}, 6.0 / 8},
	} {
		if got := h.Clipped(tt.r); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.r, got, tt.want)
		}
	}
	if got := new(histogram.Histogram).Clipped(histogram.Range{}); got != 0 {
		t.Errorf("of no values %v", got)
	}
}

func TestStored(t *testing.T) {
	h := of(t, []float32{-4, 0, 1}, []float32{9})
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	read := new(histogram.Histogram)
	if err := json.Unmarshal(text, read); err != nil || !reflect.DeepEqual(read, h) {
		t.Errorf("read %v, error %v", read, err)
	}
	for name, change := range map[string]func(*histogram.Histogram){
		"2 bins":            func(h *histogram.Histogram) { h.Bins = h.Bins[:2] },
		"a width of 12":     func(h *histogram.Histogram) { h.Width = 12 },
		"a width of 8":      func(h *histogram.Histogram) { h.Width = 8 },
		"4 values in bins":  func(h *histogram.Histogram) { h.Count = 7 },
		"want 4 in 0 frame": func(h *histogram.Histogram) { h.Frames = 0 },
	} {
		spoilt := *h
		change(&spoilt)
		text, _ := json.Marshal(&spoilt)
		if err := json.Unmarshal(text, new(histogram.Histogram)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
