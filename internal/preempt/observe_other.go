//go:build !(goexperiment.simd && amd64)

package preempt

// Exposed reports whether the runtime of this build saves more than the lower
// halves of vector registers on this machine: it never does.
func Exposed() bool { return false }

// Observe returns zero, since nothing is exposed.
func Observe() Cost { return Cost{} }
