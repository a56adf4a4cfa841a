package nuscenes

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Kinds of findings.
const (
	Absent   = "absent"   // there is no such field or table
	Null     = "null"     // the field is null
	Dangling = "dangling" // the field's token is none of the table that it belongs to
	Repeated = "repeated" // the last one counts, as in nuscenes-devkit
	Unusable = "unusable" // of another type or out of range, as the first one's error says
	Replaced = "replaced" // something else stands for it, as the first one's error says
)

// Finding is one kind of fault in a data set that was passed over, because what
// was read does without it.
type Finding struct {
	Kind  string
	Count int
	First TableError // the first of them
}

// Name is what was found faulty: the table and the field, for example
// log.vehicle, or the table alone.
func (f *Finding) Name() string {
	name := strings.TrimSuffix(filepath.Base(f.First.File), ".json")
	if f.First.Field != "" {
		name += "." + f.First.Field
	}
	return name
}

// String says how many there are, and describes the first.
func (f *Finding) String() string {
	var b strings.Builder
	if f.First.Field == "" && f.Kind == Absent {
		return Absent // a table
	}
	fmt.Fprintf(&b, "%d %s", f.Count, f.Kind)
	separator := ", first "
	if f.Count == 1 {
		separator = ", "
	}
	if place := f.First.place(); place != "" {
		b.WriteString(separator + place)
	}
	if f.Kind != Absent && f.Kind != Null {
		fmt.Fprintf(&b, ": %v", f.First.Err)
	}
	return b.String()
}

// Findings are the kinds of faults in a data set that were passed over, in the
// order in which reading met them.
type Findings []*Finding

// add counts a fault.
func (f *Findings) add(kind string, e TableError) { f.merge(&Finding{kind, 1, e}) }

// merge adds other faults, which come later.
func (f *Findings) merge(others ...*Finding) {
	for _, other := range others {
		if same := f.same(other); same != nil {
			same.Count += other.Count
		} else {
			*f = append(*f, other)
		}
	}
}

func (f Findings) same(other *Finding) *Finding {
	for _, mine := range f {
		if mine.Kind == other.Kind && mine.First.Field == other.First.Field && mine.First.File == other.First.File {
			return mine
		}
	}
	return nil
}

// mostKinds is how many kinds a warning lists.
const mostKinds = 20

// Attrs returns the findings as the key-value pairs of one log record: what was
// found faulty, and how many times, with the first example.
func (f Findings) Attrs() (pairs []any) {
	for i, finding := range f {
		if i == mostKinds {
			return append(pairs, "more", fmt.Sprintf("%d kinds, which solofusion doctor lists", len(f)-i))
		}
		pairs = append(pairs, finding.Name(), finding.String())
	}
	return pairs
}
