package golden

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/isa"
)

// Kernels fails the test if a kernel folder's table is not sound: it has a
// generic entry, no set but this build's, no function unset,
// and each set is what [isa.Table.Take] gives for its name. If
// SOLOFUSION_REQUIRE_KERNELS names a set that is not in the table, the test
// fails too.
func Kernels[K any](t *testing.T, table isa.Table[K]) {
	t.Helper()
	required := isa.Set(os.Getenv(isa.RequireVariable))
	if _, ok := Runnable(table)[required]; !ok && required != "" {
		t.Errorf("%s is %q, and the table has no such entry, or this machine cannot run it", isa.RequireVariable, required)
	}
	if _, ok := table[isa.Generic]; !ok {
		t.Error("the table has no generic entry")
	}
	for set, k := range table {
		if !slices.Contains(isa.Sets(), set) {
			t.Errorf("%q is no set of this build", set)
			continue
		}
		if took, name := table.Take(set); name != set || !sameFunctions(took, k) {
			t.Errorf("asked for %s, got %s or its functions", set, name)
		}
		v := reflect.ValueOf(k)
		for i := range v.NumField() {
			if v.Field(i).Kind() == reflect.Func && v.Field(i).IsNil() {
				t.Errorf("%s: %s is not set", set, v.Type().Field(i).Name)
			}
		}
	}
}

// Runnable returns the entries of a table that this machine can run.
func Runnable[K any](table isa.Table[K]) isa.Table[K] {
	features := isa.Detect()
	return maps.Collect(func(yield func(isa.Set, K) bool) {
		for set, k := range table {
			if _, err := isa.Choose(string(set), features); err == nil && !yield(set, k) {
				return
			}
		}
	})
}

// RunsSet fails the test unless the functions of kernels are those of the
// table's entry for the set.
func RunsSet[K any](t *testing.T, table isa.Table[K], set isa.Set, kernels K) {
	t.Helper()
	if !sameFunctions(table[set], kernels) {
		t.Errorf("what runs is not the set %s", set)
	}
}

func sameFunctions[K any](a, b K) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if x.Field(i).Kind() == reflect.Func && x.Field(i).Pointer() != y.Field(i).Pointer() {
			return false
		}
	}
	return true
}
