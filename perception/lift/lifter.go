package lift

import (
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/perception/lift/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// Config has the numbers of the model.
type Config struct {
	Image    geom.Size // the network's input
	Coarse   geom.Size // of the maps
	Depth    geom.Bins
	Channels int       // of the context
	Grid     geom.Grid // in the model's frame; its z has one cell
}

func (c *Config) validate() error {
	for i, a := range [...]geom.Axis{c.Grid.X, c.Grid.Y, c.Grid.Z} {
		if !(a.Step() > 0) || a.Cells() < 1 {
			return fmt.Errorf("lift: grid %c from %v to %v in steps of %v has no cells", "xyz"[i], a.Min(), a.Max(), a.Step())
		}
	}
	switch {
	case c.Grid.Z.Cells() != 1:
		return fmt.Errorf("lift: grid z has %d cells, want 1", c.Grid.Z.Cells())
	case c.Coarse.Width < 2 || c.Coarse.Height < 2 || c.Image.Width < c.Coarse.Width || c.Image.Height < c.Coarse.Height:
		return fmt.Errorf("lift: maps of %v for images of %v, want at least 2 x 2 and no larger than the images", c.Coarse, c.Image)
	case !c.Depth.Sound():
		return fmt.Errorf("lift: %d bins from %v m in steps of %v m: want positive numbers", c.Depth.Count, c.Depth.Start, c.Depth.Step)
	case c.Channels < 1:
		return fmt.Errorf("lift: %d channels, want at least 1", c.Channels)
	}
	return nil
}

// Lifter holds the model's numbers and the buffers of a frame. It serves any
// number of rigs, one call at a time.
type Lifter struct {
	cfg     Config
	kernel  kernel.Kernels
	kernels isa.Set
	with    compute.Resources
	depths  []float64 // of the bins' lower edges

	count   []int32      // how many runs each pixel has
	byPixel []kernel.Run // room for every bin of each pixel, of which the first are its runs
	cellOf  []int32      // of each entry of byPixel
	next    [][]int32    // for each camera and cell, how many runs it has there, then where the next one goes
	weights []float32    // of the table's runs

	table                        *Table // of the call under way
	depth, context, plane        []float32
	find, tally, distribute, sum func(i int) // parts of the work
}

// New returns a lifter, or an error that names the number that is out of range.
func New(cfg Config, with compute.Resources) (*Lifter, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	l := &Lifter{cfg: cfg, with: with, depths: make([]float64, cfg.Depth.Count)}
	l.kernel, l.kernels = kernel.Table.Take(with.Kernels)
	for b := range l.depths {
		l.depths[b] = cfg.Depth.Edge(b)
	}
	l.find, l.tally, l.distribute, l.sum = l.findRow, l.tallyCamera, l.distributeCamera, l.sumRow
	return l, nil
}

// Kernels returns the kernel set that the lifter runs.
func (l *Lifter) Kernels() isa.Set { return l.kernels }

// Place makes the table for the cameras that have an image, in the order of the
// maps given to Splat. Their poses are in the model's frame at the set's time, so
// that the vehicle's motion between a capture and that time is in them. It does
// nothing if they are where they were.
func (l *Lifter) Place(t *Table, cameras []geom.Camera) {
	if t.isFor(cameras) {
		return
	}
	t.cameras = append(t.cameras[:0], cameras...)
	l.reserve(len(cameras))
	l.table = t
	l.with.Run(len(cameras)*l.cfg.Coarse.Height, l.find)
	l.sort(t)
	l.table = nil
}

// reserve makes the buffers fit n cameras.
func (l *Lifter) reserve(n int) {
	pixels := n * l.cfg.Coarse.Pixels()
	if len(l.count) < pixels {
		l.count = make([]int32, pixels)
		l.byPixel, l.cellOf = make([]kernel.Run, pixels*l.cfg.Depth.Count), make([]int32, pixels*l.cfg.Depth.Count)
	}
	for len(l.next) < n {
		l.next = append(l.next, make([]int32, l.cfg.Grid.Cells()))
	}
}

// findRow finds the runs of one coarse row of one camera.
func (l *Lifter) findRow(index int) {
	c := &l.cfg
	camera := &l.table.cameras[index/c.Coarse.Height]
	back := camera.Pose.R.Mul(camera.PixelsFromCamera().Inv())
	v := float64(index%c.Coarse.Height) * float64(c.Image.Height-1) / float64(c.Coarse.Height-1)
	for x := range c.Coarse.Width {
		u := float64(x) * float64(c.Image.Width-1) / float64(c.Coarse.Width-1)
		l.findRuns(index*c.Coarse.Width+x, back.Apply(geom.Vec3{u, v, 1}), camera.Pose.T)
	}
}

// findRuns finds the runs of one pixel, whose points are at depth·ray + origin
// in the model's frame.
func (l *Lifter) findRuns(pixel int, ray, origin geom.Vec3) {
	g, bins := &l.cfg.Grid, len(l.depths)
	through := kernel.Ray{X: line(g.X, ray[0], origin[0]), Y: line(g.Y, ray[1], origin[1]), Z: line(g.Z, ray[2], origin[2])}
	first := kernel.Run{Depth: int32(pixel * bins), Context: int32(pixel * l.cfg.Channels)}
	l.count[pixel] = int32(l.kernel.FindRuns(l.byPixel[pixel*bins:][:bins], l.cellOf[pixel*bins:][:bins], through, l.depths, first))
}

func line(a geom.Axis, ray, origin float64) kernel.Line {
	return kernel.Line{Slope: ray / a.Step(), Offset: (origin - a.Min()) / a.Step(), Cells: float64(a.Cells())}
}

// sort writes the runs to the table by cell, keeping the order of those in the
// same cell.
func (l *Lifter) sort(t *Table) {
	n := len(t.cameras)
	l.with.Run(n, l.tally)
	t.start = t.start[:0]
	at := int32(0)
	for cell := range l.cfg.Grid.Cells() {
		t.start = append(t.start, at)
		for _, next := range l.next[:n] {
			next[cell], at = at, at+next[cell]
		}
	}
	t.start = append(t.start, at)
	t.runs = slices.Grow(t.runs[:0], int(at))[:at]
	l.with.Run(n, l.distribute)
}

// tallyCamera counts one camera's runs in each cell.
func (l *Lifter) tallyCamera(camera int) {
	next, pixels := l.next[camera], l.cfg.Coarse.Pixels()
	clear(next)
	for pixel := camera * pixels; pixel < (camera+1)*pixels; pixel++ {
		for _, cell := range l.cellOf[pixel*len(l.depths):][:l.count[pixel]] {
			next[cell]++
		}
	}
}

// distributeCamera writes one camera's runs to the table.
func (l *Lifter) distributeCamera(camera int) {
	next, pixels, runs := l.next[camera], l.cfg.Coarse.Pixels(), l.table.runs
	for pixel := camera * pixels; pixel < (camera+1)*pixels; pixel++ {
		cells := l.cellOf[pixel*len(l.depths):][:l.count[pixel]]
		for i, r := range l.byPixel[pixel*len(l.depths):][:len(cells)] {
			at := next[cells[i]]
			runs[at], next[cells[i]] = r, at+1
		}
	}
}

// Splat sums depth [N, h, w, D] times context [N, h, w, C] of the table's N
// cameras into plane [1, Y, X, C]. It panics if shapes disagree.
func (l *Lifter) Splat(t *Table, depth, context, plane *tensor.F32) {
	c, n := &l.cfg, len(t.cameras)
	depth.MustShape("depth", n, c.Coarse.Height, c.Coarse.Width, c.Depth.Count)
	context.MustShape("context", n, c.Coarse.Height, c.Coarse.Width, c.Channels)
	plane.MustShape("bird's-eye plane", 1, c.Grid.Y.Cells(), c.Grid.X.Cells(), c.Channels)
	l.weights = slices.Grow(l.weights[:0], len(t.runs))[:len(t.runs)]
	l.table, l.depth, l.context, l.plane = t, depth.Data, context.Data, plane.Data
	l.with.Run(c.Grid.Y.Cells(), l.sum)
	l.table, l.depth, l.context, l.plane = nil, nil, nil, nil
}

// sumRow sums one row of cells.
func (l *Lifter) sumRow(y int) {
	columns, channels := l.cfg.Grid.X.Cells(), l.cfg.Channels
	first, last := l.table.start[y*columns], l.table.start[(y+1)*columns]
	l.kernel.Weigh(l.weights[first:last], l.depth, l.table.runs[first:last])
	for cell := y * columns; cell < (y+1)*columns; cell++ {
		from, to := l.table.start[cell], l.table.start[cell+1]
		l.kernel.Accumulate(l.plane[cell*channels:][:channels], l.weights[from:to], l.context, l.table.runs[from:to])
	}
}
