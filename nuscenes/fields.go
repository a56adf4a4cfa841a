package nuscenes

import "github.com/solofusion/solofusion/nuscenes/internal/pull"

// field reads one field of an object into a value of type T, or, if wanted is set
// in place of read, decides whether the object as a whole is left out.
type field[T any] struct {
	name     string
	read     func(r *pull.Reader, value *T)
	wanted   func(r *pull.Reader, value *T) bool
	optional bool // an object may lack it
}

// fields are those that are read of an object, 32 at most; others are skipped.
type fields[T any] []field[T]

// read reads an object, which has each field once. It returns whether the object
// is wanted. If the reader has failed, where is the name of the field that it
// came to.
func (fs fields[T]) read(r *pull.Reader, value *T) (keep bool, where string) {
	seen, next := uint32(0), 0
	keep = true
	for key := range r.Object() {
		where = key
		i := -1
		if keep {
			i = fs.find(key, next)
		}
		switch {
		case i < 0:
			r.Skip()
			continue
		case seen&(1<<i) != 0:
			r.Fail("occurs twice")
		case fs[i].wanted != nil:
			keep = fs[i].wanted(r, value)
		default:
			fs[i].read(r, value)
		}
		seen |= 1 << i
		next = i + 1
	}
	if !keep || r.Err() != nil {
		return false, where
	}
	if where = fs.lacking(seen); where != "" {
		r.Fail("is missing")
	}
	return true, where
}

// lacking returns the name of the first field that was not seen and should have
// been, "" if there is none.
func (fs fields[T]) lacking(seen uint32) string {
	for i := range fs {
		if seen&(1<<i) == 0 && !fs[i].optional {
			return fs[i].name
		}
	}
	return ""
}

// find returns the position of a field or -1. It looks at position guess
// first: objects list their fields in the same order.
func (fs fields[T]) find(name string, guess int) int {
	if guess < len(fs) && fs[guess].name == name {
		return guess
	}
	for i := range fs {
		if fs[i].name == name {
			return i
		}
	}
	return -1
}
