package lift

import (
	"fmt"
	"math"
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
	case c.Depth.Count > math.MaxUint16:
		return fmt.Errorf("lift: %d bins, want at most %d", c.Depth.Count, math.MaxUint16)
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
	cells   [3]int    // of the grid's axes
	bands   int

	weights []float32      // of the table's runs, as its cells
	pixels  []kernel.Pixel // for each band, those of a coarse column

	table                 *Table // of the call under way
	depth, context, plane []float32
	find, weigh, sum      func(i int) // parts of the work
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
	l.cells = [3]int{cfg.Grid.X.Cells(), cfg.Grid.Y.Cells(), cfg.Grid.Z.Cells()}
	l.bands = (l.cells[1] + bandRows - 1) / bandRows
	l.pixels = make([]kernel.Pixel, l.bands*cfg.Coarse.Height)
	l.find, l.weigh, l.sum = l.findColumn, l.weighRow, l.sumBand
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
	t.cameras = append(slices.Grow(t.cameras[:0], 1), cameras...)
	t.reserve(len(cameras)*l.cfg.Coarse.Pixels(), len(l.depths), l.bands)
	l.table = t
	l.with.Run(len(cameras)*l.cfg.Coarse.Width, l.find)
	l.table = nil
}

// findColumn finds the runs of one coarse column of one camera.
func (l *Lifter) findColumn(index int) {
	c := &l.cfg
	camera := &l.table.cameras[index/c.Coarse.Width]
	back := camera.Pose.R.Mul(camera.PixelsFromCamera().Inv())
	u := float64(index%c.Coarse.Width) * float64(c.Image.Width-1) / float64(c.Coarse.Width-1)
	for y := range c.Coarse.Height {
		v := float64(y) * float64(c.Image.Height-1) / float64(c.Coarse.Height-1)
		l.findRuns(index*c.Coarse.Height+y, back.Apply(geom.Vec3{u, v, 1}), camera.Pose.T)
	}
}

// findRuns finds the runs of one pixel, whose points are at depth·ray + origin
// in the model's frame.
func (l *Lifter) findRuns(pixel int, ray, origin geom.Vec3) {
	var through [3]kernel.Line
	for i, a := range [...]*geom.Axis{&l.cfg.Grid.X, &l.cfg.Grid.Y, &l.cfg.Grid.Z} {
		through[i] = kernel.Line{Slope: ray[i] / a.Step(), Offset: (origin[i] - a.Min()) / a.Step(), Cells: float64(l.cells[i])}
	}
	cells := binsOf(l, l.table.cells, pixel)
	n := l.kernel.FindRuns(cells, l.marksOf(l.table, pixel), kernel.Ray{X: through[0], Y: through[1], Z: through[2]}, l.depths)
	l.divide(pixel, cells[:n])
}

// divide divides a pixel's runs among the bands. A ray that has left a band does not come
// back.
func (l *Lifter) divide(pixel int, cells []int32) {
	spans, pixels := l.table.spans, len(l.table.spans)/l.bands
	for i := pixel; i < len(spans); i += pixels {
		spans[i] = span{}
	}
	size := int32(bandRows * l.cells[0])
	for from := 0; from < len(cells); {
		band := cells[from] / size
		to := from + 1
		for to < len(cells) && uint32(cells[to]-band*size) < uint32(size) {
			to++
		}
		spans[int(band)*pixels+pixel] = span{uint16(from), uint16(to)}
		from = to
	}
}

// binsOf returns a pixel's part of an array of all bins.
func binsOf[T any](l *Lifter, all []T, pixel int) []T {
	return all[pixel*len(l.depths):][:len(l.depths)]
}

func (l *Lifter) marksOf(t *Table, pixel int) []kernel.Marks {
	n := kernel.MarksOf(len(l.depths))
	return t.marks[pixel*n:][:n]
}

// Splat sums depth [N, h, w, D] times context [N, h, w, C] of the table's N
// cameras into plane [1, Y, X, C]. It panics if shapes disagree.
func (l *Lifter) Splat(t *Table, depth, context, plane *tensor.F32) {
	c, n := &l.cfg, len(t.cameras)
	depth.MustShape("depth", n, c.Coarse.Height, c.Coarse.Width, c.Depth.Count)
	context.MustShape("context", n, c.Coarse.Height, c.Coarse.Width, c.Channels)
	plane.MustShape("bird's-eye plane", 1, l.cells[1], l.cells[0], c.Channels)
	l.weights = slices.Grow(l.weights[:0], len(t.cells))[:len(t.cells)]
	l.table, l.depth, l.context, l.plane = t, depth.Data, context.Data, plane.Data
	l.with.Run(n*c.Coarse.Height, l.weigh)
	l.with.Run(l.bands, l.sum)
	l.table, l.depth, l.context, l.plane = nil, nil, nil, nil
}

// weighRow weighs the runs of one coarse row of one camera, as the depths lie.
func (l *Lifter) weighRow(index int) {
	size := l.cfg.Coarse
	camera, y := index/size.Height, index%size.Height
	for x := range size.Width {
		pixel := (camera*size.Width+x)*size.Height + y
		l.kernel.Weigh(binsOf(l, l.weights, pixel), binsOf(l, l.depth, index*size.Width+x), l.marksOf(l.table, pixel))
	}
}

// place returns where in the maps, whose order is camera, row, column, the first pixel of
// a column of the table is. The next ones are one row further each.
func (l *Lifter) place(column int) int {
	size := l.cfg.Coarse
	return column/size.Width*size.Pixels() + column%size.Width
}

// sumBand sums one band of cells.
func (l *Lifter) sumBand(band int) {
	row := l.cells[0] * l.cfg.Channels
	clear(l.plane[band*bandRows*row : min((band+1)*bandRows, l.cells[1])*row])
	pixels, height := len(l.table.spans)/l.bands, l.cfg.Coarse.Height
	spans := l.table.spans[band*pixels:][:pixels]
	for column := range pixels / height {
		l.kernel.Accumulate(l.plane, l.column(band, column, spans[column*height:][:height]))
	}
}

// column returns those pixels of a coarse column that have runs in a band.
func (l *Lifter) column(band, column int, spans []span) []kernel.Pixel {
	n, channels, height := 0, l.cfg.Channels, len(spans)
	for y, s := range spans {
		if s.from == s.to {
			continue
		}
		from, to := int(s.from), int(s.to)
		pixel, place := column*height+y, l.place(column)+y*l.cfg.Coarse.Width
		l.pixels[band*height+n] = kernel.Pixel{
			Context: l.context[place*channels:][:channels],
			Weights: binsOf(l, l.weights, pixel)[from:to],
			Cells:   binsOf(l, l.table.cells, pixel)[from:to],
		}
		n++
	}
	return l.pixels[band*height:][:n]
}
