package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/internal/isa"
)

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	findRuns   func(runs []Run, cells []int32, ray Ray, depths []float64, first Run) int
	accumulate func(dst, depth, context []float32, runs []Run)
}

// Table is what this build has.
var Table = isa.Table[Kernels]{
	isa.Generic: {findRuns: findRunsGeneric, accumulate: accumulateGeneric},
}

// Run is a number of consecutive bins of one coarse pixel.
type Run struct {
	Depth   int32 // of the first bin, in the depth array
	Context int32 // of the pixel's first channel, in the context array
	Bins    int32
}

// Line is one coordinate along a pixel's ray, in cells of an axis: at depth d
// it is Slope·d + Offset.
type Line struct{ Slope, Offset, Cells float64 }

// Ray is a pixel's ray through the grid.
type Ray struct{ X, Y, Z Line }

// FindRuns writes the runs of one pixel and the cell of each, and returns their
// number. first is the run of the pixel's first bin.
func (k *Kernels) FindRuns(runs []Run, cells []int32, ray Ray, depths []float64, first Run) int {
	if len(runs) < len(depths) || len(cells) < len(depths) {
		panic(fmt.Sprintf("lift: room for %d runs and %d cells of %d bins", len(runs), len(cells), len(depths)))
	}
	return k.findRuns(runs, cells, ray, depths, first)
}

// Accumulate writes the sum over runs to dst, whose length is the number of
// channels.
func (k *Kernels) Accumulate(dst, depth, context []float32, runs []Run) {
	k.accumulate(dst, depth, context, runs)
}
