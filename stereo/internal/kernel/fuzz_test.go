package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
)

// floats reads little-endian float32 numbers; any bits may come.
func floats(b []byte) []float32 {
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}

// FuzzSuppress compares additions bit by bit, and the pick, with the package
// comment's loop.
func FuzzSuppress(f *testing.F) {
	f.Add([]byte("12345678abcdefgh"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := floats(b)
		n := len(x) / 2
		for _, k := range implementations() {
			got, want := append([]float32(nil), x[:n]...), append([]float32(nil), x[:n]...)
			g, w := k.suppress(got, x[n:][:n]), naiveSuppress(want, x[n:][:n])
			golden.Within(t, string(k.name), got, want, golden.Bound{})
			// If nothing exceeds -Inf the first bin is picked.
			if n > 0 && !(want[w] > -inf) {
				w = 0
			}
			if n > 0 && g != w {
				t.Errorf("%s: picked %d, want %d of %v", k.name, g, w, want)
			}
		}
	})
}

// FuzzSoftmax checks that what comes out is a distribution or, for broken
// logits, NaN throughout.
func FuzzSoftmax(f *testing.F) {
	f.Add([]byte("12345678abcdefgh"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := floats(b)
		for _, k := range implementations() {
			got := make([]float32, len(x))
			k.softmax(got, x)
			golden.Within(t, string(k.name), widen(got), naiveSoftmax(x), golden.Bound{Abs: 1e-5})
		}
	})
}

// FuzzCorrelate draws maps and taps of fuzzed shapes.
func FuzzCorrelate(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(4), uint8(9))
	f.Fuzz(func(t *testing.T, seed uint64, groups, width, taps uint8) {
		g, channels := int(groups%16)+1, (int(groups%16)+1)*(int(width%16)+1)
		rng := rand.New(rand.NewPCG(seed, 0))
		cur, prev := normal(rng, 6*channels), normal(rng, 6*channels)
		list := randomTaps(rng, int(taps), 7, 6, channels)
		want := make([]float64, 7*g)
		naiveCorrelate(want, cur, prev, list, channels, g)
		for _, k := range implementations() {
			got := golden.Guard[float32](7*g, int(seed%8), 7)
			k.correlate(got.Slice, cur, prev, list, channels, g)
			golden.Within(t, string(k.name), widen(got.Slice), want, golden.Bound{Abs: 1e-5, Rel: 1e-5})
			got.Check(t, string(k.name))
		}
	})
}

// FuzzSimilarity draws networks and points of fuzzed shapes.
func FuzzSimilarity(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(9))
	f.Fuzz(func(t *testing.T, seed uint64, groups, points uint8) {
		g := int(groups%16) + 1
		rng := rand.New(rand.NewPCG(seed, 0))
		net, x := randomNetwork(rng, g), normal(rng, int(points)*g)
		want := make([]float64, points)
		for i := range want {
			want[i] = naiveSimilarity(x[i*g:][:g], net)
		}
		for _, k := range implementations() {
			got := make([]float32, points)
			k.similarity(got, x, net)
			golden.Within(t, string(k.name), widen(got), want, golden.Bound{Abs: 1e-5, Rel: 1e-5})
		}
	})
}

// FuzzProject draws cameras of fuzzed motion.
func FuzzProject(f *testing.F) {
	f.Add(uint64(1), 0.5, 10.0)
	f.Fuzz(func(t *testing.T, seed uint64, shift, depth float64) {
		p := randomProjection(rand.New(rand.NewPCG(seed, 0)))
		p.Shift[2] = shift
		depths := []float64{depth, depth + 1, depth + 7}
		for _, k := range implementations() {
			taps := make([]Tap, p.Block*p.Block*len(depths))
			n := k.project(taps, p, 0, 0, depths)
			if points, _ := naiveTaps(p, 0, 0, depths); math.Abs(depth) < 1e6 && math.Abs(shift) < 1e6 {
				checkTaps(t, string(k.name), taps[:n], p, 0, 0, depths)
			} else if n != len(points) {
				t.Errorf("%s: %d taps, want %d", k.name, n, len(points))
			}
		}
	})
}
