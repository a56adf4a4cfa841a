//go:build goexperiment.simd

package isa

// sets are those of this build, best first.
var sets = []entry{{SIMD, []string{"asimd", vectors}}, {Generic, nil}}

// ClearUpper does nothing: these registers have no upper halves.
func ClearUpper() {}
