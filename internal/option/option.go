// Package option states the defaults and the ranges of a package's options once, so
// that the package and the configuration share them.
//
//	func Defaults() Options { return Options{Spread: 60 * time.Millisecond, Pending: 8} }
//
//	func (o Options) Bounds() []option.Bound {
//		return []option.Bound{option.Between("spread", o.Spread, time.Millisecond, 10*time.Second), option.Within("pending", o.Pending, 1, 1024)}
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

// Bound is the range of one option, and whether its value is in it.
type Bound struct {
	Name string // of the option, as in the configuration
	OK   bool   // whether the value is in the range
	Want string // what would be right
	Got  any    // the value, for errors; nil if it is not to be shown
}

// Positive is the bound of a duration above zero.
func Positive(name string, d time.Duration) Bound {
	return Bound{name, d > 0, "a duration above zero", d}
}

// Between is the bound of a duration from low to high.
func Between(name string, d, low, high time.Duration) Bound {
	return Bound{name, low <= d && d <= high, "a duration from " + short(low) + " to " + short(high), d}
}

// short writes a duration without units that are zero: 1m, not 1m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
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

// Fill returns the struct o with its zero fields set to those of defaults. Unexported
// fields stay zero.
func Fill[T any](o, defaults T) T {
	to, from := reflect.ValueOf(&o).Elem(), reflect.ValueOf(defaults)
	for i := range to.NumField() {
		if f := to.Field(i); f.CanSet() && f.IsZero() {
			f.Set(from.Field(i))
		}
	}
	return o
}

// Check returns an error for the first option out of range, nil if there is none.
// The error begins with word, the package's name.
func Check(word string, bounds []Bound) error {
	for _, b := range bounds {
		if !b.OK {
			return fmt.Errorf("%s: option %s is %v, want %s", word, b.Name, b.Got, b.Want)
		}
	}
	return nil
}
