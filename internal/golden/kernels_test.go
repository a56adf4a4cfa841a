package golden

import (
	"testing"

	"github.com/solofusion/solofusion/internal/isa"
)

type loops struct{ double, triple func(int) int }

func twice(x int) int  { return 2 * x }
func thrice(x int) int { return 3 * x }

func TestSameFunctions(t *testing.T) {
	a := loops{twice, thrice}
	if !sameFunctions(a, loops{twice, thrice}) {
		t.Error("the same functions are told apart")
	}
	if sameFunctions(a, loops{thrice, twice}) || sameFunctions(a, loops{twice, nil}) {
		t.Error("other functions are taken for the same")
	}
	Kernels(t, isa.Table[loops]{isa.Generic: a})
}
