package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// edge is an import: the file of the package from imports to. Names of this
// module's packages are relative to it.
type edge struct{ from, file, to string }

// faults returns what is wrong with the edges, one line each: the file, the
// import, and the rule it breaks.
func faults(edges []edge) []string {
	var list []string
	for _, e := range edges {
		for _, fault := range []string{layerFault(e), testingFault(e), reservedFault(e), confinedFault(e)} {
			if fault != "" {
				list = append(list, fmt.Sprintf("%s imports %s: %s", e.file, e.to, fault))
			}
		}
	}
	return list
}

// unplaced returns those packages that are not in the table.
func unplaced(packages []string) []string {
	return slices.DeleteFunc(slices.Clone(packages), func(name string) bool {
		_, ok := layer(name)
		return ok || slices.Contains(testSupport, name)
	})
}

func layerFault(e edge) string {
	from, ok := layer(e.from)
	to, local := layer(e.to)
	if !ok || !local || owner(e.from) == owner(e.to) || from < to {
		return ""
	}
	return fmt.Sprintf("imports go downward, and %s is not below %s in the table", owner(e.to), owner(e.from))
}

func testingFault(e edge) string {
	if slices.Contains(testSupport, e.to) && !slices.Contains(testSupport, e.from) {
		return "it is for test files only"
	}
	return ""
}

func reservedFault(e edge) string {
	for _, r := range reserved {
		if under(e.to, r.prefix) && !slices.Contains(r.may, owner(e.from)) && !slices.Contains(testSupport, e.from) {
			return r.why
		}
	}
	return ""
}

func confinedFault(e edge) string {
	if _, local := layer(e.to); !local || owner(e.from) == owner(e.to) {
		return ""
	}
	for _, c := range confined {
		if owner(e.from) == c.name && !slices.Contains(c.may, e.to) {
			return c.why
		}
	}
	return ""
}

// layer returns a package's index in the table; false if it has none.
func layer(name string) (int, bool) {
	name = owner(name)
	for i, packages := range layers {
		for _, p := range packages {
			if folder, ok := strings.CutSuffix(p, "/..."); ok && under(name, folder) || name == p {
				return i, true
			}
		}
	}
	return 0, false
}

// owner returns the package that an internal folder belongs to; other packages
// are their own.
func owner(name string) string {
	before, _, _ := strings.Cut(name, "/internal/")
	return before
}

// under reports whether path is prefix or lies below it.
func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
