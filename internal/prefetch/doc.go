// Package prefetch asks for memory that will soon be read or written, so that it is in the
// core's cache by then. Processors do that by themselves where a loop goes through memory in
// a few places; it is for loops that go through many. It changes no result, and does nothing
// on processors other than amd64.
package prefetch

import "unsafe"

// Read asks for values that will be read.
func Read[T any](x []T) {
	if len(x) > 0 {
		read(unsafe.Pointer(unsafe.SliceData(x)), len(x)*int(unsafe.Sizeof(x[0])))
	}
}

// Write asks for values that will be written.
func Write[T any](x []T) {
	if len(x) > 0 {
		write(unsafe.Pointer(unsafe.SliceData(x)), len(x)*int(unsafe.Sizeof(x[0])))
	}
}
