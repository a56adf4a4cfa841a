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
// quantised in U8, whichever is set: value = scale · (byte - Zero).
type Stack struct {
	F32    *tensor.F32
	U8     *tensor.U8
	Scales []float32 // of U8, positive: one for all, one for each slot from the current frame's, or one for each channel of each slot
	Zero   uint8
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
	packer         packer      // of W f, unless it is stored as float32
	features       *tensor.F32 // T Y X C, aligned, if they are kept

	slots     []slot            // of the stack, from the current frame's
	passSlots int               // that are written together in recursive mode
	rooms     []*room           // of such a pass
	taps      [][2][]kernel.Tap // for each block of rows, those of two slots

	// Methods as values, made once so that a Step does not allocate.
	projects, gathers, copies, fills, packs func(y int) // rows
	block, tally                            func(i int) // blocks of rows

	job job
	row func(y int) // that is under way
}

// blockRows is how many rows one goroutine takes at a time. A plane that is resampled is
// read one row further than the block, and what several rows need stays in the core's cache.
const blockRows = 8

// buffers are planes beside those of a ring.
type buffers struct {
	current []float32 // the frame's
	spare   []float32 // to resample into
}

// job is what a pass over the rows works on.
type job struct {
	ring    *Ring
	feature []float32 // the current frame's
	lost    []bool    // cells of the current frame, while they are filled
	newest  slot      // that fills them
	first   int       // of the slots that are written
	last    int       // and the one after them
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
	c := &Convolution{cfg: cfg, weights: w, with: with, passSlots: passSlots}
	c.kernel, c.kernels = kernel.Table.Take(with.Kernels)
	c.projects, c.gathers, c.copies, c.fills, c.packs = c.projectRow, c.gatherRow, c.copyRow, c.carryRow, c.packRow
	c.block, c.tally = c.rowsOf, c.tallyBlock
	c.reserve()
	if cfg.Frames == 0 {
		return c, nil
	}
	if err := w.validate(cfg.Channels); err != nil {
		return nil, err
	}
	c.columns = transposed(w.Weight, cfg.Channels)
	c.projected = newBuffers(cfg.size())
	if cfg.Storage != Float32 {
		c.packer = newPacker(cfg.Channels, c.blocks())
		c.packer.to = cfg.Storage.room(cfg.size(), cfg.Channels)
	}
	if cfg.KeepFeatures {
		c.raw = newBuffers(cfg.size())
		c.features = tensor.New[float32](cfg.Frames, cfg.height(), cfg.width(), cfg.Channels)
	}
	return c, nil
}

// reserve makes the buffers of the slots and blocks of rows.
func (c *Convolution) reserve() {
	for range c.cfg.Frames + 1 {
		c.slots = append(c.slots, slot{add: make([]float32, c.cfg.Channels), gain: make([]float32, c.cfg.Channels)})
	}
	for range c.blocks() {
		c.taps = append(c.taps, [2][]kernel.Tap{make([]kernel.Tap, c.cfg.width()), make([]kernel.Tap, c.cfg.width())})
	}
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
	c.job.ring, c.job.feature, c.job.stack = r, f.Feature.Data, out
	defer func() { c.job.ring, c.job.feature, c.job.stack = nil, nil, Stack{} }()
	if out.U8 != nil {
		c.measure(&out)
	}
	if c.cfg.Frames == 0 {
		c.run(c.copies)
		return Reach{}
	}
	c.run(c.projects)
	if f.Lost != nil && len(f.Keep) > 0 {
		c.carry(f)
	}
	if c.cfg.Mode == Direct {
		c.gatherDirect(f)
	} else {
		c.gatherRecursive(f)
	}
	reach := f.reach(r)
	c.take(r, f)
	return reach
}

// run calls row for each row of a plane.
func (c *Convolution) run(row func(y int)) {
	c.row = row
	c.with.Run(c.blocks(), c.block)
}

// blocks is how many blocks of rows a plane has.
func (c *Convolution) blocks() int { return (c.cfg.height() + blockRows - 1) / blockRows }

func (c *Convolution) rowsOf(block int) {
	for y := block * blockRows; y < min((block+1)*blockRows, c.cfg.height()); y++ {
		c.row(y)
	}
}

// measure gives the slots the gains of a quantised stack.
func (c *Convolution) measure(out *Stack) {
	for i := range c.slots {
		for ch := range c.slots[i].gain {
			c.slots[i].gain[ch] = 1 / out.Scale(i, ch, c.cfg.Channels)
		}
	}
}

