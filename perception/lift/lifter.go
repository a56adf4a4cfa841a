package lift

import (
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/perception/lift/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// Axis divides [Min, Max) metres into cells of Step.
type Axis struct{ Min, Max, Step float64 }

// Cells returns the number of cells.
func (a Axis) Cells() int { return int((a.Max-a.Min)/a.Step + 0.5) }

// Config has the numbers of the model.
type Config struct {
	Width, Height             int // of the network's input image, pixels
	CoarseWidth, CoarseHeight int // of the maps
	Bins                      int // of depth
	Start, Step               float64
	Channels                  int  // of the context
	X, Y, Z                   Axis // of the lidar frame; Z has one cell
}

// Camera places one camera's points.
type Camera struct {
	LidarFromCamera geom.Pose // with the vehicle's motion between capture and key frame
	Intrinsics      geom.Mat3 // source pixels from camera coordinates
	Augment         geom.Mat4 // network pixels from source pixels, on [u, v, d, 1]
}

// Lifter holds the table of points and its buffers. One call at a time.
type Lifter struct {
	cfg   Config
	cells int // of the plane
	pool  *parallel.Pool

	cameras []Camera     // that the table was built for
	runs    []int32      // how many each pixel has
	byPixel []kernel.Run // Bins places for each pixel, of which the first are its runs
	cellOf  []int32      // of each entry of byPixel
	byCell  []kernel.Run // the runs by cell, then by camera, row, column, depth
	start   []int32      // where each cell's runs begin in byCell; cells + 1 entries

	depth, context, plane []float32 // of the Splat under way
	findPart, splatPart   func(i int)
}

// New returns a lifter, or an error that says which number cannot be. pool may
// be nil.
func New(cfg Config, pool *parallel.Pool) (*Lifter, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	l := &Lifter{cfg: cfg, cells: cfg.X.Cells() * cfg.Y.Cells(), pool: pool}
	l.start = make([]int32, l.cells+1)
	l.findPart, l.splatPart = l.findRow, l.splatRow
	return l, nil
}

func (c *Config) validate() error {
	for i, a := range [...]Axis{c.X, c.Y, c.Z} {
		if !(a.Step > 0) || a.Cells() < 1 {
			return fmt.Errorf("lift: grid %c from %v to %v in steps of %v has no cells", "xyz"[i], a.Min, a.Max, a.Step)
		}
	}
	switch {
	case c.Z.Cells() != 1:
		return fmt.Errorf("lift: grid z has %d cells, want 1", c.Z.Cells())
	case c.CoarseWidth < 2 || c.CoarseHeight < 2 || c.Width < c.CoarseWidth || c.Height < c.CoarseHeight:
		return fmt.Errorf("lift: maps of %d x %d for images of %d x %d", c.CoarseWidth, c.CoarseHeight, c.Width, c.Height)
	case c.Bins < 1 || c.Channels < 1:
		return fmt.Errorf("lift: %d bins and %d channels", c.Bins, c.Channels)
	case !(c.Start >= 0 && c.Step > 0):
		return fmt.Errorf("lift: bins from %v m in steps of %v m", c.Start, c.Step)
	}
	return nil
}

// Place builds the table for the cameras that have an image, in the order of
// the maps given to Splat. It does nothing when they are where they were.
func (l *Lifter) Place(cameras []Camera) {
	if slices.Equal(cameras, l.cameras) {
		return
	}
	l.cameras = append(l.cameras[:0], cameras...)
	l.reserve()
	l.pool.Run(len(cameras)*l.cfg.CoarseHeight, l.findPart)
	l.sort()
}

func (l *Lifter) reserve() {
	pixels := len(l.cameras) * l.cfg.CoarseHeight * l.cfg.CoarseWidth
	if len(l.runs) < pixels {
		points := pixels * l.cfg.Bins
		l.runs = make([]int32, pixels)
		l.byPixel, l.byCell = make([]kernel.Run, points), make([]kernel.Run, points)
		l.cellOf = make([]int32, points)
	}
}

// findRow finds the runs of one coarse row of one camera.
func (l *Lifter) findRow(index int) {
	c := &l.cfg
	camera := &l.cameras[index/c.CoarseHeight]
	back := camera.LidarFromCamera.R.Mul(geom.PixelsFromCamera(camera.Intrinsics, camera.Augment).Inv())
	v := float64(index%c.CoarseHeight) * float64(c.Height-1) / float64(c.CoarseHeight-1)
	for x := range c.CoarseWidth {
		u := float64(x) * float64(c.Width-1) / float64(c.CoarseWidth-1)
		l.findRuns(index*c.CoarseWidth+x, back.Apply(geom.Vec3{u, v, 1}), camera.LidarFromCamera.T)
	}
}

// findRuns finds the runs of one pixel, whose points are at depth·ray + origin
// in the lidar frame.
func (l *Lifter) findRuns(pixel int, ray, origin geom.Vec3) {
	c := &l.cfg
	runs, cells := l.byPixel[pixel*c.Bins:][:c.Bins], l.cellOf[pixel*c.Bins:][:c.Bins]
	n, last := 0, int32(-1)
	x, y, z := newLine(c.X, ray[0], origin[0]), newLine(c.Y, ray[1], origin[1]), newLine(c.Z, ray[2], origin[2])
	for b := range c.Bins {
		depth := c.Start + float64(c.Step*float64(b))
		cell := int32(-1)
		cx, okX := x.cell(depth)
		cy, okY := y.cell(depth)
		if _, okZ := z.cell(depth); okX && okY && okZ {
			cell = int32(cy*int(x.cells) + cx)
		}
		switch {
		case cell < 0:
		case cell == last:
			runs[n-1].Bins++
		default:
			runs[n] = kernel.Run{Depth: int32(pixel*c.Bins + b), Context: int32(pixel * c.Channels), Bins: 1}
			cells[n] = cell
			n++
		}
		last = cell
	}
	l.runs[pixel] = int32(n)
}

// line is one coordinate along a pixel's ray, in cells of an axis.
type line struct{ slope, offset, cells float64 }

func newLine(a Axis, ray, origin float64) line {
	return line{slope: ray / a.Step, offset: (origin - a.Min) / a.Step, cells: float64(a.Cells())}
}

// cell returns the index of the cell at that depth by truncation towards zero,
// and whether the axis has it. What is not finite it has not.
func (l *line) cell(depth float64) (int, bool) {
	v := float64(l.slope*depth) + l.offset
	if !(v > -1 && v < l.cells) {
		return 0, false
	}
	return int(v), true
}

// sort orders the runs by cell, keeping the order of those in the same cell.
func (l *Lifter) sort() {
	bins := l.cfg.Bins
	pixels := l.runs[:len(l.cameras)*l.cfg.CoarseHeight*l.cfg.CoarseWidth]
	clear(l.start)
	for i, n := range pixels {
		for _, cell := range l.cellOf[i*bins:][:n] {
			l.start[cell+1]++
		}
	}
	for i := range l.cells {
		l.start[i+1] += l.start[i]
	}
	for i, n := range pixels {
		for j, cell := range l.cellOf[i*bins:][:n] {
			l.byCell[l.start[cell]] = l.byPixel[i*bins+j]
			l.start[cell]++
		}
	}
	copy(l.start[1:], l.start[:l.cells]) // each start has moved to the next cell's
	l.start[0] = 0
}

// Splat sums depth [N, h, w, D] times context [N, h, w, C] of the N cameras
// placed into plane [1, Y, X, C]. It panics where shapes disagree.
func (l *Lifter) Splat(depth, context, plane *tensor.F32) {
	c, n := &l.cfg, len(l.cameras)
	depth.MustShape("depth", n, c.CoarseHeight, c.CoarseWidth, c.Bins)
	context.MustShape("context", n, c.CoarseHeight, c.CoarseWidth, c.Channels)
	plane.MustShape("bird's-eye plane", 1, c.Y.Cells(), c.X.Cells(), c.Channels)
	l.depth, l.context, l.plane = depth.Data, context.Data, plane.Data
	l.pool.Run(c.Y.Cells(), l.splatPart)
	l.depth, l.context, l.plane = nil, nil, nil
}

// splatRow sums one row of cells.
func (l *Lifter) splatRow(y int) {
	columns, channels := l.cfg.X.Cells(), l.cfg.Channels
	for cell := y * columns; cell < (y+1)*columns; cell++ {
		runs := l.byCell[l.start[cell]:l.start[cell+1]]
		kernel.Accumulate(l.plane[cell*channels:][:channels], l.depth, l.context, runs)
	}
}
