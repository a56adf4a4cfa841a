package history

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/tensor"
)

// precision is the largest error of one rounding, of the largest magnitude of a channel.
var precision = [...]float64{Float32: 1e-6, BFloat16: 1.0 / 256, Int8: 0.5 / levels * 1.01}

// TestStorageErrors: a slot of the stack is off by at most what its plane's roundings can
// do, one in direct mode and one for each frame in recursive mode. The current frame's is
// exact.
func TestStorageErrors(t *testing.T) {
	everyWay(func(name string, c Config, set isa.Set) {
		rng := rand.New(rand.NewPCG(8, 9))
		exact := c
		exact.Storage = Float32
		w := randomWeights(rng, c.Channels)
		with := compute.Resources{Kernels: set}
		r, want := mustNewWith(t, c, w, with), mustNewWith(t, exact, w, with)
		got, truth := tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels), tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)
		worst := 0.0
		for i, f := range journey(rng, &c, 9) {
			r.Step(f, Stack{F32: got})
			want.Step(f, Stack{F32: truth})
			for at, v := range got.Data {
				slot := at / c.Channels % (c.Frames + 1)
				off := math.Abs(float64(v - truth.Data[at]))
				worst = max(worst, off)
				roundings := float64(min(slot, 1))
				if c.Mode == Recursive {
					roundings = float64(slot)
				}
				if allowed := 1e-6 + roundings*precision[c.Storage]*largestOf(want); off > allowed {
					t.Fatalf("%s: frame %d, slot %d: %v, want %v within %v", name, i, slot, v, truth.Data[at], allowed)
				}
			}
		}
		if c.Storage != Float32 && worst == 0 {
			t.Errorf("%s: nothing is rounded", name)
		}
	})
}

// largestOf returns the largest magnitude of all planes.
func largestOf(m *memory) (most float64) {
	for _, p := range m.ring.planes {
		for _, v := range p.projected.f32 {
			most = max(most, math.Abs(float64(v)))
		}
	}
	return most
}

// TestSavedRingGoesOn: a ring that was saved and loaded gives the same bytes.
func TestSavedRingGoesOn(t *testing.T) {
	everyWay(func(name string, c Config, set isa.Set) {
		rng := rand.New(rand.NewPCG(8, 10))
		r := mustNewWith(t, c, randomWeights(rng, c.Channels), compute.Resources{Kernels: set})
		frames := journey(rng, &c, 5)
		stack := func() Stack {
			return Stack{F32: tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)}
		}
		for _, f := range frames[:4] {
			r.Step(f, stack())
		}
		var saved bytes.Buffer
		if err := r.ring.Save(&saved); err != nil {
			t.Fatal(err)
		}
		loaded := r.NewRing()
		if err := loaded.Load(&saved, c.Frames); err != nil || saved.Len() > 0 {
			t.Fatalf("%s: %v, %d bytes are left", name, err, saved.Len())
		}
		want, got := stack(), stack()
		r.Step(frames[4], want)
		r.ring = loaded
		r.Step(frames[4], got)
		if !slices.Equal(got.F32.Data, want.F32.Data) {
			t.Errorf("%s: another stack after loading", name)
		}
	})
}

// TestStillPlaneStaysAsItIs: without motion what is packed is not rounded again.
func TestStillPlaneStaysAsItIs(t *testing.T) {
	everyWay(func(name string, c Config, set isa.Set) {
		rng := rand.New(rand.NewPCG(8, 11))
		r := mustNewWith(t, c, randomWeights(rng, c.Channels), compute.Resources{Kernels: set})
		still := journey(rng, &c, 1)[0].GlobalFromGrid
		stack := Stack{F32: tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)}
		var first string
		for i := range 3 {
			f := shot{Frame{Feature: randomPlane(rng, &c), GlobalFromGrid: still, Time: second(i)}, i == 0}
			r.Step(f, stack)
			oldest := r.ring.planes[r.ring.Len()-1].projected
			if i == 0 {
				first = fmt.Sprint(oldest)
			} else if now := fmt.Sprint(oldest); now != first {
				t.Fatalf("%s: frame %d: %s, was %s", name, i, now, first)
			}
		}
	})
}
