package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
)

// implementation is an entry of the table.
type implementation struct {
	Kernels
	name isa.Set
}

// implementations returns all that this build has.
func implementations() (all []implementation) {
	for set, k := range golden.Runnable(Table) {
		all = append(all, implementation{k, set})
	}
	return all
}

// each runs a test for every implementation, with the same random numbers.
func each(t *testing.T, test func(t *testing.T, k implementation, rng *rand.Rand)) {
	t.Helper()
	for _, k := range implementations() {
		t.Run(string(k.name), func(t *testing.T) { test(t, k, rand.New(rand.NewPCG(9, 1))) })
	}
}

// TestTable: every entry is whole, and the set that SOLOFUSION_REQUIRE_KERNELS
// names is among them.
func TestTable(t *testing.T) { golden.Kernels(t, Table) }

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(x[i])
	}
	return y
}

// naiveProject is the package comment's loop in float64.
func naiveProject(src, w []float32, channels int) []float64 {
	out := make([]float64, len(src))
	for i := range out {
		cell := i / channels * channels
		for k := range channels {
			out[i] += float64(src[cell+k]) * float64(w[k*channels+i%channels])
		}
	}
	return out
}

func TestProject(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, channels := range []int{1, 2, 7, 8, 9, 16, 31, 32, 33, 80, 96, 163} {
			for _, cells := range []int{0, 1, 2, 5} {
				src, w := normal(rng, cells*channels), normal(rng, channels*channels)
				dst := golden.Guard[float32](len(src), channels%4, 7)
				for i := range dst.Slice {
					dst.Slice[i] = 99 // is overwritten
				}
				k.project(dst.Slice, src, w, channels)
				golden.Within(t, fmt.Sprintf("%d cells of %d", cells, channels), widen(dst.Slice), naiveProject(src, w, channels), golden.Bound{Rel: 2e-6})
				want := make([]float32, len(src))
				generic.project(want, src, w, channels)
				golden.Within(t, "as generic", dst.Slice, want, golden.Bound{})
				dst.Check(t, "cells")
			}
		}
	})
}

// warp resamples a row.
func warp(k implementation, dst, src []float32, line Line, width, height, channels int) {
	taps := make([]Tap, len(dst)/channels)
	k.locate(taps, line, width, height, channels)
	k.warp(dst, src, taps, channels)
}

// naiveWarp is the package comment's loop: float64, every cell of the plane
// weighed by its distance.
func naiveWarp(n int, src []float32, line Line, width, height, channels int) []float64 {
	out := make([]float64, n)
	for j := range n / channels {
		x, y := line.X+float64(j)*line.DX, line.Y+float64(j)*line.DY
		for cell := range width * height {
			wx, wy := 1-math.Abs(x-float64(cell%width)), 1-math.Abs(y-float64(cell/width))
			if !(wx > 0 && wy > 0) {
				continue
			}
			for c := range channels {
				out[j*channels+c] += wx * wy * float64(src[cell*channels+c])
			}
		}
	}
	return out
}

func TestWarp(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, shape := range [][3]int{{1, 1, 1}, {1, 4, 3}, {5, 1, 8}, {6, 5, 16}, {7, 4, 33}, {4, 4, 80}} {
			width, height, channels := shape[0], shape[1], shape[2]
			src := normal(rng, width*height*channels)
			for i := range 200 {
				line := randomLine(rng, width, height)
				dst := golden.Guard[float32](rng.IntN(9)*channels, i%4, 7)
				for i := range dst.Slice {
					dst.Slice[i] = 99 // is overwritten
				}
				warp(k, dst.Slice, src, line, width, height, channels)
				want := naiveWarp(len(dst.Slice), src, line, width, height, channels)
				golden.Within(t, fmt.Sprintf("%v, %v", shape, line), widen(dst.Slice), want, golden.Bound{Abs: 2e-6})
				same := make([]float32, len(dst.Slice))
				warp(implementation{Kernels: generic}, same, src, line, width, height, channels)
				golden.Within(t, "as generic", dst.Slice, same, golden.Bound{})
				dst.Check(t, "row")
			}
		}
	})
}

