//go:build !goexperiment.simd || !(amd64 || arm64)

package isa

// sets are those of this build.
var sets = []entry{{Generic, nil}}

// ClearUpper does nothing in a build without vectors.
func ClearUpper() {}
