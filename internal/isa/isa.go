// Package isa chooses which implementation of the kernels a process uses.
//
// Every kernel has a generic implementation in plain Go, which is its
// specification. A [Set] names the family of implementations to take, the same
// for all kernels, so that one word says what a result was computed with:
//
//	set, err := isa.Choose(os.Getenv(isa.Variable), isa.Detect())
//	slog.Info("kernels", "set", set)
//
// SOLOFUSION_KERNELS is the kill-switch: "generic" takes the specification,
// the name of another set requires that set, "auto" or nothing takes the best
// one that this build and this machine have.
package isa

import (
	"fmt"
	"slices"
	"strings"
)

// Variable names the environment variable that chooses the kernels.
const Variable = "SOLOFUSION_KERNELS"

// Auto asks for the best set.
const Auto = "auto"

// Set is a family of kernel implementations.
type Set string

// Generic is plain Go.
const Generic Set = "generic"

// entry is a set with the features it needs.
type entry struct {
	name  Set
	needs []string
}

// sets are those of this build, best first.
var sets = [...]entry{
	{Generic, nil},
}

// Choose returns the set that was asked for: "" and [Auto] take the best that
// the features allow. It returns an error for a name that is no set, and for a
// set that needs a feature which is not there.
func Choose(asked string, features Features) (Set, error) {
	return choose(asked, features, sets[:])
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

// String returns the names with spaces between them, "none" where there are none.
func (f Features) String() string {
	if len(f) == 0 {
		return "none"
	}
	return strings.Join(f, " ")
}
