package kernel

import "github.com/solofusion/solofusion/internal/isa"

// Kernels are the functions of one implementation.
type Kernels struct {
	MulAdd func(x []float32, a, b float32, rounds int)
}

// Table is the implementations by kernel set.
var Table = isa.NewTable(Kernels{MulAdd: mulAddGeneric}, portable, nil)
