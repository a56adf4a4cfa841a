// Package tensor holds dense arrays in C order: the last axis is contiguous.
//
//	t := tensor.New[float32](6, 3, 128, 352) // N C H W, zeroed
//	t.Data[0] = 1
//
// Shapes are fixed at construction. Disagreeing shapes between the project's
// own packages are programming errors, so MustShape panics.
package tensor

import (
	"fmt"
	"slices"
)

// Elem is an element type that the networks take or give.
type Elem interface {
	~float32 | ~float64 | ~uint8 | ~int8 | ~int32 | ~int64
}

// Dense is an array of the given shape over one contiguous slice.
type Dense[T Elem] struct {
	Shape []int
	Data  []T
}

// F32 is the type of activations.
type F32 = Dense[float32]

// U8 is the type of quantised activations.
type U8 = Dense[uint8]

// New returns a zeroed array of the given shape.
func New[T Elem](shape ...int) *Dense[T] {
	return &Dense[T]{Shape: slices.Clone(shape), Data: make([]T, Size(shape))}
}

// From returns an array of the given shape over data, which it aliases. It
// panics if the lengths disagree.
func From[T Elem](data []T, shape ...int) *Dense[T] {
	t := &Dense[T]{Shape: slices.Clone(shape), Data: data}
	if n := Size(shape); n != len(data) {
		panic(fmt.Sprintf("tensor: %d elements for shape %v, which has %d", len(data), shape, n))
	}
	return t
}

// Size returns the number of elements of shape.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// MustShape panics unless t has the given shape; name is for the message.
func (t *Dense[T]) MustShape(name string, shape ...int) {
	if !slices.Equal(t.Shape, shape) {
		panic(fmt.Sprintf("tensor: %s has shape %v, want %v", name, t.Shape, slices.Clone(shape))) // a copy, so that shape stays on the caller's stack
	}
}
