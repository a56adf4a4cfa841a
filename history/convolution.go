package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/tensor"
)

// Frame is the current frame. Indices are of the ring's planes, newest first; those of
// a sequence's first frame are empty.
type Frame struct {
	Feature        *tensor.F32 // 1 Y X C, read during Step
	GlobalFromGrid geom.Pose   // finite; global is any frame that stands still from the sequence's start on
	Time           time.Time
	Earlier        []int  // planes of the stack, ascending, at most T; not looked at if T is 0
	Keep           []int  // planes that stay in the ring, ascending
	Lost           []bool // Y X: cells of which nothing was seen, and which take what the newest kept plane has there; nil for none
}

// Stack is where Step writes the head's input, 1 Y X (T+1)·C: in F32, or
// quantised in U8, whichever is set.
type Stack struct {
	F32   *tensor.F32
	U8    *tensor.U8
	Scale float32 // of U8: value = Scale · (byte - Zero)
	Zero  uint8
}

// Reach is how far back a result reaches.
type Reach struct {
	Frames int           // earlier frames in the history, at most T
	Age    time.Duration // of the oldest of them
}

// Convolution is the time convolution with the buffers of a frame. It serves any
// number of rings, one Step at a time.
type Convolution struct {
	cfg     Config
	weights Weights
	columns []float32 // Weights.Weight transposed: a row for each input
	kernel  kernel.Kernels
	kernels isa.Set
	with    compute.Resources

	projected, raw buffers     // W f, and f if it is kept
	features       *tensor.F32 // T Y X C, aligned, if they are kept

	job                             job
	projectPart, gatherPart, asItIs func(y int)
	carryPart                       func(y int)
}

// buffers are planes beside those of a ring.
type buffers struct {
	current []float32 // the frame's
	spare   []float32 // to resample into
}

// job is what a pass over the rows works on.
type job struct {
	ring    *Ring
	feature []float32 // the current frame's
	index   int       // of the plane in the ring, or current
	here    int       // index of the plane that is in the current grid by now, or current
	slot    int       // of the stack, from the current frame's
	lost    []bool    // cells of the current frame, while they are filled
	moved   bool      // whether the plane is to be resampled
	cells   affine    // from current cells to the plane's, if moved
	add     []float32 // C: what the plane's age adds
	stack   Stack
}

// current is the index of the current frame's plane.
const current = -1

// New returns the convolution, or an error that names the number that is out of
// range. Age and Bias of the weights are kept, not copied.
func New(cfg Config, w Weights, with compute.Resources) (*Convolution, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.KeepFeatures = cfg.KeepFeatures && cfg.Frames > 0
	c := &Convolution{cfg: cfg, weights: w, with: with}
	c.kernel, c.kernels = kernel.Table.Take(with.Kernels)
	c.projectPart, c.gatherPart, c.asItIs, c.carryPart = c.projectRow, c.gatherRow, c.copyRow, c.carryRow
	if cfg.Frames == 0 {
		return c, nil
	}
	if err := w.validate(cfg.Channels); err != nil {
		return nil, err
	}
	c.columns = transposed(w.Weight, cfg.Channels)
	c.job.add = make([]float32, cfg.Channels)
	c.projected = newBuffers(cfg.size())
	if cfg.KeepFeatures {
		c.raw = newBuffers(cfg.size())
		c.features = tensor.New[float32](cfg.Frames, cfg.height(), cfg.width(), cfg.Channels)
	}
	return c, nil
}

func newBuffers(size int) buffers {
	return buffers{current: make([]float32, size), spare: make([]float32, size)}
}

// transposed returns the n x n matrix w with rows for columns.
func transposed(w []float32, n int) []float32 {
	t := make([]float32, n*n)
	for o := range n {
		for i := range n {
			t[i*n+o] = w[o*n+i]
		}
	}
	return t
}

// Kernels returns the kernel set that the convolution runs.
func (c *Convolution) Kernels() isa.Set { return c.kernels }

// Features returns the aligned planes [T, Y, X, C] of the last Step as they
// came, without the time convolution. They are valid until the next Step, and
// nil unless the configuration keeps them.
func (c *Convolution) Features() *tensor.F32 { return c.features }

