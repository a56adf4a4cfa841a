package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/internal/isa"
)

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	locate     func(cells []int32, ray Ray, depths []float64)
	weigh      func(weights, depth []float32, runs []Run)
	accumulate func(dst, weights, context []float32, runs []Run)
}

// Table is what this build has.
var Table = isa.NewTable(generic, portable, avx512)

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
	k.locate(cells[:len(depths)], ray, depths)
	return join(runs, cells[:len(depths)], first)
}

// join makes runs of a pixel's cells, which its runs' cells then overwrite, and returns
// their number.
func join(runs []Run, cells []int32, first Run) int {
	n, last := 0, int32(outside)
	for b, cell := range cells {
		switch {
		case cell == outside:
		case cell == last:
			runs[n-1].Bins++
		default:
			runs[n] = Run{Depth: first.Depth + int32(b), Context: first.Context, Bins: 1}
			cells[n] = cell
			n++
		}
		last = cell
	}
	return n
}

// outside is the cell of a bin that is in none.
const outside = -1

// Weigh writes the weight of each run.
func (k *Kernels) Weigh(weights, depth []float32, runs []Run) {
	if len(weights) != len(runs) {
		panic(fmt.Sprintf("lift: %d weights of %d runs", len(weights), len(runs)))
	}
	k.weigh(weights, depth, runs)
}

// Accumulate writes the sum over runs to dst, whose length is the number of
// channels.
func (k *Kernels) Accumulate(dst, weights, context []float32, runs []Run) {
	if len(weights) != len(runs) {
		panic(fmt.Sprintf("lift: %d weights of %d runs", len(weights), len(runs)))
	}
	k.accumulate(dst, weights, context, runs)
}
