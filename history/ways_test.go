package history

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/history/internal/kernel"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// everyWay calls test for every kernel set, mode and storage.
func everyWay(test func(name string, c Config, set isa.Set)) {
	for set := range golden.Runnable(kernel.Table) {
		for mode := range modes {
			for storage := range storages {
				c := toy
				c.Mode, c.Storage = Mode(mode), Storage(storage)
				test(fmt.Sprintf("%s, %v, %v", set, c.Mode, c.Storage), c, set)
			}
		}
	}
}

func TestStepIsTheSameForAnyNumberOfGoroutines(t *testing.T) {
	everyWay(func(name string, c Config, set isa.Set) {
		run := func(pool *parallel.Pool) []uint8 {
			rng := rand.New(rand.NewPCG(8, 5))
			r := mustNewWith(t, c, randomWeights(rng, toy.Channels), compute.Resources{Kernels: set, Pool: pool})
			stack := Stack{U8: tensor.New[uint8](1, toy.height(), toy.width(), (toy.Frames+1)*toy.Channels), Scales: []float32{0.01}}
			var all []uint8
			for _, f := range journey(rng, &toy, 8) {
				r.Step(f, stack)
				all = append(all, stack.U8.Data...)
			}
			return all
		}
		want := run(nil)
		for _, n := range []int{2, 3, 8} {
			pool := parallel.New(n)
			golden.Within(t, fmt.Sprintf("%s, %d goroutines", name, n), run(pool), want, golden.Bound{})
			pool.Close()
		}
	})
}

// TestSlotsOfAPass: how many slots are written together makes no difference.
func TestSlotsOfAPass(t *testing.T) {
	everyWay(func(name string, c Config, set isa.Set) {
		c.KeepFeatures = true
		run := func(passSlots int) (all []float32) {
			rng := rand.New(rand.NewPCG(8, 9))
			r := mustNewWith(t, c, randomWeights(rng, toy.Channels), compute.Resources{Kernels: set})
			r.passSlots = passSlots
			stack := Stack{F32: tensor.New[float32](1, toy.height(), toy.width(), (toy.Frames+1)*toy.Channels)}
			for _, f := range journey(rng, &toy, 8) {
				r.Step(f, stack)
				all = append(append(all, stack.F32.Data...), r.Features().Data...)
			}
			return all
		}
		want := run(1)
		for n := 2; n <= toy.Frames+1; n++ {
			golden.Within(t, fmt.Sprintf("%s, %d slots", name, n), run(n), want, golden.Bound{})
		}
	})
}

func TestStepDoesNotAllocate(t *testing.T) {
	pool := parallel.New(2)
	defer pool.Close()
	everyWay(func(name string, c Config, set isa.Set) {
		rng := rand.New(rand.NewPCG(8, 6))
		c.KeepFeatures = true
		r := mustNewWith(t, c, randomWeights(rng, c.Channels), compute.Resources{Kernels: set, Pool: pool})
		frames := journey(rng, &c, 17)
		stack := Stack{U8: tensor.New[uint8](1, c.height(), c.width(), (c.Frames+1)*c.Channels), Scales: []float32{0.01}}
		i := 0
		for ; i < 5; i++ { // the ring grows
			r.Step(frames[i], stack)
		}
		if n := testing.AllocsPerRun(10, func() { r.Step(frames[i], stack); i++ }); n != 0 {
			t.Errorf("%s: %v allocations a step", name, n)
		}
	})
}
