package golden

import (
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
	if _, ok := table[required]; !ok && required != "" {
		t.Errorf("%s is %q, and the table has no such entry", isa.RequireVariable, required)
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
