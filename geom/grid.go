package geom

import "math"

// Axis is the lower bound, the upper bound and the cell size along an axis,
// metres: cell i covers [Min + Step i, Min + Step (i+1)).
type Axis [3]float64

// Min returns the lower bound.
func (a Axis) Min() float64 { return a[0] }

// Max returns the upper bound.
func (a Axis) Max() float64 { return a[1] }

// Step returns the size of a cell.
func (a Axis) Step() float64 { return a[2] }

// Cells returns the number of cells, rounded half away from zero; below 1 if
// the axis has none.
func (a Axis) Cells() int {
	n := math.Round((a[1] - a[0]) / a[2])
	if !(n >= 1 && n <= math.MaxInt32) {
		return 0
	}
	return int(n)
}

// Grid divides space around a vehicle into cells. A plane over it has rows
// along y and columns along x.
type Grid struct {
	X Axis `yaml:"x,flow"`
	Y Axis `yaml:"y,flow"`
	Z Axis `yaml:"z,flow"`
}

// Cells returns the number of cells of a plane.
func (g Grid) Cells() int { return g.X.Cells() * g.Y.Cells() }

// Bins divide depth along a camera's axis: bin b covers
// [Start + Step b, Start + Step (b+1)) metres.
type Bins struct {
	Start float64 `yaml:"start"`
	Step  float64 `yaml:"step"`
	Count int     `yaml:"bins"`
}

// Edge returns the lower edge of a bin, metres.
func (b Bins) Edge(bin int) float64 { return b.Start + float64(b.Step*float64(bin)) }

// Center returns the middle of a bin, metres.
func (b Bins) Center(bin int) float64 { return b.Start + b.Step/2 + float64(b.Step*float64(bin)) }

// Sound reports whether there are bins, in front of the camera.
func (b Bins) Sound() bool { return b.Count >= 1 && b.Start >= 0 && b.Step > 0 }

// Size is the size of an image or a map, pixels.
type Size struct{ Width, Height int }

// Pixels returns the number of pixels.
func (s Size) Pixels() int { return s.Width * s.Height }

// Times returns the size n times as large.
func (s Size) Times(n int) Size { return Size{s.Width * n, s.Height * n} }

// Over returns the size divided by n, rounded down.
func (s Size) Over(n int) Size { return Size{s.Width / n, s.Height / n} }
