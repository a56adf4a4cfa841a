package kernel

import "fmt"

// Line is where a row's cells lie in the source plane: cell j at
// (X + j·DX, Y + j·DY).
type Line struct{ X, Y, DX, DY float64 }

// Project multiplies each cell by a matrix.
func Project(dst, src, w []float32, channels int) {
	if len(dst) != len(src) || len(w) != channels*channels || len(src)%channels != 0 {
		panic(fmt.Sprintf("history: project %d to %d numbers by a matrix of %d, %d channels", len(src), len(dst), len(w), channels))
	}
	projectGeneric(dst, src, w, channels)
}

// Warp resamples src, height rows of width cells, to one row.
func Warp(dst, src []float32, line Line, width, height, channels int) {
	if len(dst)%channels != 0 || len(src) != width*height*channels || len(src) == 0 {
		panic(fmt.Sprintf("history: warp %d numbers, %d x %d cells of %d, to %d", len(src), width, height, channels, len(dst)))
	}
	warpGeneric(dst, src, line, width, height, channels)
}

// ActivateF32 adds to each cell and rectifies.
func ActivateF32(dst, src, add []float32, stride int) {
	checkActivate(len(dst), len(src), len(add), stride)
	activateF32Generic(dst, src, add, stride)
}

// ActivateU8 adds to each cell, rectifies and quantises.
func ActivateU8(dst []uint8, src, add []float32, stride int, scale float32, zero uint8) {
	checkActivate(len(dst), len(src), len(add), stride)
	activateU8Generic(dst, src, add, stride, scale, zero)
}

func checkActivate(dst, src, channels, stride int) {
	if channels == 0 || src%channels != 0 || stride < channels || src > 0 && dst < (src/channels-1)*stride+channels {
		panic(fmt.Sprintf("history: activate %d numbers in cells of %d to %d in cells of %d", src, channels, dst, stride))
	}
}
