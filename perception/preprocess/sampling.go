package preprocess

import (
	"github.com/solofusion/solofusion/perception/preprocess/internal/kernel"
)

// sampling takes an image of one size to those columns and rows of the network's that it
// covers.
type sampling struct {
	width   int // of the image
	columns int // of the network's
	x       *kernel.Columns
	y       taps
}

// newSampling returns the sampling of some columns and rows of the scaled canvas, the first
// of which are given.
func newSampling(x, y axis, first [2]int, columns, rows int) sampling {
	across := newTaps(x, first[0], columns)
	return sampling{
		width: x.length, columns: columns,
		x: kernel.NewColumns(x.length, across.start, across.coef),
		y: newTaps(y, first[1], rows),
	}
}

// rows returns the first of the image's rows that are read, and what follows the last.
func (s *sampling) rows() (from, to int) {
	start := s.y.start
	return int(start[0]), int(start[len(start)-1]) + s.y.n
}

// scaled returns the image's rows of one output from row first on after the horizontal
// pass. Calls are by rising first.
func (s *sampling) scaled(k *kernel.Kernels, bgr []uint8, first int, scratch *Scratch) []uint8 {
	from, to, n := 3*s.width, 3*s.columns, s.y.n
	if first+n > scratch.end {
		kept := max(scratch.end-first, 0)
		copy(scratch.scaled, scratch.scaled[to*(scratch.end-scratch.begin-kept):][:to*kept])
		_, last := s.rows()
		end := min(max(first+kept+band, first+n), last)
		k.Horizontal(scratch.scaled[to*kept:to*(end-first)], bgr[from*(first+kept):from*end], s.x)
		scratch.begin, scratch.end = first, end
	}
	return scratch.scaled[to*(first-scratch.begin):][:to*n]
}