// randomLine starts in or near the plane; some lines run along whole cells.
func randomLine(rng *rand.Rand, width, height int) Line {
	l := Line{
		X: rng.Float64()*float64(width+4) - 2, Y: rng.Float64()*float64(height+4) - 2,
		DX: rng.NormFloat64(), DY: rng.NormFloat64() / 4,
	}
	if rng.IntN(4) == 0 {
		l = Line{math.Round(l.X), math.Round(l.Y), math.Round(l.DX), math.Round(l.DY)}
	}
	return l
}

func TestWarpIdentityIsExact(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		src, dst := normal(rng, 5*3*4), make([]float32, 5*4)
		for y := range 3 {
			warp(k, dst, src, Line{0, float64(y), 1, 0}, 5, 3, 4)
			golden.Within(t, "row", dst, src[y*20:][:20], golden.Bound{})
		}
	})
}

// TestWarpJustInside takes the last numbers below the plane's end, which plus
// one are rounded up.
func TestWarpJustInside(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		src, dst := normal(rng, 5*3), make([]float32, 1)
		for _, line := range []Line{
			{X: math.Nextafter(5, 0), Y: 1}, {X: 1, Y: math.Nextafter(3, 0)},
			{X: math.Nextafter(-1, 0), Y: 1}, {X: math.Copysign(0, -1), Y: 1},
		} {
			warp(k, dst, src, line, 5, 3, 1)
			golden.Within(t, fmt.Sprint(line), widen(dst), naiveWarp(1, src, line, 5, 3, 1), golden.Bound{Abs: 1e-6})
		}
	})
}

func TestWarpOutsideIsZero(t *testing.T) {
	each(t, func(t *testing.T, k implementation, _ *rand.Rand) {
		src := []float32{nan, nan, nan, nan}
		for _, x := range []float64{-1, -1e300, 2, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)} {
			dst := []float32{99}
			warp(k, dst, src, Line{X: x}, 2, 2, 1)
			golden.Within(t, fmt.Sprintf("x = %v", x), dst, []float32{0}, golden.Bound{})
			warp(k, dst, src, Line{Y: x}, 2, 2, 1)
			golden.Within(t, fmt.Sprintf("y = %v", x), dst, []float32{0}, golden.Bound{})
		}
		dst := []float32{99}
		warp(k, dst, []float32{nan, 1}, Line{X: 0.5}, 2, 1, 1)
		golden.Within(t, "beside NaN", dst, []float32{nan}, golden.Bound{})
	})
}

func TestActivateF32(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for channels := 1; channels < 40; channels++ {
			const cells = 3
			stride := channels + channels%5
			src, add := normal(rng, cells*channels), normal(rng, channels)
			src[0], src[channels] = nan, inf
			dst := golden.Guard[float32]((cells-1)*stride+channels, channels%4, 7)
			want := make([]float32, len(dst.Slice))
			for i, v := range src {
				v += add[i%channels]
				if v < 0 {
					v = 0
				}
				want[i/channels*stride+i%channels] = v
			}
			k.activateF32(dst.Slice, src, add, stride)
			golden.Within(t, fmt.Sprintf("%d channels", channels), dst.Slice, want, golden.Bound{})
			dst.Check(t, "stack")
		}
	})
}

// naiveQuantise is ONNX's QuantizeLinear after the ReLU.
func naiveQuantise(v, gain float32, zero uint8) uint8 {
	if !(v > 0) {
		v = 0
	}
	return uint8(min(math.RoundToEven(float64(v*gain))+float64(zero), 255))
}

func constant(v float32, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = v
	}
	return x
}