// Step writes the stack of the current frame and the earlier ones, and takes the
// frame into the ring as its newest. It panics if shapes or indices disagree.
func (c *Convolution) Step(r *Ring, f Frame, out Stack) Reach {
	c.mustShapes(r, f, out)
	c.job.ring, c.job.feature, c.job.stack, c.job.here = r, f.Feature.Data, out, current
	defer func() { c.job.ring, c.job.feature, c.job.stack = nil, nil, Stack{} }()
	if c.cfg.Frames == 0 {
		c.with.Run(c.cfg.height(), c.asItIs)
		return Reach{}
	}
	c.with.Run(c.cfg.height(), c.projectPart)
	if f.Lost != nil && len(f.Keep) > 0 {
		c.carry(f)
	}
	c.gather(0, current, f)
	for i := range c.cfg.Frames {
		c.gather(1+i, f.plane(i), f)
	}
	reach := f.reach(r)
	c.projected.current, c.raw.current = r.take(f, c.projected.current, c.raw.current)
	return reach
}

// carry fills the current frame's lost cells with what the newest kept plane has there.
func (c *Convolution) carry(f Frame) {
	j := &c.job
	j.lost, j.index, j.moved = f.Lost, f.Keep[0], true
	j.cells = c.cfg.cells(f.GlobalFromGrid.RelativeTo(j.ring.planes[j.index].globalFromGrid))
	c.with.Run(c.cfg.height(), c.carryPart)
	j.lost = nil
}

func (c *Convolution) carryRow(y int) {
	width := c.cfg.width()
	lost := c.job.lost[y*width:][:width]
	if !slices.Contains(lost, true) {
		return
	}
	newest := &c.job.ring.planes[c.job.index]
	c.carryCells(c.projected.current, c.align(newest.projected, c.projected.spare, y), lost, y)
	if c.cfg.KeepFeatures {
		c.carryCells(c.raw.current, c.align(newest.raw, c.raw.spare, y), lost, y)
	}
}

// carryCells copies the lost cells of a row.
func (c *Convolution) carryCells(dst, row []float32, lost []bool, y int) {
	n := c.cfg.Channels
	for x, isLost := range lost {
		if isLost {
			copy(dst[(y*len(lost)+x)*n:][:n], row[x*n:][:n])
		}
	}
}

// plane returns which plane slot i of the earlier ones shows: if there are too few,
// the oldest stands for those that are absent, or the current one if there is none.
func (f *Frame) plane(i int) int {
	n := len(f.Earlier)
	if n == 0 {
		return current
	}
	return f.Earlier[min(i, n-1)]
}

func (c *Convolution) mustShapes(r *Ring, f Frame, out Stack) {
	cfg := &c.cfg
	if r.size != cfg.size() || r.keepsRaw != cfg.KeepFeatures {
		panic(fmt.Sprintf("history: a ring of planes of %d values for a convolution over %d", r.size, cfg.size()))
	}
	if cfg.Frames > 0 && len(f.Earlier) > cfg.Frames {
		panic(fmt.Sprintf("history: %d earlier planes for a stack of %d", len(f.Earlier), cfg.Frames))
	}
	f.Feature.MustShape("bird's-eye plane", 1, cfg.height(), cfg.width(), cfg.Channels)
	if f.Lost != nil && len(f.Lost) != cfg.height()*cfg.width() {
		panic(fmt.Sprintf("history: %d lost cells, want a mark for each of %d", len(f.Lost), cfg.height()*cfg.width()))
	}
	depth := (cfg.Frames + 1) * cfg.Channels
	switch {
	case (out.F32 == nil) == (out.U8 == nil):
		panic("history: a stack is either float32 or uint8")
	case out.F32 != nil:
		out.F32.MustShape("stack", 1, cfg.height(), cfg.width(), depth)
	default:
		out.U8.MustShape("stack", 1, cfg.height(), cfg.width(), depth)
		if !(out.Scale > 0) {
			panic(fmt.Sprintf("history: stack scale %v", out.Scale))
		}
	}
}

