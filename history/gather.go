package history

import (
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
)

// slot is what of the stack shows one plane.
type slot struct {
	index int       // of the plane in the ring, or current
	from  values    // the plane's, unless it is the current one
	moved bool      // whether the plane is to be resampled
	to    *room     // for what it becomes, if that is stored in its place
	cells affine    // from current cells to the plane's, if moved
	add   []float32 // C: what the plane's age adds
	gain  []float32 // C: bytes of the stack for its values
}

// room is where a plane is resampled to that is to replace another.
type room struct {
	values
	packer packer // unless they are stored as float32
}

// gatherDirect writes the stack in one pass, row by row: each plane is resampled from
// where it was seen.
func (c *Convolution) gatherDirect(f Frame) {
	for i := range c.slots {
		c.place(i, f, current)
	}
	c.gather(0, len(c.slots))
}

// passSlots is how many slots one pass of recursive mode writes. The pieces of the stack
// that it writes are the longer the more they are, and there is room for as many planes.
const passSlots = 4

// gatherRecursive writes a few slots after the other. What a plane that stays becomes
// replaces it, once for each frame that it is back.
func (c *Convolution) gatherRecursive(f Frame) {
	here, aligned := current, values{}
	for first := 0; first < len(c.slots); first += c.passSlots {
		last := min(first+c.passSlots, len(c.slots))
		for i := first; i < last; i++ {
			s := c.place(i, f, here)
			if s.index == here {
				s.from = aligned
			}
			if s.moved && c.job.ring.planes[s.index].resampled < min(i, len(f.Earlier)) && slices.Contains(f.Keep, s.index) {
				s.to = c.room(i-first, &s.from)
				here, aligned = s.index, s.to.values
			}
		}
		c.gather(first, last)
		for i := first; i < last; i++ {
			c.replace(&c.slots[i], f.GlobalFromGrid)
		}
	}
}

// room returns the nth room of a pass, for what a plane becomes.
func (c *Convolution) room(n int, from *values) *room {
	for len(c.rooms) <= n {
		c.rooms = append(c.rooms, &room{c.job.ring.room(), packer{inverse: make([]float32, c.cfg.Channels)}})
	}
	r := c.rooms[n]
	r.packer.to = r.projected
	r.packer.like(&from.projected)
	return r
}

// gather writes slots of the stack, from first to the one before last.
func (c *Convolution) gather(first, last int) {
	c.job.first, c.job.last = first, last
	c.run(c.gathers)
}

// place makes slot i of the frame; here is the plane that is in the current grid by
// now, or current.
func (c *Convolution) place(i int, f Frame, here int) *slot {
	s := &c.slots[i]
	s.index = current
	if i > 0 {
		s.index = f.plane(i - 1)
	}
	s.moved, s.to = s.index != current && s.index != here, nil
	if s.moved {
		s.from = c.job.ring.planes[s.index].values
		s.cells = c.cfg.cells(f.GlobalFromGrid.RelativeTo(c.job.ring.planes[s.index].globalFromGrid))
	}
	age := c.age(c.job.ring, f, min(i, len(f.Earlier)))
	for ch := range s.add {
		s.add[ch] = float32(float64(age*float64(c.weights.Age[ch])) + float64(c.weights.Bias[ch]))
	}
	return s
}

// replace puts what a slot's plane became in its place, if it is to be.
func (c *Convolution) replace(s *slot, globalFromGrid geom.Pose) {
	if s.to == nil {
		return
	}
	p := &c.job.ring.planes[s.index]
	p.globalFromGrid = globalFromGrid
	p.resampled++
	p.values, s.to.values = s.to.values, p.values
}

// gatherRow writes one row of the slots.
func (c *Convolution) gatherRow(y int) {
	for i := c.job.first; i < c.job.last; i++ {
		c.gatherSlot(i, y)
	}
}

func (c *Convolution) gatherSlot(i, y int) {
	cfg, s := &c.cfg, &c.slots[i]
	taps := c.locate(s, y)
	stride := (cfg.Frames + 1) * cfg.Channels
	at := y*cfg.width()*stride + i*cfg.Channels
	if s.moved && s.to == nil && cfg.Storage == Float32 {
		c.warpActivate(at, stride, s.from.projected.f32, taps, s)
	} else {
		row := c.align(s, taps, y)
		c.activate(at, stride, row, s)
		if s.to != nil {
			s.to.packer.pack(&c.kernel, y*len(row), row)
		}
	}
	if cfg.KeepFeatures && i > 0 {
		row := c.alignRaw(s, taps, y)
		copy(c.features.Data[((i-1)*cfg.height()+y)*len(row):], row)
	}
}

// locate returns where the cells of row y lie in the slot's plane, nil if that is where
// they are and its values are there as float32.
func (c *Convolution) locate(s *slot, y int) []kernel.Tap {
	line := kernel.Line{Y: float64(y), DX: 1}
	switch {
	case s.moved:
		line = s.cells.line(y)
	case s.index == current || c.cfg.Storage == Float32:
		return nil
	}
	taps := c.rows[y].taps
	c.kernel.Locate(taps, line, c.cfg.width(), c.cfg.height(), c.cfg.Channels)
	return taps
}

// align returns row y of a slot's plane, resampled if there are taps.
func (c *Convolution) align(s *slot, taps []kernel.Tap, y int) []float32 {
	n := c.cfg.width() * c.cfg.Channels
	if s.index == current {
		return c.projected.current[y*n:][:n]
	}
	plane, row := &s.from.projected, c.projected.spare[y*n:][:n]
	switch {
	case plane.bf16 != nil:
		c.kernel.WarpBF16(row, plane.bf16, taps, c.cfg.Channels)
		return row
	case plane.int8 != nil:
		c.kernel.WarpInt8(row, plane.int8, plane.scale, taps)
		return row
	case s.to != nil:
		row = s.to.projected.f32[y*n:][:n]
	}
	if taps == nil {
		return plane.f32[y*n:][:n]
	}
	c.kernel.Warp(row, plane.f32, taps, c.cfg.Channels)
	return row
}

// alignRaw is align of the planes as they came.
func (c *Convolution) alignRaw(s *slot, taps []kernel.Tap, y int) []float32 {
	n, plane, row := c.cfg.width()*c.cfg.Channels, s.from.raw, c.raw.spare
	switch {
	case s.index == current:
		plane = c.raw.current
	case s.to != nil:
		row = s.to.raw
	}
	if taps == nil {
		return plane[y*n:][:n]
	}
	row = row[y*n:][:n]
	c.kernel.Warp(row, plane, taps, c.cfg.Channels)
	return row
}

// warpActivate writes a row of a slot at that place of the stack.
func (c *Convolution) warpActivate(at, stride int, plane []float32, taps []kernel.Tap, s *slot) {
	if out := &c.job.stack; out.F32 != nil {
		c.kernel.WarpActivateF32(out.F32.Data[at:], plane, taps, s.add, stride)
	} else {
		c.kernel.WarpActivateU8(out.U8.Data[at:], plane, taps, s.gain, s.add, stride, out.Zero)
	}
}

// activate writes a row of a slot that is aligned already.
func (c *Convolution) activate(at, stride int, row []float32, s *slot) {
	if out := &c.job.stack; out.F32 != nil {
		c.kernel.ActivateF32(out.F32.Data[at:], row, s.add, stride)
	} else {
		c.kernel.ActivateU8(out.U8.Data[at:], row, s.gain, s.add, stride, out.Zero)
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
