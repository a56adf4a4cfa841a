package kernel

import "github.com/solofusion/solofusion/internal/f32"

var generic = Kernels{findRuns: findRunsGeneric, weigh: weighGeneric, accumulate: accumulateGeneric}

func findRunsGeneric(runs []Run, cells []int32, ray Ray, depths []float64, first Run) int {
	n, last := 0, int32(-1)
	for b, d := range depths {
		cell := int32(-1)
		x, inX := ray.X.cell(d)
		y, inY := ray.Y.cell(d)
		if _, inZ := ray.Z.cell(d); inX && inY && inZ {
			cell = int32(y*int(ray.X.Cells) + x)
		}
		switch {
		case cell < 0:
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

// cell returns the index of the cell at that depth by truncation towards zero,
// and whether the axis has it. What is not finite it has not.
func (l *Line) cell(depth float64) (int, bool) {
	v := float64(l.Slope*depth) + l.Offset
	if !(v > -1 && v < l.Cells) {
		return 0, false
	}
	return int(v), true
}

func weighGeneric(weights, depth []float32, runs []Run) {
	for i, r := range runs {
		var p float32
		for _, d := range depth[r.Depth:][:r.Bins] {
			p += d
		}
		weights[i] = p
	}
}

func accumulateGeneric(dst, weights, context []float32, runs []Run) {
	clear(dst)
	for i, r := range runs {
		f32.Axpy(dst, context[r.Context:][:len(dst)], weights[i])
	}
}
