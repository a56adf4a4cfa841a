package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
)

// each runs a test for every implementation.
func each(t *testing.T, test func(t *testing.T, k *Kernels)) {
	t.Helper()
	for set, k := range Table {
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
			src := pixels(r, 3*(n+40))
			start, coef := make([]int32, width), []int32{}
			for x := range start {
				start[x] = r.Int32N(41)
				coef = append(coef, coefficients(r, n)...)
			}
			got, check := guarded(t, 3*width)
			want := make([]uint8, 3*width)
			k.Horizontal(got, src, start, coef)
			wantHorizontal(want, src, start, coef)
			if !bytes.Equal(got, want) {
				t.Fatalf("width %d, %d taps: got %v, want %v", width, n, got, want)
			}
			check()
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
	var level Levels
	for c := range level {
		for v := range level[c] {
			level[c][v] = float32(r.NormFloat64())
		}
	}
	for width := range 70 {
		bgr, planes := pixels(r, 3*width), [3]golden.Guarded[float32]{}
		for c := range planes {
			planes[c] = golden.Guard[float32](width, width%4, 7)
		}
		k.Normalise(planes[0].Slice, planes[1].Slice, planes[2].Slice, bgr, &level)
		for c := range planes {
			want := make([]float32, width)
			for x := range want {
				want[x] = level[c][bgr[3*x+2-c]]
			}
			golden.Within(t, "plane", planes[c].Slice, want, golden.Bound{})
			planes[c].Check(t, "plane")
		}
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	k := Table[isa.Generic]
	row := func(n int) []float32 { return make([]float32, n) }
	for name, call := range map[string]func(){
		"row":          func() { k.Horizontal(make([]uint8, 5), make([]uint8, 9), make([]int32, 2), make([]int32, 2)) },
		"coefficients": func() { k.Horizontal(make([]uint8, 6), make([]uint8, 9), make([]int32, 2), make([]int32, 3)) },
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
