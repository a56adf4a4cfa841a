package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// TestPackBF16: every float32 goes to the nearest bfloat16, halves to the even one.
func TestPackBF16(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for n := range 70 {
			src := make([]float32, n)
			for i := range src {
				src[i] = math.Float32frombits(rng.Uint32() &^ (rng.Uint32() & 1 * 0x7fff)) // many halves
			}
			if n > 5 {
				copy(src, []float32{nan, inf, -inf, math.Float32frombits(0x7f800001), math.MaxFloat32})
			}
			got := golden.Guard[uint16](n, n%4, 0xa5a5)
			k.packBF16(got.Slice, src)
			for i, v := range src {
				bits := math.Float32bits(v)
				low, high := fromBF16(uint16(bits>>16)), math.Float32frombits(bits&^0xffff+0x10000)
				switch g := fromBF16(got.Slice[i]); {
				case v != v && g == g, v == v && g != low && g != high:
					t.Fatalf("%v (%x) is packed as %v", v, bits, g)
				case v != v:
				case bits&0xffff < 0x8000 && g != low, bits&0xffff > 0x8000 && g != high, got.Slice[i]&1 == 1 && bits&0xffff == 0x8000:
					t.Fatalf("%v (%x) is packed as %v, between %v and %v", v, bits, g, low, high)
				}
			}
			got.Check(t, "packed")
		}
	})
}

// TestWarpBF16 and TestWarpInt8: it is the warp of the plane that is stood for.
func TestWarpBF16(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for channels := 1; channels < 100; channels++ {
			src, taps := normal(rng, 12*channels), randomTaps(rng, 4, 3, channels)
			packed, plane := make([]uint16, len(src)), make([]float32, len(src))
			generic.packBF16(packed, src)
			for i, x := range packed {
				plane[i] = fromBF16(x)
			}
			checkWarp(t, plane, taps, channels, golden.Bound{}, func(dst []float32) { k.warpBF16(dst, packed, taps, channels) })
		}
	})
}

func TestWarpInt8(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for channels := 1; channels < 100; channels++ {
			taps := randomTaps(rng, 4, 3, channels)
			packed, plane, scale := make([]int8, 12*channels), make([]float32, 12*channels), normal(rng, channels)
			for i := range packed {
				packed[i] = int8(rng.IntN(255) - 127)
				plane[i] = scale[i%channels] * float32(packed[i])
			}
			checkWarp(t, plane, taps, channels, golden.Bound{Abs: 1e-6, Rel: 2e-6}, func(dst []float32) { k.warpInt8(dst, packed, scale, taps) })
			got, same := make([]float32, len(taps)*channels), make([]float32, len(taps)*channels)
			k.warpInt8(got, packed, scale, taps)
			generic.warpInt8(same, packed, scale, taps)
			golden.Within(t, "as generic", got, same, golden.Bound{})
		}
	})
}

func randomTaps(rng *rand.Rand, width, height, channels int) []Tap {
	taps := make([]Tap, 6)
	generic.locate(taps, randomLine(rng, width, height), width, height, channels)
	return taps
}

func checkWarp(t *testing.T, plane []float32, taps []Tap, channels int, bound golden.Bound, warp func(dst []float32)) {
	t.Helper()
	got, want := golden.Guard[float32](len(taps)*channels, channels%4, 7), make([]float32, len(taps)*channels)
	for i := range got.Slice {
		got.Slice[i] = 99 // is overwritten
	}
	warp(got.Slice)
	generic.warp(want, plane, taps, channels)
	golden.Within(t, fmt.Sprintf("%d channels", channels), got.Slice, want, bound)
	got.Check(t, "row")
}

func TestPackInt8(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for channels := 1; channels < 40; channels++ {
			src, most, inverse := normal(rng, 5*channels), make([]float32, channels), make([]float32, channels)
			src[0], src[len(src)-1] = nan, 3
			most[0] = 0.5
			k.largest(most, src)
			got := golden.Guard[int8](len(src), channels%4, 0x55)
			for c := range inverse {
				want := float32(0)
				if c == 0 {
					want = 0.5
				}
				for n := c; n < len(src); n += channels {
					if v := float32(math.Abs(float64(src[n]))); v > want {
						want = v
					}
				}
				if most[c] != want {
					t.Fatalf("channel %d of %d: largest %v, want %v", c, channels, most[c], want)
				}
				inverse[c] = 150 / most[c] // some saturate
			}
			src[len(src)/2] = inf
			k.packInt8(got.Slice, src, inverse)
			for i, v := range src {
				want := int8(min(max(math.RoundToEven(float64(v*inverse[i%channels])), -127), 127))
				if v != v {
					want = 0
				}
				if got.Slice[i] != want {
					t.Fatalf("%v times %v is packed as %d, want %d", v, inverse[i%channels], got.Slice[i], want)
				}
			}
			got.Check(t, "packed")
		}
	})
}
