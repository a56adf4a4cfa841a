package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
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

// FuzzPick compares the picks with the specification.
func FuzzPick(f *testing.F) {
	f.Add([]byte("12345678abcdefghijkl"), uint8(3), uint8(0))
	f.Add(slices.Repeat([]byte{0, 0, 128, 63, 0, 0, 0, 64}, 200), uint8(7), uint8(111))
	f.Fuzz(func(t *testing.T, b []byte, samples, bins uint8) {
		x, n := floats(b), int(bins)+1
		if len(x) < 3*n {
			return
		}
		penalties, logits := x[:2*n-1], x[2*n-1:]
		for i, p := range penalties {
			if p-p != 0 {
				penalties[i] = 0
			}
		}
		pixels := len(logits) / n
		logits = logits[:pixels*n]
		want := make([]int32, pixels*(int(samples%32)+1))
		generic.Pick(want, logits, make([]float32, n), penalties)
		for _, k := range implementations() {
			got := make([]int32, len(want))
			k.Pick(got, logits, make([]float32, n), penalties)
			golden.Within(t, string(k.name), got, want, golden.Bound{})
		}
	})
}

// FuzzSpread compares every bit with the specification.
func FuzzSpread(f *testing.F) {
	f.Add([]byte("12345678abcdefghijkl"), uint64(5))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		x := floats(b)
		if len(x) < 2 {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		n := 1 + rng.IntN(len(x)-1)
		logits, x := x[:n], x[n:]
		samples := make([]int32, n)
		for i := range samples {
			samples[i] = rng.Int32N(int32(len(x)))
		}
		slices.Sort(samples)
		want := make([]float32, len(x))
		spreadGeneric(want, x, samples, logits)
		for _, k := range implementations() {
			got := make([]float32, len(x))
			k.spread(got, x, samples, logits)
			golden.Within(t, string(k.name), got, want, golden.Bound{})
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
			same := make([]float32, len(x))
			generic.softmax(same, x)
			golden.Within(t, string(k.name)+" as generic", got, same, golden.Bound{})
		}
	})
}

// FuzzCorrelate draws maps and taps of fuzzed shapes.
func FuzzCorrelate(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(4), uint8(9), uint8(2))
	f.Add(uint64(2), uint8(7), uint8(7), uint8(7), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, groups, width, samples, block uint8) {
		g, channels := int(groups%16)+1, (int(groups%16)+1)*(int(width%16)+1)
		rng := rand.New(rand.NewPCG(seed, 0))
		taps := randomTaps(rng, int(block%5)+1, int(samples%9), channels)
		cur, prev := normal(rng, taps.Map.Pixels()*channels), normal(rng, taps.Map.Pixels()*channels)
		want := make([]float64, int(samples%9)*taps.Block*taps.Block*g)
		naiveCorrelate(want, cur, prev, taps, g)
		for _, k := range implementations() {
			got := golden.Guard[float32](len(want), int(seed%8), 7)
			k.correlate(got.Slice, cur, prev, taps, g)
			golden.Within(t, string(k.name), widen(got.Slice), want, golden.Bound{Abs: 1e-5, Rel: 1e-5})
			same := make([]float32, len(want))
			generic.correlate(same, cur, prev, taps, g)
			golden.Within(t, string(k.name)+" as generic", got.Slice, same, golden.Bound{})
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
			same := make([]float32, points)
			generic.similarity(same, x, net)
			golden.Within(t, string(k.name)+" as generic", got, same, golden.Bound{})
		}
	})
}

// FuzzProject draws cameras of fuzzed motion.
func FuzzProject(f *testing.F) {
	f.Add(uint64(1), 0.5, 10.0)
	f.Fuzz(func(t *testing.T, seed uint64, shift, depth float64) {
		g, p := randomProjection(rand.New(rand.NewPCG(seed, 0)))
		p.Shift[2] = shift
		depths := []float64{depth, depth + 1, depth + 7}
		want := NewTaps(g, len(depths))
		projectGeneric(want, p, 0, 0, depths)
		for _, k := range implementations() {
			taps := NewTaps(g, len(depths))
			k.project(taps, p, 0, 0, depths)
			if sameTaps(t, string(k.name), taps, want); math.Abs(depth) < 1e6 && math.Abs(shift) < 1e6 {
				checkTaps(t, string(k.name), taps, p, 0, 0, depths)
			}
		}
	})
}
