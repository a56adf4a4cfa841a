package synth

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestPulseIsTheMeanOverTheFootprint compares with a sum of samples.
func TestPulseIsTheMeanOverTheFootprint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float32Range(-20, 20).Draw(t, "x")
		w := rapid.Float32Range(0.05, 9).Draw(t, "footprint")
		period := rapid.Float32Range(0.5, 6).Draw(t, "period")
		a := rapid.Float32Range(0, 0.4).Draw(t, "a") * period
		b := a + rapid.Float32Range(0.05, 0.5).Draw(t, "b")*period
		const n = 40_000
		sum := 0.0
		for i := range n {
			q := float64(x) + float64(w)*((float64(i)+0.5)/n-0.5)
			q -= math.Floor(q/float64(period)) * float64(period)
			if q >= float64(a) && q < float64(b) {
				sum += 1.0 / n
			}
		}
		if got := pulse(x, w, period, a, b); math.Abs(float64(got)-sum) > 2e-3 {
			t.Fatalf("pulse is %g, the samples' mean %g", got, sum)
		}
	})
}

func TestBand(t *testing.T) {
	for _, tt := range []struct{ x, footprint, want float32 }{{0, 1, 1}, {2, 1, 0.5}, {3, 1, 0}, {0, 8, 0.5}} {
		if got := band(tt.x, tt.footprint, -2, 2); got != tt.want {
			t.Errorf("band(%g, %g) = %g, want %g", tt.x, tt.footprint, got, tt.want)
		}
	}
}

func TestGrainFadesWithTheFootprint(t *testing.T) {
	for x := float32(-3); x < 3; x += 0.37 {
		if g := grain(x, 2*x, 1, 1, 5); math.Abs(float64(g)) > 0 {
			if math.Abs(float64(g)) > 0.5 {
				t.Errorf("grain at a footprint of one cell is %g", g)
			}
		}
		if g := grain(x, 2*x, 1.01, 0.9, 5); math.Abs(float64(g)) > 0.5 {
			t.Errorf("grain beyond its cell is %g", g)
		}
		if g := grain(x, x, 2, 1, 5); g != 0 {
			t.Errorf("grain at twice its cell is %g", g)
		}
	}
}

func TestNoiseIsSmoothAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float32Range(-50, 50).Draw(t, "x"), rapid.Float32Range(-50, 50).Draw(t, "y")
		a, b := noise(x, y, 9), noise(x+0.01, y, 9)
		if a < -1 || a > 1 || math.Abs(float64(a-b)) > 0.05 {
			t.Fatalf("noise goes from %g to %g in a hundredth of a cell", a, b)
		}
	})
}
