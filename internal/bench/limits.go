package bench

import (
	"math"
	"runtime/debug"
	"time"

	"github.com/solofusion/solofusion/internal/bench/internal/kernel"
	"github.com/solofusion/solofusion/internal/compute"
)

// The limits that can bind a stage.
const (
	Copy = "copy" // of memory
	FMA  = "fma"  // of arithmetic
)

// Rate is what a second brings on one core, and on all threads of the pool.
type Rate struct {
	One float64 `json:"one_core"`
	All float64 `json:"all_threads"`
}

// Limits are what the machine can do at most.
type Limits struct {
	// Copy is of memory copied between arrays too large for the caches, bytes a second:
	// those read and those written. What a processor reads before it writes
	// is not counted.
	Copy Rate `json:"copy_bytes_per_s"`
	// FMA is of multiplications and additions of float32 in the vectors of the kernel
	// set, each counted by itself, operations a second.
	FMA Rate `json:"fma_flop_per_s"`
}

// Effort is how much is spent on measuring limits.
type Effort struct {
	Array int           // bytes of each array that is copied
	Span  time.Duration // for each limit
}

// Thorough returns what it takes to measure them well: arrays of twice the last cache.
func Thorough() Effort { return Effort{Array: copiedBytes(), Span: 300 * time.Millisecond} }

// Quick returns what it takes to have some numbers.
func Quick() Effort { return Effort{Array: block, Span: time.Millisecond} }

// MeasureLimits measures the limits of the kernels' vectors and the pool: the best of
// several tries, since other programs only slow a try down.
func MeasureLimits(with compute.Resources, e Effort) Limits {
	alone := compute.Resources{Kernels: with.Kernels}
	c, m := newCopier(e.Array), newMultiplier(with)
	defer debug.FreeOSMemory() // the arrays are larger than all that is measured later
	return Limits{
		Copy: Rate{One: c.rate(alone, e.Span), All: c.rate(with, e.Span)},
		FMA:  Rate{One: m.rate(alone, e.Span), All: m.rate(with, e.Span)},
	}
}

// best returns the largest amount a second of several tries, three at least.
func best(amount float64, span time.Duration, try func()) float64 {
	fastest := math.Inf(1)
	for i, began := 0, time.Now(); i < 3 || time.Since(began) < span; i++ {
		start := time.Now()
		try()
		fastest = min(fastest, time.Since(start).Seconds())
	}
	return amount / fastest
}

// copier copies one array to another.
type copier struct {
	dst, src []byte
	part     func(i int)
}

// block is a part of a copy, so large that a copy writes past the caches.
const block = 4 << 20

func newCopier(size int) *copier {
	size = max(1, size/block) * block
	c := &copier{dst: make([]byte, size), src: make([]byte, size)}
	for i := 0; i < size; i += 512 { // memory that was never written to is not there
		c.dst[i], c.src[i] = 1, 1
	}
	c.part = func(i int) { copy(c.dst[i*block:][:block], c.src[i*block:][:block]) }
	return c
}

func (c *copier) rate(with compute.Resources, span time.Duration) float64 {
	return best(float64(2*len(c.src)), span, func() { with.Run(len(c.src)/block, c.part) })
}

// multiplier runs chains of multiply-adds.
type multiplier struct {
	parts int
	part  func(i int)
}

// A part's chains fill the vectors of any length, and its rounds take some
// tens of microseconds or more.
const (
	chains = 12 * 16
	rounds = 10_000
)

func newMultiplier(with compute.Resources) *multiplier {
	k, _ := kernel.Table.Take(with.Kernels)
	m := &multiplier{parts: 64}
	x := make([]float32, m.parts*chains)
	m.part = func(i int) { k.MulAdd(x[i*chains:][:chains], 0.5, 1, rounds) }
	return m
}

func (m *multiplier) rate(with compute.Resources, span time.Duration) float64 {
	return best(float64(2*m.parts*chains*rounds), span, func() { with.Run(m.parts, m.part) })
}