func TestActivateU8(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for channels := 1; channels < 40; channels++ {
			for _, zero := range []uint8{0, 3, 128, 255} {
				const cells, scale = 5, 0.0123
				stride := channels + channels%5
				src, add := normal(rng, cells*channels), normal(rng, channels)
				dst := golden.Guard[uint8]((cells-1)*stride+channels, channels%4, 0xa5)
				want := make([]uint8, len(dst.Slice))
				for i, v := range src {
					want[i/channels*stride+i%channels] = naiveQuantise(v+add[i%channels], 1/float32(scale), zero)
				}
				k.activateU8(dst.Slice, src, constant(1/float32(scale), channels), add, stride, zero)
				golden.Within(t, fmt.Sprintf("%d channels, zero %d", channels, zero), dst.Slice, want, golden.Bound{})
				dst.Check(t, "stack")
			}
		}
	})
}

func TestActivateU8Rounds(t *testing.T) {
	each(t, func(t *testing.T, k implementation, _ *rand.Rand) {
		src := []float32{0.25, 0.75, 1.25, 1.2499999, 63.75, 127.25, 127.5, 1e38, inf, nan, -nan, -1, -inf, float32(math.Copysign(0, -1)), 1e-40}
		want := []uint8{0, 2, 2, 2, 128, 254, 255, 255, 255, 0, 0, 0, 0, 0, 0}
		got := make([]uint8, len(src))
		k.activateU8(got, src, []float32{2}, []float32{0}, 1, 0)
		golden.Within(t, "halves to even", got, want, golden.Bound{})
	})
}

// TestLocate: taps are the same for every implementation, for rows of any length.
func TestLocate(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for i := range 2000 {
			width, height, channels := 1+rng.IntN(9), 1+rng.IntN(9), 1+rng.IntN(90)
			line := randomLine(rng, width, height)
			switch i % 20 {
			case 0:
				line.X = math.Inf(1)
			case 1:
				line.DY = math.NaN()
			case 2:
				line.DX = 1e300
			}
			got, want := make([]Tap, i%40), make([]Tap, i%40)
			k.locate(got, line, width, height, channels)
			generic.locate(want, line, width, height, channels)
			if !slices.Equal(got, want) {
				t.Fatalf("%v in %d x %d cells of %d: taps %v, want %v", line, width, height, channels, got, want)
			}
		}
	})
}

// TestWarpActivate: in one pass it is what it is in two.
func TestWarpActivate(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for channels := 1; channels < 100; channels++ {
			const width, height, cells = 4, 3, 5
			stride, zero := channels+channels%5, uint8(channels%3)
			src, add := normal(rng, width*height*channels), normal(rng, channels)
			gain := make([]float32, channels)
			for c := range gain {
				gain[c] = 20 + 50*rng.Float32()
			}
			taps, row := make([]Tap, cells), make([]float32, cells*channels)
			generic.locate(taps, randomLine(rng, width, height), width, height, channels)
			generic.warp(row, src, taps, channels)

			floats, wantFloats := golden.Guard[float32]((cells-1)*stride+channels, channels%4, 7), make([]float32, (cells-1)*stride+channels)
			generic.activateF32(wantFloats, row, add, stride)
			k.warpActivateF32(floats.Slice, src, taps, add, stride)
			golden.Within(t, fmt.Sprintf("%d channels", channels), floats.Slice, wantFloats, golden.Bound{})
			floats.Check(t, "floats")

			bytes, wantBytes := golden.Guard[uint8](len(floats.Slice), channels%4, 0xa5), make([]uint8, len(floats.Slice))
			generic.activateU8(wantBytes, row, gain, add, stride, zero)
			k.warpActivateU8(bytes.Slice, src, taps, gain, add, stride, zero)
			golden.Within(t, fmt.Sprintf("%d channels", channels), bytes.Slice, wantBytes, golden.Bound{})
			bytes.Check(t, "bytes")
		}
	})
}

// TestWarpActivateOutside: there the age and the bias are left.
func TestWarpActivateOutside(t *testing.T) {
	each(t, func(t *testing.T, k implementation, _ *rand.Rand) {
		src, add := []float32{nan, inf, nan, inf}, []float32{1, -1}
		taps := []Tap{{Offset: [4]int32{Outside}}}
		floats, bytes := []float32{9, 9}, []uint8{9, 9}
		k.warpActivateF32(floats, src, taps, add, 2)
		golden.Within(t, "floats", floats, []float32{1, 0}, golden.Bound{})
		k.warpActivateU8(bytes, src, taps, []float32{3, 3}, add, 2, 5)
		golden.Within(t, "bytes", bytes, []uint8{8, 5}, golden.Bound{})
	})
}

