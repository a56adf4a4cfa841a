// Package kernel has the loop that reaches a core's peak of floating-point
// arithmetic.
//
// MulAdd, chains of multiply-adds that do not depend on each other:
//
//	for range rounds {
//		for i := range x { x[i] = x[i]·a + b }
//	}
//
// Implementations keep several chains in registers and finish them before they take the
// next: as many as fill the processor's units while each waits for its last result.
// Bounded: an implementation may fuse. If |a| < 1 each round's rounding shrinks with the
// next, and implementations agree to 1e-6 of the largest. NaN and infinities propagate.
//
// There is none in simd/archsimd: portable vectors are as long, and as fast.
package kernel
