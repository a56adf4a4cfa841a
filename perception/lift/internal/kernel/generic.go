package kernel

import "github.com/solofusion/solofusion/internal/f32"

var generic = Kernels{locate: locateGeneric, weigh: weighGeneric, accumulate: accumulateGeneric}

func locateGeneric(cells []int32, ray Ray, depths []float64) {
	for b, d := range depths {
		cells[b] = outside
		x, inX := ray.X.cell(d)
		y, inY := ray.Y.cell(d)
		if _, inZ := ray.Z.cell(d); inX && inY && inZ {
			cells[b] = int32(y*int(ray.X.Cells) + x)
		}
	}
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
