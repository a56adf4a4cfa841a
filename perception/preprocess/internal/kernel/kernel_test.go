package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
)

// each runs a test for every implementation.
func each(t *testing.T, test func(t *testing.T, k *Kernels)) {
	t.Helper()
	for set, k := range golden.Runnable(Table) {
		t.Run(string(set), func(t *testing.T) { test(t, &k) })
	}
}

// TestTable: every entry is whole, and the set that SOLOFUSION_REQUIRE_KERNELS
// names is among them.
func TestTable(t *testing.T) { golden.Kernels(t, Table) }

// These are the loops of the package comment, word for word.

func wantHorizontal(dst, src []uint8, start, coef []int32) {
	n := len(coef) / max(1, len(start))
	for x := range start {
		for c := range 3 {
			sum := int32(1) << (Precision - 1)
			for k := range n {
				sum += coef[n*x+k] * int32(src[3*(int(start[x])+k)+c])
			}
			dst[3*x+c] = clip(sum >> Precision)
		}
	}
}

func wantVertical(dst, src []uint8, coef []int32) {
	for i := range dst {
		sum := int32(1) << (Precision - 1)
		for k, w := range coef {
			sum += w * int32(src[len(dst)*k+i])
		}
		dst[i] = clip(sum >> Precision)
	}
}

// coefficients returns n that sum to one, some of them negative.
func coefficients(r *rand.Rand, n int) []int32 {
	c := make([]int32, n)
	left := int32(1 << Precision)
	for i := range c {
		c[i] = r.Int32N(1<<Precision)/int32(n) - 1<<(Precision-4)/int32(n)
		left -= c[i]
	}
	c[n/2] += left
	return c
}

func pixels(r *rand.Rand, n int) []uint8 {
	p := make([]uint8, n)
	for i := range p {
		p[i] = uint8(r.Uint32() & 0xff)
		if r.IntN(4) == 0 {
			p[i] = 255 * uint8(r.IntN(2))
		}
	}
	return p
}

const guard = 0xa5

// guarded returns n bytes between guard bytes and a check of these.
func guarded(t *testing.T, n int) (row []uint8, check func()) {
	all := bytes.Repeat([]byte{guard}, n+16)
	return all[8 : 8+n : 8+n], func() {
		t.Helper()
		if bytes.Count(all[:8], []byte{guard}) != 8 || bytes.Count(all[8+n:], []byte{guard}) != 8 {
			t.Error("bytes beside the row changed")
		}
	}
}

func TestHorizontal(t *testing.T) { each(t, testHorizontal) }

func testHorizontal(t *testing.T, k *Kernels) {
	r := rand.New(rand.NewPCG(1, 2))
	for width := range 70 {
		for _, n := range []int{1, 2, 5, 9, 17} {
			for _, apart := range []int{1, 3, 19, 40} {
				checkHorizontal(t, k, r, scatter(r, width, n, apart), width%11)
			}
		}
	}
}

// TestHorizontalScaled: rows of the network's widths, of a camera's and of a few pixels.
func TestHorizontalScaled(t *testing.T) { each(t, testHorizontalScaled) }

func testHorizontalScaled(t *testing.T, k *Kernels) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, width := range []int{1, 5, 6, 16, 17, 352, 704} {
		for _, from := range []int{1, 7, 20, 21, 22, 23, 33, 64, 704, 1600, 3000} {
			for _, rows := range []int{1, 4, 6} {
				checkHorizontal(t, k, r, scaled(r, width, from), rows)
			}
		}
	}
}

// scatter returns columns of width pixels of n taps that begin less than apart pixels
// apart, in any order.
func scatter(r *rand.Rand, width, n, apart int) *Columns {
	begin := r.IntN(40)
	start, coef := make([]int32, width), []int32{}
	for x := range start {
		start[x] = int32(begin + r.IntN(apart))
		coef = append(coef, coefficients(r, n)...)
	}
	return NewColumns(begin+apart+n+r.IntN(40), start, coef)
}

// scaled returns columns of width pixels that are spread over a source row.
func scaled(r *rand.Rand, width, from int) *Columns {
	n := min(4*max(from, width)/width+1, from)
	start, coef := make([]int32, width), []int32{}
	for x := range start {
		start[x] = int32(min(max(x*from/width-n/2, 0), from-n))
		coef = append(coef, coefficients(r, n)...)
	}
	return NewColumns(from, start, coef)
}

