package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/internal/isa"
)

// Line is where a row's cells lie in the source plane: cell j at
// (X + j·DX, Y + j·DY).
type Line struct{ X, Y, DX, DY float64 }

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	project     func(dst, src, w []float32, channels int)
	warp        func(dst, src []float32, line Line, width, height, channels int)
	activateF32 func(dst, src, add []float32, stride int)
	activateU8  func(dst []uint8, src, add []float32, stride int, scale float32, zero uint8)
	quantise    func(dst []uint8, src []float32, scale float32, zero uint8)
}

// Table is what this build has.
var Table = isa.Table[Kernels]{
	isa.Generic: {
		project:     projectGeneric,
		warp:        warpGeneric,
		activateF32: activateF32Generic,
		activateU8:  activateU8Generic,
		quantise:    quantiseGeneric,
	},
}

// Project multiplies each cell by a matrix.
func (k *Kernels) Project(dst, src, w []float32, channels int) {
	if len(dst) != len(src) || len(w) != channels*channels || len(src)%channels != 0 {
		panic(fmt.Sprintf("history: project %d to %d numbers by a matrix of %d, %d channels", len(src), len(dst), len(w), channels))
	}
	k.project(dst, src, w, channels)
}

// Warp resamples src, height rows of width cells, to one row.
func (k *Kernels) Warp(dst, src []float32, line Line, width, height, channels int) {
	if len(dst)%channels != 0 || len(src) != width*height*channels || len(src) == 0 {
		panic(fmt.Sprintf("history: warp %d numbers, %d x %d cells of %d, to %d", len(src), width, height, channels, len(dst)))
	}
	k.warp(dst, src, line, width, height, channels)
}

// ActivateF32 adds to each cell and rectifies.
func (k *Kernels) ActivateF32(dst, src, add []float32, stride int) {
	checkActivate(len(dst), len(src), len(add), stride)
	k.activateF32(dst, src, add, stride)
}

// ActivateU8 adds to each cell, rectifies and quantises.
func (k *Kernels) ActivateU8(dst []uint8, src, add []float32, stride int, scale float32, zero uint8) {
	checkActivate(len(dst), len(src), len(add), stride)
	k.activateU8(dst, src, add, stride, scale, zero)
}

// Quantise quantises without rectifying.
func (k *Kernels) Quantise(dst []uint8, src []float32, scale float32, zero uint8) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("history: quantise %d numbers to %d", len(src), len(dst)))
	}
	k.quantise(dst, src, scale, zero)
}

func checkActivate(dst, src, channels, stride int) {
	if channels == 0 || src%channels != 0 || stride < channels || src > 0 && dst < (src/channels-1)*stride+channels {
		panic(fmt.Sprintf("history: activate %d numbers in cells of %d to %d in cells of %d", src, channels, dst, stride))
	}
}
