package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/internal/isa"
)

// Line is where a row's cells lie in the source plane: cell j at
// (X + j·DX, Y + j·DY).
type Line struct{ X, Y, DX, DY float64 }

// Tap is the four cells of a plane around a point.
type Tap struct {
	Offset [4]int32 // of their first channels; the first is Outside if there are none
	Weight [4]float32
}

// Outside is the first offset of a point that no cell is near to.
const Outside = -1

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	project         func(dst, src, w []float32, channels int)
	locate          func(taps []Tap, line Line, width, height, channels int)
	warp            func(dst, src []float32, taps []Tap, channels int)
	activateF32     func(dst, src, add []float32, stride int)
	activateU8      func(dst []uint8, src, gain, add []float32, stride int, zero uint8)
	warpActivateF32 func(dst, src []float32, taps []Tap, add []float32, stride int)
	warpActivateU8  func(dst []uint8, src []float32, taps []Tap, gain, add []float32, stride int, zero uint8)
	quantise        func(dst []uint8, src, gain []float32, zero uint8)
	packBF16        func(dst []uint16, src []float32)
	warpBF16        func(dst []float32, src []uint16, taps []Tap, channels int)
	largest         func(most, src []float32)
	packInt8        func(dst []int8, src, inverse []float32)
	warpInt8        func(dst []float32, src []int8, scale []float32, taps []Tap)
}

// Table is what this build has.
var Table = isa.NewTable(generic, portable, avx512)

// Project multiplies each cell by a matrix.
func (k *Kernels) Project(dst, src, w []float32, channels int) {
	if len(dst) != len(src) || len(w) != channels*channels || len(src)%channels != 0 {
		panic(fmt.Sprintf("history: project %d to %d numbers by a matrix of %d, %d channels", len(src), len(dst), len(w), channels))
	}
	k.project(dst, src, w, channels)
}

// Locate writes where the first len(taps) cells of a row lie in a plane of height rows
// of width cells.
func (k *Kernels) Locate(taps []Tap, line Line, width, height, channels int) {
	if width < 1 || height < 1 || channels < 1 {
		panic(fmt.Sprintf("history: cells in a plane of %d x %d cells of %d", width, height, channels))
	}
	k.locate(taps, line, width, height, channels)
}

// Warp resamples src at taps that Locate made for it.
func (k *Kernels) Warp(dst, src []float32, taps []Tap, channels int) {
	if len(dst) != len(taps)*channels {
		panic(fmt.Sprintf("history: warp %d cells of %d to %d numbers", len(taps), channels, len(dst)))
	}
	k.warp(dst, src, taps, channels)
}

// ActivateF32 adds to each cell and rectifies.
func (k *Kernels) ActivateF32(dst, src, add []float32, stride int) {
	checkCells(len(dst), len(src), len(add), stride)
	k.activateF32(dst, src, add, stride)
}

// ActivateU8 adds to each cell, rectifies and quantises.
func (k *Kernels) ActivateU8(dst []uint8, src, gain, add []float32, stride int, zero uint8) {
	checkCells(len(dst), len(src), len(add), stride)
	checkGain(gain, add)
	k.activateU8(dst, src, gain, add, stride, zero)
}

// WarpActivateF32 resamples src at taps, adds to each cell and rectifies.
func (k *Kernels) WarpActivateF32(dst, src []float32, taps []Tap, add []float32, stride int) {
	checkCells(len(dst), len(taps)*len(add), len(add), stride)
	k.warpActivateF32(dst, src, taps, add, stride)
}

// WarpActivateU8 resamples src at taps, adds to each cell, rectifies and quantises.
func (k *Kernels) WarpActivateU8(dst []uint8, src []float32, taps []Tap, gain, add []float32, stride int, zero uint8) {
	checkCells(len(dst), len(taps)*len(add), len(add), stride)
	checkGain(gain, add)
	k.warpActivateU8(dst, src, taps, gain, add, stride, zero)
}

// Quantise quantises without rectifying.
func (k *Kernels) Quantise(dst []uint8, src, gain []float32, zero uint8) {
	checkChannels(len(src), len(gain))
	if len(dst) != len(src) {
		panic(fmt.Sprintf("history: quantise %d numbers to %d", len(src), len(dst)))
	}
	k.quantise(dst, src, gain, zero)
}

// PackBF16 rounds to bfloat16.
func (k *Kernels) PackBF16(dst []uint16, src []float32) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("history: pack %d numbers to %d", len(src), len(dst)))
	}
	k.packBF16(dst, src)
}

// WarpBF16 resamples src, of bfloat16, at taps that Locate made for it.
func (k *Kernels) WarpBF16(dst []float32, src []uint16, taps []Tap, channels int) {
	if len(dst) != len(taps)*channels {
		panic(fmt.Sprintf("history: warp %d cells of %d to %d numbers", len(taps), channels, len(dst)))
	}
	k.warpBF16(dst, src, taps, channels)
}

// Largest raises most to the magnitudes of each channel of src.
func (k *Kernels) Largest(most, src []float32) {
	checkChannels(len(src), len(most))
	k.largest(most, src)
}

// PackInt8 rounds to eight bits, with the inverse of each channel's scale.
func (k *Kernels) PackInt8(dst []int8, src, inverse []float32) {
	checkChannels(len(src), len(inverse))
	if len(dst) != len(src) {
		panic(fmt.Sprintf("history: pack %d numbers to %d", len(src), len(dst)))
	}
	k.packInt8(dst, src, inverse)
}

// WarpInt8 resamples src, of eight bits with a scale for each channel, at taps that
// Locate made for it.
func (k *Kernels) WarpInt8(dst []float32, src []int8, scale []float32, taps []Tap) {
	if len(dst) != len(taps)*len(scale) {
		panic(fmt.Sprintf("history: warp %d cells of %d to %d numbers", len(taps), len(scale), len(dst)))
	}
	k.warpInt8(dst, src, scale, taps)
}

func checkChannels(numbers, channels int) {
	if channels == 0 || numbers%channels != 0 {
		panic(fmt.Sprintf("history: %d numbers in cells of %d", numbers, channels))
	}
}

func checkCells(dst, src, channels, stride int) {
	if channels == 0 || src%channels != 0 || stride < channels || src > 0 && dst < (src/channels-1)*stride+channels {
		panic(fmt.Sprintf("history: activate %d numbers in cells of %d to %d in cells of %d", src, channels, dst, stride))
	}
}

func checkGain(gain, add []float32) {
	if len(gain) != len(add) {
		panic(fmt.Sprintf("history: %d gains for %d channels", len(gain), len(add)))
	}
}