// checkHorizontal compares rows of random pixels.
func checkHorizontal(t *testing.T, k *Kernels, r *rand.Rand, c *Columns, rows int) {
	t.Helper()
	to, from := 3*len(c.start), 3*c.width
	src := pixels(r, rows*from)
	got, check := guarded(t, rows*to)
	want := make([]uint8, rows*to)
	k.Horizontal(got, src, c)
	for y := range rows {
		wantHorizontal(want[y*to:][:to], src[y*from:][:from], c.start, c.coef)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d rows, %d columns of %d, %d taps: got %v, want %v", rows, len(c.start), c.width, c.n, got, want)
	}
	check()
}

// TestLanes: the columns of a camera at the network's sizes fit vectors.
func TestLanes(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, test := range []struct{ width, from, windows int }{{704, 1600, 1}, {704, 1920, 1}, {352, 1600, 2}, {704, 640, 1}, {176, 1600, 0}, {4, 1600, 0}} {
		windows := 0
		if l := scaled(r, test.width, test.from).lanes; l != nil {
			windows = l.windows
		}
		if windows != test.windows {
			t.Errorf("%d columns of %d: %d windows, want %d", test.width, test.from, windows, test.windows)
		}
	}
}

func TestVertical(t *testing.T) { each(t, testVertical) }

func testVertical(t *testing.T, k *Kernels) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, width := range []int{0, 1, 3, 31, 255, 256, 257, 511, 512, 1056} {
		for _, n := range []int{1, 2, 9, 17} {
			src, coef := pixels(r, width*n), coefficients(r, n)
			got, check := guarded(t, width)
			want := make([]uint8, width)
			k.Vertical(got, src, coef)
			wantVertical(want, src, coef)
			if !bytes.Equal(got, want) {
				t.Fatalf("width %d, %d taps differ", width, n)
			}
			check()
		}
	}
}

func TestNormalise(t *testing.T) { each(t, testNormalise) }

func testNormalise(t *testing.T, k *Kernels) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, numbers := range [][2][3]float32{
		{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
		{{}, {1. / 255, 1. / 255, 1. / 255}},
		{{0.5, 1e30, -3}, {1e-38, 1e38, 3}}, // some of which cannot be computed
		{{float32(math.Inf(1)), 0, float32(math.NaN())}, {0, 1, 1}},
	} {
		level := k.NewLevels(numbers[0], numbers[1])
		for width := range 70 {
			bgr, planes := pixels(r, 3*width), [3]golden.Guarded[float32]{}
			for c := range planes {
				planes[c] = golden.Guard[float32](width, width%4, 7)
			}
			k.Normalise(planes[0].Slice, planes[1].Slice, planes[2].Slice, bgr, level)
			for c := range planes {
				want := make([]float32, width)
				for x := range want {
					want[x] = (float32(bgr[3*x+2-c])/255 - numbers[0][c]) / numbers[1][c]
				}
				golden.Within(t, "plane", planes[c].Slice, want, golden.Bound{})
				planes[c].Check(t, "plane")
			}
		}
	}
}

// TestLevelsAreComputed: those of the usual means and deviations are computed to the
// bit; those that overflow on the way are not.
func TestLevelsAreComputed(t *testing.T) { each(t, testLevelsAreComputed) }

func testLevelsAreComputed(t *testing.T, k *Kernels) {
	for _, scale := range []float32{1, 255} {
		mean := [3]float32{123.675 / 255, 116.28 / 255, 103.53 / 255}
		std := [3]float32{58.395 / 255 * scale, 57.12 / 255 * scale, 57.375 / 255 * scale}
		if !k.NewLevels(mean, std).exact {
			t.Errorf("values of mean %v and deviation %v are not computed", mean, std)
		}
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	k := Table[isa.Generic]
	row := func(n int) []float32 { return make([]float32, n) }
	for name, call := range map[string]func(){
		"row": func() {
			k.Horizontal(make([]uint8, 5), make([]uint8, 9), NewColumns(3, make([]int32, 2), make([]int32, 2)))
		},
		"other rows": func() {
			k.Horizontal(make([]uint8, 12), make([]uint8, 9), NewColumns(3, make([]int32, 2), make([]int32, 2)))
		},
		"coefficients": func() { NewColumns(3, make([]int32, 2), make([]int32, 3)) },
		"reach":        func() { NewColumns(3, []int32{2}, make([]int32, 2)) },
		"planes":       func() { k.Normalise(row(2), row(2), row(1), make([]uint8, 6), &Levels{}) },
		"rows":         func() { k.Vertical(make([]uint8, 5), make([]uint8, 9), make([]int32, 2)) },
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
}

// sameBits reports whether slices are equal to the bit.
func sameBits(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
