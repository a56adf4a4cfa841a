package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func FuzzRows(f *testing.F) {
	f.Add(uint64(1), uint8(33), uint8(17), []byte{0, 255, 1})
	f.Fuzz(func(t *testing.T, seed uint64, width, taps uint8, source []byte) {
		n := int(taps)%20 + 1
		r := rand.New(rand.NewPCG(seed, 0))
		src := pixels(r, max(3*(n+1), n*3*int(width)))
		copy(src, source)
		var start, coef []int32
		for range int(width) {
			start = append(start, r.Int32N(2))
			coef = append(coef, coefficients(r, n)...)
		}
		column := coefficients(r, n)
		for set, k := range Table {
			got, want := make([]uint8, 3*int(width)), make([]uint8, 3*int(width))
			k.Horizontal(got, src[:3*(n+1)], start, coef)
			wantHorizontal(want, src[:3*(n+1)], start, coef)
			if !bytes.Equal(got, want) {
				t.Fatalf("%s, horizontal: got %v, want %v", set, got, want)
			}
			k.Vertical(got, src[:n*len(got)], column)
			wantVertical(want, src[:n*len(got)], column)
			if !bytes.Equal(got, want) {
				t.Fatalf("%s, vertical: got %v, want %v", set, got, want)
			}
		}
	})
}
