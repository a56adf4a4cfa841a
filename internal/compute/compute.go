// Package compute is what a stage computes with: the kernels that were chosen
// and the goroutines that run its parts. Every stage's constructor takes it as
// one value.
//
//	with := compute.Resources{Kernels: set, Pool: pool}
//	matcher, err := stereo.New(config, weights, with)
package compute

import (
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
)

// Resources are shared by all stages of a process. The zero value runs the
// specification on the caller's goroutine.
type Resources struct {
	Kernels isa.Set
	Pool    *parallel.Pool // may be nil; not closed by those who are given it
}

// Run calls part(i) for each i in [0, n), spread over the pool, and returns when
// all are done.
func (r Resources) Run(n int, part func(i int)) { r.Pool.Run(n, part) }
