package prefetch

import "unsafe"

// The second-level cache is asked for: the first is too small for what is asked for.
//
//go:noescape
func read(first unsafe.Pointer, bytes int)

//go:noescape
func write(first unsafe.Pointer, bytes int)
