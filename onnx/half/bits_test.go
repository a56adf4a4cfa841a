package half

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// number returns what a float16 stands for.
func number(b uint16) float64 {
	x := float64(b & 0x3ff)
	if e := int(b >> 10 & 0x1f); e > 0 {
		x = math.Ldexp(x+1024, e-1)
	}
	x = math.Ldexp(x, -24)
	if b&0x8000 != 0 {
		x = -x
	}
	return x
}

func TestEachNumberOfFloat16IsItself(t *testing.T) {
	for b := range 1 << 16 {
		if b>>10&0x1f == 0x1f {
			continue // not finite
		}
		if got := bits(float32(number(uint16(b)))); got != uint16(b) {
			t.Fatalf("%v is stored as %#x, want %#x", number(uint16(b)), got, b)
		}
	}
}

func TestTheNearestIsStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float32Range(0, Largest).Draw(t, "x")
		if rapid.Bool().Draw(t, "small") {
			x = float32(math.Ldexp(float64(x), rapid.IntRange(-45, 0).Draw(t, "exponent")))
		}
		b := bits(x)
		off := math.Abs(number(b) - float64(x))
		for _, other := range []uint16{max(b, 1) - 1, min(b+1, 0x7bff)} {
			beside := math.Abs(number(other) - float64(x))
			if beside < off || beside == off && other != b && b&1 == 1 {
				t.Fatalf("%v is stored as %v, nearer or even is %v", x, number(b), number(other))
			}
		}
		if got := bits(-x); got != b|0x8000 {
			t.Fatalf("%v is stored as %#x, its negative as %#x", x, b, got)
		}
	})
	for x, want := range map[float32]uint16{1: 0x3c00, 65504: 0x7bff, 0x1p-24: 1, 0x1p-25: 0, 0x1.8p-24: 2, 2049: 0x6800, 2051: 0x6802, 0.1: 0x2e66} {
		if got := bits(x); got != want {
			t.Errorf("%v: %#x, want %#x", x, got, want)
		}
	}
}
