// Package option states the defaults and the ranges of a package's options where
// they belong, so that the package, the configuration and its checks share them.
//
//	func Defaults() Options { return Options{Spread: 60 * time.Millisecond, Pending: 8} }
//
//	func (o Options) Bounds() []option.Bound {
//		return []option.Bound{option.Positive("spread", o.Spread), option.Within("pending", o.Pending, 1, 1024)}
//	}
//
//	o = option.Fill(o, Defaults()) // fields that are zero
package option

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Bound is what one option's value must satisfy.
type Bound struct {
	Name string // of the option, as the configuration has it
	OK   bool   // whether the value does
	Want string // what would be right
	Got  any    // the value, for errors; nil if it is not to be shown
}

// Positive is the bound of a duration above zero.
func Positive(name string, d time.Duration) Bound {
	return Bound{name, d > 0, "a duration above zero", d}
}

// Within is the bound of a number from low to high.
func Within(name string, n, low, high int) Bound {
	return Bound{name, low <= n && n <= high, fmt.Sprintf("%d to %d", low, high), n}
}

// OneOf is the bound of a text that is one of some names.
func OneOf(name, text string, names ...string) Bound {
	last := len(names) - 1
	return Bound{name, slices.Contains(names, text), strings.Join(names[:last], ", ") + " or " + names[last], text}
}

// Fill returns the struct o with the fields that are zero taken from defaults.
func Fill[T any](o, defaults T) T {
	to, from := reflect.ValueOf(&o).Elem(), reflect.ValueOf(defaults)
	for i := range to.NumField() {
		if f := to.Field(i); f.CanSet() && f.IsZero() {
			f.Set(from.Field(i))
		}
	}
	return o
}

// Check returns an error that names the first option out of bounds, nil if there
// is none. word is the package's.
func Check(word string, bounds []Bound) error {
	for _, b := range bounds {
		if !b.OK {
			return fmt.Errorf("%s: option %s is %v, want %s", word, b.Name, b.Got, b.Want)
		}
	}
	return nil
}
