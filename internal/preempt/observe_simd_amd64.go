//go:build goexperiment.simd

package preempt

import (
	"runtime"
	"simd/archsimd"
	"sync"
	"time"
)

// Exposed reports whether the runtime of this build saves more than the lower
// halves of vector registers on this machine.
func Exposed() bool { return archsimd.X86.AVX2() }

const (
	mostRounds  = 8
	shortLoops  = 4                     // in each minimum
	shortPasses = 64                    // of a short loop, which takes about 0.1 ms
	longLoop    = 10 * time.Millisecond // after which the runtime always interrupts
)

// Observe runs scalar loops on a thread of its own, has the runtime interrupt
// them, and times them. It takes about 0.1 s, and up to three times that if
// scalar code is slow after an interruption. If the processor does not report
// which registers are in use, nothing is run and the cost is zero.
func Observe() Cost {
	if !Exposed() || !tellsUse() {
		return Cost{}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer interrupt()()

	var p polynomial
	passes := shortPasses * int(1+longLoop/max(p.clean(), 1))
	var cost Cost
	for cost.Loops < mostRounds && cost.Interrupted < enough {
		cost.add(p.round(passes))
	}
	return cost
}

// interrupt stops the world every half millisecond, for which the runtime
// interrupts what runs, until the function that it returns is called.
func interrupt() (stop func()) {
	var done sync.WaitGroup
	quit := make(chan struct{})
	done.Go(func() {
		tick := time.NewTicker(time.Millisecond / 2)
		defer tick.Stop()
		var m runtime.MemStats
		for {
			select {
			case <-tick.C:
				runtime.ReadMemStats(&m)
			case <-quit:
				return
			}
		}
	})
	return func() { close(quit); done.Wait() }
}

// polynomial is the scalar loop: its elements do not depend on each other, but
// with upper halves in use each instruction waits for the register's last
// value, so that they do.
type polynomial struct{ x, y [1024]float64 }

func (p *polynomial) round(passes int) round {
	r := round{clean: p.clean()}
	archsimd.ClearAVXUpperBits()
	p.evaluate(passes)
	r.inUse = upperHalvesInUse()
	r.after = p.shortest(func() {})
	return r
}

func (p *polynomial) clean() time.Duration { return p.shortest(archsimd.ClearAVXUpperBits) }

func (p *polynomial) shortest(before func()) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range shortLoops {
		before()
		start := time.Now()
		p.evaluate(shortPasses)
		best = min(best, time.Since(start))
	}
	return best
}

// evaluate calls nothing, so that only a signal can interrupt it. The
// conversions forbid fused operations, which do not touch the upper halves.
//
//go:noinline
func (p *polynomial) evaluate(passes int) {
	for range passes {
		for i, x := range &p.x {
			y := float64(x*0.125) + 0.25
			y = float64(y*x) + 0.5
			p.y[i] = float64(y*x) + 1
		}
	}
}

// Components of the processor's state, as XGETBV numbers them.
const (
	upperY = 1 << 2 // bits 128 to 255 of registers 0 to 15
	upperZ = 1 << 6 // bits 256 to 511 of registers 0 to 15
)

// upperHalvesInUse reports whether the upper halves of this thread's registers
// 0 to 15 are in use; scalar code has no others.
func upperHalvesInUse() bool { return componentsInUse()&(upperY|upperZ) != 0 }

// tellsUse reports whether the processor has XGETBV for componentsInUse. It
// must have CPUID's leaf 13, as all with AVX do.
func tellsUse() bool

// componentsInUse returns XINUSE: the components of this thread's state that
// are not in their initial configuration. Intel SDM volume 1, section 13.6.
func componentsInUse() uint32
