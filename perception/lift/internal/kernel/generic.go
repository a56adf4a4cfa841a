package kernel

import (
	"math/bits"

	"github.com/solofusion/solofusion/internal/f32"
)

var generic = Kernels{findRuns: findRunsGeneric, weigh: weighGeneric, accumulate: accumulateGeneric}

// outside is the cell of a bin that is in none.
const outside = -1

func findRunsGeneric(cells []int32, marks []Marks, ray Ray, depths []float64) int {
	n, last := 0, int32(outside)
	clear(marks)
	for b, d := range depths {
		cell, m, bit := ray.cell(d), &marks[b/markedBins], uint16(1)<<(b%markedBins)
		switch {
		case cell == outside:
		case cell == last:
			m.Continues |= bit
		default:
			m.Begins |= bit
			cells[n] = cell
			n++
		}
		last = cell
	}
	return n
}

func (r *Ray) cell(depth float64) int32 {
	x, inX := r.X.cell(depth)
	y, inY := r.Y.cell(depth)
	if _, inZ := r.Z.cell(depth); inX && inY && inZ {
		return int32(y*int(r.X.Cells) + x)
	}
	return outside
}

// cell returns the index of the cell at that depth by truncation towards zero,
// and whether the axis has it. What is not finite it has not.
func (l *Line) cell(depth float64) (int, bool) {
	v := float64(l.Slope*depth) + l.Offset
	if !(v > -1 && v < l.Cells) {
		return 0, false
	}
	return int(v), true
}

func weighGeneric(weights, depth []float32, marks []Marks) {
	n := 0
	for i, m := range marks {
		for begins := m.Begins; begins != 0; begins &= begins - 1 {
			b := i*markedBins + bits.TrailingZeros16(begins)
			sum := depth[b]
			for b++; b < len(depth) && marks[b/markedBins].Continues>>(b%markedBins)&1 != 0; b++ {
				sum += depth[b]
			}
			weights[n] = sum
			n++
		}
	}
}

func accumulateGeneric(plane []float32, pixels []Pixel) {
	for i := range pixels {
		p := &pixels[i]
		for j, cell := range p.Cells {
			f32.Axpy(plane[int(cell)*len(p.Context):][:len(p.Context)], p.Context, p.Weights[j])
		}
	}
}
