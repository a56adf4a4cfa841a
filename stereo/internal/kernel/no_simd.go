//go:build !goexperiment.simd

package kernel

var portable *Kernels