// TestQuantise: halves go to even, below zero too, what does not fit saturates, and each
// channel has its gain.
func TestQuantise(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, channels := range []int{1, 3, 8, 16, 19, 80} {
			src := append([]float32{0.25, 0.75, -0.25, -0.75, -1.25, 127.5, 200, -64, -64.25, -100, inf, -inf, nan}, normal(rng, 4*channels)...)
			src = src[:len(src)/channels*channels]
			gain := make([]float32, channels)
			for c := range gain {
				gain[c] = float32(int(1) << (c % 3)) // exact, so that the naive quotient is
			}
			for _, zero := range []uint8{0, 1, 128, 255} {
				got := golden.Guard[uint8](len(src), 3, 0xa5)
				want := make([]uint8, len(src))
				for i, v := range src {
					x := math.RoundToEven(float64(v*gain[i%channels])) + float64(zero)
					if v != v {
						x = float64(zero)
					}
					want[i] = uint8(min(max(x, 0), 255))
				}
				k.quantise(got.Slice, src, gain, zero)
				golden.Within(t, fmt.Sprintf("%d channels, zero %d", channels, zero), got.Slice, want, golden.Bound{})
				got.Check(t, "bytes")
			}
		}
	})
}

func TestLengthsAreChecked(t *testing.T) {
	k := Table[isa.Generic]
	f := func(n int) []float32 { return make([]float32, n) }
	for name, call := range map[string]func(){
		"project lengths": func() { k.Project(f(4), f(2), f(4), 2) },
		"project matrix":  func() { k.Project(f(2), f(2), f(2), 2) },
		"project cells":   func() { k.Project(f(3), f(3), f(4), 2) },
		"pack bfloat16":   func() { k.PackBF16(make([]uint16, 1), f(2)) },
		"warp bfloat16":   func() { k.WarpBF16(f(3), make([]uint16, 4), make([]Tap, 2), 2) },
		"largest":         func() { k.Largest(f(2), f(3)) },
		"pack int8":       func() { k.PackInt8(make([]int8, 2), f(4), f(2)) },
		"int8 channels":   func() { k.PackInt8(make([]int8, 3), f(3), f(2)) },
		"warp int8":       func() { k.WarpInt8(f(3), make([]int8, 4), f(2), make([]Tap, 2)) },
		"locate":          func() { k.Locate(make([]Tap, 1), Line{}, 0, 2, 2) },
		"warp row":        func() { k.Warp(f(3), f(8), make([]Tap, 2), 2) },
		"warp channels":   func() { k.WarpActivateF32(f(4), f(8), make([]Tap, 2), nil, 2) },
		"warp stack":      func() { k.WarpActivateU8(make([]uint8, 3), f(8), make([]Tap, 2), f(2), f(2), 2, 0) },
		"warp gain":       func() { k.WarpActivateU8(make([]uint8, 4), f(8), make([]Tap, 2), f(1), f(2), 2, 0) },
		"channels":        func() { k.ActivateF32(f(4), f(4), nil, 2) },
		"stride":          func() { k.ActivateF32(f(4), f(4), f(2), 1) },
		"stack":           func() { k.ActivateU8(make([]uint8, 4), f(4), f(2), f(2), 3, 0) },
		"quantise":        func() { k.Quantise(make([]uint8, 4), f(3), f(1), 0) },
		"quantise gain":   func() { k.Quantise(make([]uint8, 3), f(3), f(2), 0) },
		"gain":            func() { k.ActivateU8(make([]uint8, 4), f(4), f(1), f(2), 2, 0) },
		"cells":           func() { k.ActivateU8(make([]uint8, 4), f(3), f(2), f(2), 2, 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
	k.ActivateF32(f(5), f(4), f(2), 3) // the last cell needs no gap after it
}
