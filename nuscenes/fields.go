package nuscenes

import (
	"slices"

	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// field reads one field of an object into a value of type T, or, if wanted is set
// in place of read, decides whether the object as a whole is left out.
type field[T any] struct {
	name     string
	read     func(r *pull.Reader, value *T)
	wanted   func(r *pull.Reader, value *T) bool
	optional bool // an object may lack it
	need     use  // what cannot do without it
	link     bool // it holds a token of another table
}

// fields are those that are read of an object, 32 at most; others are skipped.
type fields[T any] []field[T]

// passed is a field of an object that cannot be used, or occurs twice.
type passed struct {
	field         int // position among the fields
	kind, problem string
}

// read reads an object, which has each field once. It returns whether the object
// is wanted. If the reader has failed, where is the name of the field that it
// came to.
func (fs fields[T]) read(r *pull.Reader, value *T) (keep bool, where string) {
	keep, where, all := fs.members(r, value, nil)
	if !keep || r.Failed() {
		return false, where
	}
	for i := range fs.lacking(all) {
		r.Fail("is missing")
		return true, fs[i].name
	}
	return true, ""
}

// tolerate is read for an object whose fields may be absent, repeated or not
// usable, which is put down in over. Such a field leaves its value as it is,
// or partly read. An object is not wanted if the field that decides it is
// not usable. The reader fails only if the text is no JSON object.
func (fs fields[T]) tolerate(r *pull.Reader, value *T, over *[]passed) (keep bool, where string) {
	keep, where, all := fs.members(r, value, over)
	if !keep || r.Failed() {
		return false, where
	}
	for i := range fs.lacking(all) {
		*over = append(*over, passed{i, Absent, "is missing"})
		keep = keep && fs[i].wanted == nil
	}
	return keep, where
}

// members reads an object's members; all has a bit for each field that was there.
// Without over nothing is tolerated.
func (fs fields[T]) members(r *pull.Reader, value *T, over *[]passed) (keep bool, where string, all uint32) {
	next, unwanted := 0, -1
	for key := range r.Object() {
		where = key
		i := unwanted
		if unwanted < 0 {
			i = fs.find(key, next)
		} else if fs[i].name != key {
			i = -1
		}
		if i < 0 {
			r.Skip()
			continue
		}
		if all&(1<<i) != 0 {
			fs.again(r, i, over)
		}
		unwanted = -1
		if !fs.value(r, i, value, over) {
			unwanted = i
		}
		all |= 1 << i
		next = i + 1
	}
	return unwanted < 0, where, all
}

// again takes note of a second value of a field. The last one counts, as in Python.
func (fs fields[T]) again(r *pull.Reader, i int, over *[]passed) {
	if over == nil {
		r.Fail("occurs twice")
		return
	}
	*over = slices.DeleteFunc(*over, func(p passed) bool { return p.field == i })
	*over = append(*over, passed{i, Repeated, "occurs twice in the row"})
}

// value reads the value of a field, and reports whether the object is wanted.
func (fs fields[T]) value(r *pull.Reader, i int, value *T, over *[]passed) (keep bool) {
	mark := r.Mark()
	if fs[i].wanted != nil {
		keep = fs[i].wanted(r, value)
	} else {
		fs[i].read(r, value)
		keep = true
	}
	if !r.Failed() || over == nil {
		return keep
	}
	if text, problem := r.Recover(mark); !r.Failed() {
		*over = append(*over, passed{i, fs[i].kind(text), problem})
	}
	return fs[i].wanted == nil
}

// kind returns what kind of fault a value is that the field cannot use.
func (f *field[T]) kind(value string) string {
	switch {
	case value == "null":
		return Null
	case f.link && value[0] != '{' && value[0] != '[' && value[0] != 't' && value[0] != 'f':
		return Dangling
	}
	return Unusable
}

// lacking iterates over the fields that were not seen and should have been.
func (fs fields[T]) lacking(seen uint32) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range fs {
			if seen&(1<<i) == 0 && !fs[i].optional && !yield(i) {
				return
			}
		}
	}
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