// Scale returns that of a channel of a slot, whose slots have that many channels.
func (s *Stack) Scale(slot, channel, channels int) float32 {
	slots := s.U8.Shape[3] / channels
	switch len(s.Scales) {
	case 1:
		return s.Scales[0]
	case slots:
		return s.Scales[slot]
	}
	return s.Scales[slot*channels+channel]
}

// take keeps the planes of the ring that stay and takes the current one as the newest.
func (c *Convolution) take(r *Ring, f Frame) {
	r.retain(f.Keep)
	p := r.empty()
	p.globalFromGrid, p.time, p.resampled = f.GlobalFromGrid, f.Time, 0
	p.raw, c.raw.current = c.raw.current, p.raw
	if c.cfg.Storage == Float32 {
		p.projected.f32, c.projected.current = c.projected.current, p.projected.f32
	} else {
		c.pack()
		p.projected, c.packer.to = c.packer.to, p.projected
	}
	r.planes = slices.Insert(r.planes, 0, p)
}

// pack makes cells of the current plane.
func (c *Convolution) pack() {
	if c.cfg.Storage == Int8 {
		c.with.Run(c.blocks(), c.tally)
		c.packer.fit()
	}
	c.run(c.packs)
}

func (c *Convolution) tallyBlock(i int) {
	n := c.cfg.width() * c.cfg.Channels
	first, last := i*blockRows*n, min((i+1)*blockRows, c.cfg.height())*n
	clear(c.packer.most[i])
	c.kernel.Largest(c.packer.most[i], c.projected.current[first:last])
}

func (c *Convolution) packRow(y int) {
	n := c.cfg.width() * c.cfg.Channels
	c.packer.pack(&c.kernel, y*n, c.projected.current[y*n:][:n])
}

// carry fills the current frame's lost cells with what the newest kept plane has there.
func (c *Convolution) carry(f Frame) {
	j := &c.job
	j.lost, j.newest = f.Lost, slot{index: f.Keep[0], from: j.ring.planes[f.Keep[0]].values, moved: true}
	j.newest.cells = c.cfg.cells(f.GlobalFromGrid.RelativeTo(j.ring.planes[f.Keep[0]].globalFromGrid))
	c.run(c.fills)
	j.lost = nil
}

func (c *Convolution) carryRow(y int) {
	width := c.cfg.width()
	lost := c.job.lost[y*width:][:width]
	if !slices.Contains(lost, true) {
		return
	}
	taps, row := c.locate(&c.job.newest, y, 0), strip{y, 0, width}
	c.carryCells(c.projected.current, c.align(&c.job.newest, taps, row), lost, y)
	if c.cfg.KeepFeatures {
		c.carryCells(c.raw.current, c.alignRaw(&c.job.newest, taps, row), lost, y)
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

func (c *Convolution) mustShapes(r *Ring, f Frame, out Stack) {
	cfg := &c.cfg
	if r.size != cfg.size() || r.keepsRaw != cfg.KeepFeatures || r.storage != cfg.Storage {
		panic(fmt.Sprintf("history: a ring of planes of %d values as %v, features kept %t, for a convolution over %d as %v, %t",
			r.size, r.storage, r.keepsRaw, cfg.size(), cfg.Storage, cfg.KeepFeatures))
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
		mustScales(out.Scales, cfg.Frames+1, depth)
	}
}

func mustScales(scales []float32, slots, depth int) {
	if n := len(scales); n != 1 && n != slots && n != depth {
		panic(fmt.Sprintf("history: %d stack scales, want 1, %d or %d", n, slots, depth))
	}
	for _, s := range scales {
		if !(s > 0) {
			panic(fmt.Sprintf("history: stack scale %v", s))
		}
	}
}

// copyRow writes one row of the current frame to a stack without history.
func (c *Convolution) copyRow(y int) {
	n, j := c.cfg.width()*c.cfg.Channels, &c.job
	if j.stack.F32 != nil {
		copy(j.stack.F32.Data[y*n:][:n], j.feature[y*n:][:n])
	} else {
		c.kernel.Quantise(j.stack.U8.Data[y*n:][:n], j.feature[y*n:][:n], c.slots[0].gain, j.stack.Zero)
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

// reach is by capture times, whatever the clock.
func (f *Frame) reach(r *Ring) Reach {
	n := len(f.Earlier)
	if n == 0 {
		return Reach{}
	}
	return Reach{Frames: n, Age: f.Time.Sub(r.planes[f.Earlier[n-1]].time)}
}
