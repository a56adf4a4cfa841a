//go:build !goexperiment.simd || !amd64

package kernel

var avx512 *Kernels
