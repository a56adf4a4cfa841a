package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/internal/isa"
)

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	findRuns   func(cells []int32, marks []Marks, ray Ray, depths []float64) int
	weigh      func(weights, depth []float32, marks []Marks)
	accumulate func(plane []float32, pixels []Pixel)
}

// Table is what this build has.
var Table = isa.NewTable(generic, portable, avx512)

// Line is one coordinate along a pixel's ray, in cells of an axis: at depth d
// it is Slope·d + Offset. Cells is a whole number that an int32 holds.
type Line struct{ Slope, Offset, Cells float64 }

// Ray is a pixel's ray through the grid.
type Ray struct{ X, Y, Z Line }

// Marks tell the runs of sixteen consecutive bins of a pixel, the first in the lowest
// bit: whether a run begins with the bin, and whether the run of the bin before continues.
type Marks struct{ Begins, Continues uint16 }

const markedBins = 16

// MarksOf returns how many marks that many bins have.
func MarksOf(bins int) int { return (bins + markedBins - 1) / markedBins }

// FindRuns writes the cells of one pixel's runs and its bins' marks, and returns the
// number of runs. Cells beyond it, for which there must be room, are undefined.
func (k *Kernels) FindRuns(cells []int32, marks []Marks, ray Ray, depths []float64) int {
	if len(cells) != len(depths) || len(marks) != MarksOf(len(depths)) {
		panic(fmt.Sprintf("lift: room for %d cells and %d marks of %d bins", len(cells), len(marks), len(depths)))
	}
	return k.findRuns(cells, marks, ray, depths)
}

// Weigh writes the weight of each run. Weights beyond them, for which there must be room,
// are undefined.
func (k *Kernels) Weigh(weights, depth []float32, marks []Marks) {
	if len(weights) != len(depth) || len(marks) != MarksOf(len(depth)) {
		panic(fmt.Sprintf("lift: room for %d weights, and %d marks, of %d bins", len(weights), len(marks), len(depth)))
	}
	k.weigh(weights, depth, marks)
}

// Pixel is some of a pixel's runs: the context, the weights and the cells, which are all
// different.
type Pixel struct {
	Context, Weights []float32
	Cells            []int32
}

// Accumulate adds pixels, one after the other, to the cells of a plane of as many channels
// as each context has.
func (k *Kernels) Accumulate(plane []float32, pixels []Pixel) {
	for i := range pixels {
		if p := &pixels[i]; len(p.Weights) != len(p.Cells) || len(p.Context) != len(pixels[0].Context) {
			panic(fmt.Sprintf("lift: pixel %d of %d has %d channels, %d cells and %d weights; pixel 0 has %d channels",
				i, len(pixels), len(p.Context), len(p.Cells), len(p.Weights), len(pixels[0].Context)))
		}
	}
	if len(pixels) > 0 {
		k.accumulate(plane, pixels)
	}
}
