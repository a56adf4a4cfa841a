//go:build !(goexperiment.simd && amd64)

package preempt

// Exposed reports whether the runtime of this build saves more than the lower
// halves of vector registers on this machine: it never does.
func Exposed() bool { return false }

// Observe has nothing to see where nothing is exposed, and returns zero.
func Observe() Cost { return Cost{} }
