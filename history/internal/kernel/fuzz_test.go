package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// FuzzWarp gives lines of any bits: what comes out is the package comment's
// loop, or zero.
func FuzzWarp(f *testing.F) {
	f.Add(uint64(1), 0.5, 0.5, 1.0, 0.1, uint8(4))
	f.Add(uint64(1), math.Inf(1), 0.5, math.NaN(), 1e300, uint8(4))
	f.Fuzz(func(t *testing.T, seed uint64, x, y, dx, dy float64, size uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		width, height, channels := int(size%5)+1, int(size/5%5)+1, int(size/25)+1
		src := normal(rng, width*height*channels)
		line := Line{x, y, dx, dy}
		for _, k := range implementations() {
			dst := golden.Guard[float32](6*channels, int(seed%8), 7)
			warp(k, dst.Slice, src, line, width, height, channels)
			want := naiveWarp(len(dst.Slice), src, line, width, height, channels)
			golden.Within(t, string(k.name), widen(dst.Slice), want, golden.Bound{Abs: 2e-6})
			same := make([]float32, len(dst.Slice))
			warp(implementation{Kernels: generic}, same, src, line, width, height, channels)
			golden.Within(t, string(k.name)+" as generic", dst.Slice, same, golden.Bound{})
			dst.Check(t, string(k.name))
		}
	})
}

// FuzzActivate gives values, gain and zero of any bits.
func FuzzActivate(f *testing.F) {
	f.Add([]byte("12345678abcdefgh"), uint8(3), float32(2))
	f.Fuzz(func(t *testing.T, b []byte, zero uint8, gain float32) {
		if !(gain > 0) || gain > math.MaxFloat32 {
			return
		}
		src := make([]float32, len(b)/4)
		for i := range src {
			src[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		want := make([]uint8, len(src))
		rectified := make([]float32, len(src))
		for i, v := range src {
			want[i] = naiveQuantise(v, gain, zero)
			rectified[i] = v
			if v < 0 {
				rectified[i] = 0
			}
		}
		for _, k := range implementations() {
			bytes, floats := make([]uint8, len(src)), make([]float32, len(src))
			k.activateU8(bytes, src, []float32{gain}, []float32{0}, 1, zero)
			golden.Within(t, string(k.name), bytes, want, golden.Bound{})
			k.activateF32(floats, src, []float32{0}, 1)
			golden.Within(t, string(k.name), floats, rectified, golden.Bound{})
		}
	})
}

// FuzzProject draws planes and matrices of fuzzed shapes.
func FuzzProject(f *testing.F) {
	f.Add(uint64(1), uint8(32), uint8(4))
	f.Fuzz(func(t *testing.T, seed uint64, channels, cells uint8) {
		n := int(channels%96) + 1
		rng := rand.New(rand.NewPCG(seed, 0))
		src, w := normal(rng, int(cells%8)*n), normal(rng, n*n)
		want := naiveProject(src, w, n)
		for _, k := range implementations() {
			dst := golden.Guard[float32](len(src), int(seed%8), 7)
			k.project(dst.Slice, src, w, n)
			golden.Within(t, string(k.name), widen(dst.Slice), want, golden.Bound{Abs: 1e-6, Rel: 2e-6})
			same := make([]float32, len(src))
			generic.project(same, src, w, n)
			golden.Within(t, string(k.name)+" as generic", dst.Slice, same, golden.Bound{})
			dst.Check(t, string(k.name))
		}
	})
}

// FuzzPack gives values and scales of any bits; every set packs to generic's bits.
func FuzzPack(f *testing.F) {
	f.Add([]byte("12345678abcdefgh"), uint8(2), float32(3))
	f.Fuzz(func(t *testing.T, b []byte, size uint8, by float32) {
		channels := int(size%20) + 1
		src := make([]float32, len(b)/4/channels*channels)
		for i := range src {
			src[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		inverse, most := constant(by, channels), make([]float32, channels)
		wantBF16, wantInt8 := make([]uint16, len(src)), make([]int8, len(src))
		generic.packBF16(wantBF16, src)
		generic.packInt8(wantInt8, src, inverse)
		generic.largest(most, src)
		for _, k := range implementations() {
			bf16, int8s, got := make([]uint16, len(src)), make([]int8, len(src)), make([]float32, channels)
			k.packBF16(bf16, src)
			k.packInt8(int8s, src, inverse)
			k.largest(got, src)
			if !slices.Equal(bf16, wantBF16) || !slices.Equal(int8s, wantInt8) || !slices.Equal(got, most) {
				t.Fatalf("%s: %v, %v and %v, want %v, %v and %v", k.name, bf16, int8s, got, wantBF16, wantInt8, most)
			}
		}
	})
}