// copyRow writes one row of the current frame to a stack without history.
func (c *Convolution) copyRow(y int) {
	n, j := c.cfg.width()*c.cfg.Channels, &c.job
	if j.stack.F32 != nil {
		copy(j.stack.F32.Data[y*n:][:n], j.feature[y*n:][:n])
	} else {
		c.kernel.Quantise(j.stack.U8.Data[y*n:][:n], j.feature[y*n:][:n], j.stack.Scale, j.stack.Zero)
	}
}

// projectRow takes one row of the current frame into the buffers.
func (c *Convolution) projectRow(y int) {
	n := c.cfg.width() * c.cfg.Channels
	feature := c.job.feature[y*n:][:n]
	c.kernel.Project(c.projected.current[y*n:][:n], feature, c.columns, c.cfg.Channels)
	if c.cfg.KeepFeatures {
		copy(c.raw.current[y*n:][:n], feature)
	}
}

// age returns the age in seconds of the earlier frame that is the nth before the
// current one.
func (c *Convolution) age(r *Ring, f Frame, n int) float64 {
	switch {
	case n == 0:
		return 0
	case c.cfg.Clock == Measured:
		return f.Time.Sub(r.planes[f.Earlier[n-1]].time).Seconds()
	default:
		return float64(n) * c.cfg.Period
	}
}

// gather writes one slot of the stack. A plane that was seen elsewhere is resampled;
// recursively, what it becomes replaces it, once for each frame that it is back.
func (c *Convolution) gather(slot, index int, f Frame) {
	j, n := &c.job, min(slot, len(f.Earlier))
	j.slot, j.index, j.moved = slot, index, index != current && index != j.here
	if j.moved {
		j.cells = c.cfg.cells(f.GlobalFromGrid.RelativeTo(j.ring.planes[index].globalFromGrid))
	}
	age := c.age(j.ring, f, n)
	for ch := range j.add {
		j.add[ch] = float32(float64(age*float64(c.weights.Age[ch])) + float64(c.weights.Bias[ch]))
	}
	c.with.Run(c.cfg.height(), c.gatherPart)
	if j.moved && c.cfg.Mode == Recursive && j.ring.planes[index].resampled < n {
		c.replace(index, f.GlobalFromGrid)
	}
}

// replace takes a plane's resampled values in its place.
func (c *Convolution) replace(index int, globalFromGrid geom.Pose) {
	p := &c.job.ring.planes[index]
	c.job.here = index
	p.globalFromGrid = globalFromGrid
	p.resampled++
	p.projected, c.projected.spare = c.projected.spare, p.projected
	p.raw, c.raw.spare = c.raw.spare, p.raw
}

func (c *Convolution) gatherRow(y int) {
	cfg, j := &c.cfg, &c.job
	projected, raw := c.projected.current, c.raw.current
	if j.index != current {
		projected, raw = j.ring.planes[j.index].projected, j.ring.planes[j.index].raw
	}
	row := c.align(projected, c.projected.spare, y)
	stride := (cfg.Frames + 1) * cfg.Channels
	at := y*cfg.width()*stride + j.slot*cfg.Channels
	if j.stack.F32 != nil {
		c.kernel.ActivateF32(j.stack.F32.Data[at:], row, j.add, stride)
	} else {
		c.kernel.ActivateU8(j.stack.U8.Data[at:], row, j.add, stride, j.stack.Scale, j.stack.Zero)
	}
	if cfg.KeepFeatures && j.slot > 0 {
		n := cfg.width() * cfg.Channels
		copy(c.features.Data[((j.slot-1)*cfg.height()+y)*n:][:n], c.align(raw, c.raw.spare, y))
	}
}

// align returns row y of the job's plane, resampled into spare if it moved.
func (c *Convolution) align(plane, spare []float32, y int) []float32 {
	cfg, j := &c.cfg, &c.job
	n := cfg.width() * cfg.Channels
	if !j.moved {
		return plane[y*n:][:n]
	}
	row := spare[y*n:][:n]
	c.kernel.Warp(row, plane, j.cells.line(y), cfg.width(), cfg.height(), cfg.Channels)
	return row
}

// reach is by capture times, whatever the clock.
func (f *Frame) reach(r *Ring) Reach {
	n := len(f.Earlier)
	if n == 0 {
		return Reach{}
	}
	return Reach{Frames: n, Age: f.Time.Sub(r.planes[f.Earlier[n-1]].time)}
}
