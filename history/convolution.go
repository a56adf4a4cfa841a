package history

import (
	"fmt"
	"math"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/tensor"
)

// Frame is the current frame.
type Frame struct {
	Feature        *tensor.F32 // 1 Y X C, read during Step
	GlobalFromGrid geom.Pose   // finite; global is any frame that stands still from the sequence's start on
	Time           time.Time
	First          bool // begins a sequence: nothing of before counts
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
	index   int       // of the slot, or current
	moved   bool      // whether the slot's planes are to be resampled
	cells   affine    // from current cells to the slot's, if moved
	add     []float32 // C: what the slot's age adds
	stack   Stack
}

// current is the index of the current frame among the slots.
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
	c.projectPart, c.gatherPart, c.asItIs = c.projectRow, c.gatherRow, c.copyRow
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

// Step writes the stack of the current frame and its history, and takes the
// frame into the history. It panics if shapes disagree.
func (c *Convolution) Step(r *Ring, f Frame, out Stack) Reach {
	c.mustShapes(r, f, out)
	c.job.ring, c.job.feature, c.job.stack = r, f.Feature.Data, out
	defer func() { c.job.ring, c.job.feature, c.job.stack = nil, nil, Stack{} }()
	if c.cfg.Frames == 0 {
		c.with.Run(c.cfg.height(), c.asItIs)
		return Reach{}
	}
	c.with.Run(c.cfg.height(), c.projectPart)
	first := f.First || r.earlier < 0
	if first {
		r.fill(f, c.projected.current, c.raw.current)
	} else {
		r.advance()
	}
	c.gather(current, 0, false)
	for i := range r.slots {
		s := &r.slots[i]
		if !first {
			c.job.cells = c.cfg.cells(f.GlobalFromGrid.RelativeTo(c.seenFrom(r, s)))
		}
		c.gather(i, c.age(s, f.Time), !first)
	}
	reach := c.reach(r, f.Time)
	c.projected.current, c.raw.current = r.push(f, c.projected.current, c.raw.current)
	return reach
}

func (c *Convolution) mustShapes(r *Ring, f Frame, out Stack) {
	cfg := &c.cfg
	if len(r.slots) != cfg.Frames || (r.raw != nil) != cfg.KeepFeatures {
		panic(fmt.Sprintf("history: a ring of %d frames for a convolution over %d", len(r.slots), cfg.Frames))
	}
	f.Feature.MustShape("bird's-eye plane", 1, cfg.height(), cfg.width(), cfg.Channels)
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

// seenFrom returns the pose whose grid the slot's planes are in.
func (c *Convolution) seenFrom(r *Ring, s *slot) geom.Pose {
	if c.cfg.Mode == Direct {
		return s.globalFromGrid
	}
	return r.previous
}

// age returns a slot's age in seconds.
func (c *Convolution) age(s *slot, now time.Time) float64 {
	if c.cfg.Clock == Measured {
		return now.Sub(s.time).Seconds()
	}
	return float64(s.steps) * c.cfg.Period
}

// gather writes one slot's part of the stack, from resampled planes if they
// moved; recursively, these replace the slot's own.
func (c *Convolution) gather(index int, age float64, moved bool) {
	j := &c.job
	j.index, j.moved = index, moved
	for ch := range j.add {
		j.add[ch] = float32(float64(age*float64(c.weights.Age[ch])) + float64(c.weights.Bias[ch]))
	}
	c.with.Run(c.cfg.height(), c.gatherPart)
	if !moved || c.cfg.Mode == Direct {
		return
	}
	j.ring.projected[index], c.projected.spare = c.projected.spare, j.ring.projected[index]
	if c.cfg.KeepFeatures {
		j.ring.raw[index], c.raw.spare = c.raw.spare, j.ring.raw[index]
	}
}

func (c *Convolution) gatherRow(y int) {
	cfg, j := &c.cfg, &c.job
	row := c.align(&c.projected, j.ring.projected, y)
	stride := (cfg.Frames + 1) * cfg.Channels
	at := y*cfg.width()*stride + (j.index+1)*cfg.Channels
	if j.stack.F32 != nil {
		c.kernel.ActivateF32(j.stack.F32.Data[at:], row, j.add, stride)
	} else {
		c.kernel.ActivateU8(j.stack.U8.Data[at:], row, j.add, stride, j.stack.Scale, j.stack.Zero)
	}
	if cfg.KeepFeatures && j.index != current {
		n := cfg.width() * cfg.Channels
		copy(c.features.Data[(j.index*cfg.height()+y)*n:][:n], c.align(&c.raw, j.ring.raw, y))
	}
}

// align returns row y of the job's plane, resampled into the spare if it moved.
func (c *Convolution) align(b *buffers, past [][]float32, y int) []float32 {
	cfg, j := &c.cfg, &c.job
	n := cfg.width() * cfg.Channels
	plane := b.current
	if j.index != current {
		plane = past[j.index]
	}
	if !j.moved {
		return plane[y*n:][:n]
	}
	row := b.spare[y*n:][:n]
	c.kernel.Warp(row, plane, j.cells.line(y), cfg.width(), cfg.height(), cfg.Channels)
	return row
}

func (c *Convolution) reach(r *Ring, now time.Time) Reach {
	if r.earlier == 0 {
		return Reach{}
	}
	seconds := c.age(&r.slots[r.earlier-1], now)
	return Reach{Frames: r.earlier, Age: time.Duration(math.Round(seconds * float64(time.Second)))}
}
