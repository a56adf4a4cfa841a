// Package isa chooses which implementation of the kernels a process uses.
//
// Every kernel has a generic implementation in plain Go, which is its
// specification. A [Set] names a family of implementations, the same name for
// all kernels, so that one name tells what a result was computed with:
//
//	set, err := isa.Choose(isa.Auto, isa.Detect())
//	kernels := kernel.Table.Take(set) // what this folder has for that set
//
// The sets are ordered: [AVX512], [SIMD], [Generic], as far as a build has them.
// A kernel folder need not have an implementation for each: [Table.Take] gives the
// best one that is not above the chosen set, and its name.
//
// A function that has used vectors calls [ClearUpper] before it returns, and does no
// scalar floating-point arithmetic before that call (docs/adr/0009-preemption.md).
//
// Two variables of the environment: SOLOFUSION_KERNELS chooses the set, "auto"
// or nothing being the best one that this build and this machine have.
// SOLOFUSION_REQUIRE_KERNELS names the set without which the program must not
// start, for benchmarks and continuous integration.
package isa

import (
	"fmt"
	"slices"
	"strings"
)

// Variables of the environment.
const (
	Variable        = "SOLOFUSION_KERNELS"         // chooses the kernels
	RequireVariable = "SOLOFUSION_REQUIRE_KERNELS" // fails if another set is chosen
)

// Auto asks for the best set.
const Auto = "auto"

// Set is a family of kernel implementations. The zero value is [Generic].
type Set string

const (
	Generic Set = "generic" // plain Go
	SIMD    Set = "simd"    // portable vectors, of [VectorBits] bits
	AVX512  Set = "avx512"  // as of Intel's Ice Lake and AMD's Zen 4
)

// entry is a set with the features it needs.
type entry struct {
	name  Set
	needs []string
}

// Sets returns the names of this build's sets, best first.
func Sets() []Set {
	names := make([]Set, len(sets))
	for i, s := range sets {
		names[i] = s.name
	}
	return names
}

// Choose returns the set that was asked for: "" and [Auto] take the best that
// the features allow. It returns an error for a name that is no set, and for a
// set that needs a feature which is not there.
func Choose(asked string, features Features) (Set, error) {
	return choose(asked, features, sets)
}

func choose(asked string, features Features, sets []entry) (Set, error) {
	names := []string{Auto}
	for _, s := range sets {
		missing := features.missing(s.needs)
		switch {
		case asked == string(s.name) && len(missing) > 0:
			return "", fmt.Errorf("isa: %s=%s needs %s, which this machine lacks", Variable, asked, strings.Join(missing, ", "))
		case asked == string(s.name), (asked == "" || asked == Auto) && len(missing) == 0:
			return s.name, nil
		}
		names = append(names, string(s.name))
	}
	return "", fmt.Errorf("isa: %s is %q, want one of %s", Variable, asked, strings.Join(names, ", "))
}

// Require returns an error if required names another set than the chosen one;
// "" requires nothing.
func Require(required string, chosen Set) error {
	if required == "" || required == string(chosen) {
		return nil
	}
	return fmt.Errorf("isa: %s is %q, but the kernels are %s: want a build and a machine that have %s, or another %s",
		RequireVariable, required, chosen, required, Variable)
}

// Table is the implementations of one kernel folder: K is its struct of
// functions. It has an entry for [Generic].
type Table[K any] map[Set]K

// NewTable returns a folder's table. Implementations that the build or the folder
// lacks are nil.
func NewTable[K any](generic K, simd, avx512 *K) Table[K] {
	t := Table[K]{Generic: generic}
	if simd != nil {
		t[SIMD] = *simd
	}
	if avx512 != nil {
		t[AVX512] = *avx512
	}
	return t
}

// Take returns the implementation for a set: the set's own or, if the folder
// has none, that of the next lower set; and the name of the set that it is of.
// It panics if the set is unknown: [Choose] gives known ones.
func (t Table[K]) Take(set Set) (K, Set) { return take(t, set, Sets()) }

func take[K any](t Table[K], set Set, order []Set) (K, Set) {
	if set == "" {
		set = Generic
	}
	from := slices.Index(order, set)
	if from < 0 {
		panic(fmt.Sprintf("isa: no kernel set %q", set))
	}
	for _, s := range order[from:] {
		if k, ok := t[s]; ok {
			return k, s
		}
	}
	panic("isa: a kernel folder without a generic implementation")
}

// Features are the names of the vector extensions that a machine has, sorted.
type Features []string

// missing returns those of needs that f lacks.
func (f Features) missing(needs []string) []string {
	var missing []string
	for _, n := range needs {
		if !slices.Contains(f, n) {
			missing = append(missing, n)
		}
	}
	return missing
}

// String returns the names with spaces between them, "none" if there are none.
func (f Features) String() string {
	if len(f) == 0 {
		return "none"
	}
	return strings.Join(f, " ")
}
