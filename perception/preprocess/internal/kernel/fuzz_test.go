package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

func FuzzRows(f *testing.F) {
	f.Add(uint64(1), uint8(33), uint8(17), uint8(1), []byte{0, 255, 1})
	f.Add(uint64(2), uint8(70), uint8(8), uint8(30), []byte{255})
	f.Fuzz(func(t *testing.T, seed uint64, width, taps, apart uint8, source []byte) {
		n := int(taps)%20 + 1
		r := rand.New(rand.NewPCG(seed, 0))
		c := scatter(r, int(width), n, int(apart)%50+1)
		rows, column := r.IntN(6), coefficients(r, n)
		from, to := 3*c.width, 3*len(c.start)
		src := pixels(r, max(rows*from, n*to))
		copy(src, source)
		for set, k := range golden.Runnable(Table) {
			got, want := make([]uint8, rows*to), make([]uint8, rows*to)
			k.Horizontal(got, src[:rows*from], c)
			for y := range rows {
				wantHorizontal(want[y*to:][:to], src[y*from:][:from], c.start, c.coef)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s, horizontal: got %v, want %v", set, got, want)
			}
			got, want = make([]uint8, to), make([]uint8, to)
			k.Vertical(got, src[:n*to], column)
			wantVertical(want, src[:n*to], column)
			if !bytes.Equal(got, want) {
				t.Fatalf("%s, vertical: got %v, want %v", set, got, want)
			}
		}
	})
}

func FuzzNormalise(f *testing.F) {
	f.Add(uint64(1), uint8(40), float32(0.485), float32(0.229))
	f.Fuzz(func(t *testing.T, seed uint64, width uint8, mean, std float32) {
		n, bgr := int(width), pixels(rand.New(rand.NewPCG(seed, 0)), 3*int(width))
		for set, k := range golden.Runnable(Table) {
			level := k.NewLevels([3]float32{mean, 0, mean}, [3]float32{1, std, std})
			var got, want [3][]float32
			for c := range got {
				got[c], want[c] = make([]float32, n), make([]float32, n)
			}
			k.Normalise(got[0], got[1], got[2], bgr, level)
			normaliseGeneric(want[0], want[1], want[2], bgr, level)
			for c := range got {
				if !sameBits(got[c], want[c]) {
					t.Fatalf("%s, plane %d: got %v, want %v", set, c, got[c], want[c])
				}
			}
		}
	})
}
