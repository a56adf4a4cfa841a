package golden

import (
	"testing"
)

// guardWords is how many elements lie on each side of a guarded slice: more
// than the widest vector store.
const guardWords = 64

// Guarded is a slice with guard words around it, to catch stores outside.
type Guarded[T comparable] struct {
	Slice []T // of capacity len(Slice)
	whole []T
	value T
}

// Guard returns a zeroed slice of n elements, offset elements past the start
// of its allocation's guard, between words that hold value.
func Guard[T comparable](n, offset int, value T) Guarded[T] {
	whole := make([]T, guardWords+offset+n+guardWords)
	for i := range whole {
		whole[i] = value
	}
	lo := guardWords + offset
	s := whole[lo : lo+n : lo+n]
	clear(s)
	return Guarded[T]{Slice: s, whole: whole, value: value}
}

// Check fails the test if a guard word has changed.
func (g Guarded[T]) Check(t testing.TB, name string) {
	t.Helper()
	lo := len(g.whole) - guardWords - len(g.Slice)
	for i, v := range g.whole {
		if (i < lo || i >= lo+len(g.Slice)) && v != g.value {
			t.Errorf("%s: guard word at %d of a slice of %d is %v, want %v", name, i-lo, len(g.Slice), v, g.value)
			return
		}
	}
}
