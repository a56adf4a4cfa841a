package history

import (
	"fmt"
	"math"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// Frame is the current frame.
type Frame struct {
	Feature         *tensor.F32 // 1 Y X C, read during Step
	GlobalFromLidar geom.Pose   // finite
	Time            time.Time
	First           bool // begins a sequence: nothing of before counts
}

// Stack is where Step writes the head's input, 1 Y X (T+1)·C: in F32, or
// quantised in U8, whichever is set.
type Stack struct {
	F32   *tensor.F32
	U8    *tensor.U8
	Scale float32 // of U8: value = Scale · (byte - Zero)
	Zero  uint8
}

// Reach says what a result rests on.
type Reach struct {
	Frames int           // earlier frames in the history, at most T
	Age    time.Duration // of the oldest of them
}

// slot is what is known of a past plane beside its values.
type slot struct {
	globalFromLidar geom.Pose
	time            time.Time
	steps           int
}

// Ring is the history. One Step at a time.
type Ring struct {
	cfg      Config
	weights  Weights
	columns  []float32 // Weights.Weight transposed: a row for each input; nil without frames
	pool     *parallel.Pool
	slots    []slot // newest first
	earlier  int    // real earlier frames; -1 before the first
	previous geom.Pose

	projected bank        // W f
	raw       *bank       // f, where they are kept
	features  *tensor.F32 // T Y X C, aligned; where they are kept

	job                     job
	projectPart, gatherPart func(y int)
}

// job is what a pass over the rows works on.
type job struct {
	feature []float32 // the current frame's
	index   int       // of the slot; -1 is the current frame
	moved   bool      // whether the slot's planes are to be resampled
	cells   affine    // from current cells to the slot's, where moved
	add     []float32 // C: what the slot's age adds
	stack   Stack
}

// current is the index of the current frame among the slots.
const current = -1

// New returns an empty ring, or an error that says which number cannot be. Age
// and Bias of the weights are kept, not copied. pool may be nil.
func New(cfg Config, w Weights, pool *parallel.Pool) (*Ring, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	n := cfg.Channels
	r := &Ring{cfg: cfg, weights: w, pool: pool}
	if cfg.Frames > 0 {
		if err := w.validate(n); err != nil {
			return nil, err
		}
		r.columns = transposed(w.Weight, n)
	} else {
		r.weights = Weights{Age: make([]float32, n), Bias: make([]float32, n)}
	}
	size := cfg.Width * cfg.Height * n
	r.slots, r.projected = make([]slot, cfg.Frames), newBank(cfg.Frames, size)
	r.job.add = make([]float32, n)
	if cfg.KeepFeatures {
		raw := newBank(cfg.Frames, size)
		r.raw, r.features = &raw, tensor.New[float32](cfg.Frames, cfg.Height, cfg.Width, n)
	}
	r.projectPart, r.gatherPart = r.projectRow, r.gatherRow
	r.Reset()
	return r, nil
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

// Reset forgets everything: the next frame begins a sequence.
func (r *Ring) Reset() { r.earlier = -1 }

// Step writes the stack of the current frame and its history, and takes the
// frame into the history. It panics where shapes disagree.
func (r *Ring) Step(f Frame, out Stack) Reach {
	r.mustShapes(f, out)
	r.job.feature, r.job.stack = f.Feature.Data, out
	r.pool.Run(r.cfg.Height, r.projectPart)
	first := f.First || r.earlier < 0
	if first {
		r.begin(f)
	} else {
		r.earlier = min(r.earlier+1, r.cfg.Frames)
	}
	r.gather(current, 0, false)
	for i := range r.slots {
		s := &r.slots[i]
		if !first {
			s.steps++
			r.job.cells = r.cfg.cells(r.seenFrom(s).Inv().Mul(f.GlobalFromLidar))
		}
		r.gather(i, r.age(s, f.Time), !first)
	}
	reach := r.reach(f.Time)
	r.push(f)
	r.job.feature, r.job.stack = nil, Stack{}
	return reach
}

// Features returns the aligned planes [T, Y, X, C] of the last Step as they
// came, without the time convolution. They are valid until the next Step, and
// nil unless the configuration keeps them.
func (r *Ring) Features() *tensor.F32 { return r.features }

func (r *Ring) mustShapes(f Frame, out Stack) {
	c := &r.cfg
	f.Feature.MustShape("bird's-eye plane", 1, c.Height, c.Width, c.Channels)
	depth := (c.Frames + 1) * c.Channels
	switch {
	case (out.F32 == nil) == (out.U8 == nil):
		panic("history: a stack is either float32 or uint8")
	case out.F32 != nil:
		out.F32.MustShape("stack", 1, c.Height, c.Width, depth)
	default:
		out.U8.MustShape("stack", 1, c.Height, c.Width, depth)
		if !(out.Scale > 0) {
			panic(fmt.Sprintf("history: stack scale %v", out.Scale))
		}
	}
}

// projectRow takes one row of the current frame into the banks.
func (r *Ring) projectRow(y int) {
	n := r.cfg.Width * r.cfg.Channels
	feature := r.job.feature[y*n:][:n]
	if projected := r.projected.current[y*n:][:n]; r.columns != nil {
		kernel.Project(projected, feature, r.columns, r.cfg.Channels)
	} else {
		copy(projected, feature)
	}
	if r.raw != nil {
		copy(r.raw.current[y*n:][:n], feature)
	}
}

// begin makes every slot a copy of the current frame.
func (r *Ring) begin(f Frame) {
	r.earlier = 0
	for i := range r.slots {
		r.slots[i] = slot{globalFromLidar: f.GlobalFromLidar, time: f.Time}
	}
	r.projected.fill()
	if r.raw != nil {
		r.raw.fill()
	}
}

// seenFrom returns the pose whose grid the slot's planes are in.
func (r *Ring) seenFrom(s *slot) geom.Pose {
	if r.cfg.Mode == Direct {
		return s.globalFromLidar
	}
	return r.previous
}

// age returns a slot's age in seconds.
func (r *Ring) age(s *slot, now time.Time) float64 {
	if r.cfg.Clock == Measured {
		return now.Sub(s.time).Seconds()
	}
	return float64(s.steps) * r.cfg.Period
}

// gather writes one slot's part of the stack, from resampled planes where they
// moved; recursively, these replace the slot's own.
func (r *Ring) gather(index int, age float64, moved bool) {
	r.job.index, r.job.moved = index, moved
	for c := range r.job.add {
		r.job.add[c] = float32(float64(age*float64(r.weights.Age[c])) + float64(r.weights.Bias[c]))
	}
	r.pool.Run(r.cfg.Height, r.gatherPart)
	if moved && r.cfg.Mode == Recursive {
		r.projected.replace(index)
		if r.raw != nil {
			r.raw.replace(index)
		}
	}
}

func (r *Ring) gatherRow(y int) {
	c, j := &r.cfg, &r.job
	row := r.align(&r.projected, y)
	stride := (c.Frames + 1) * c.Channels
	at := y*c.Width*stride + (j.index+1)*c.Channels
	if j.stack.F32 != nil {
		kernel.ActivateF32(j.stack.F32.Data[at:], row, j.add, stride)
	} else {
		kernel.ActivateU8(j.stack.U8.Data[at:], row, j.add, stride, j.stack.Scale, j.stack.Zero)
	}
	if r.raw != nil && j.index != current {
		n := c.Width * c.Channels
		copy(r.features.Data[(j.index*c.Height+y)*n:][:n], r.align(r.raw, y))
	}
}

// align returns row y of the slot's plane in a bank, resampled into the spare
// where it moved.
func (r *Ring) align(b *bank, y int) []float32 {
	c, j := &r.cfg, &r.job
	n := c.Width * c.Channels
	plane := b.plane(j.index)
	if !j.moved {
		return plane[y*n:][:n]
	}
	row := b.spare[y*n:][:n]
	kernel.Warp(row, plane, j.cells.line(y), c.Width, c.Height, c.Channels)
	return row
}

func (r *Ring) reach(now time.Time) Reach {
	if r.earlier == 0 {
		return Reach{}
	}
	seconds := r.age(&r.slots[r.earlier-1], now)
	return Reach{Frames: r.earlier, Age: time.Duration(math.Round(seconds * float64(time.Second)))}
}

// push drops the oldest slot and takes the current frame as the newest.
func (r *Ring) push(f Frame) {
	if len(r.slots) == 0 {
		return
	}
	copy(r.slots[1:], r.slots)
	r.slots[0] = slot{globalFromLidar: f.GlobalFromLidar, time: f.Time}
	r.previous = f.GlobalFromLidar
	r.projected.push()
	if r.raw != nil {
		r.raw.push()
	}
}
