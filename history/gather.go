package history

import (
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
	"github.com/solofusion/solofusion/internal/prefetch"
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
		c.slotOf(i, f, current)
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
			s := c.slotOf(i, f, here)
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

// slotOf makes slot i of the frame; here is the plane that is in the current grid by
// now, or current.
func (c *Convolution) slotOf(i int, f Frame, here int) *slot {
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

// strip is some cells of row y, from one to before another.
type strip struct{ y, from, to int }

// stripCells is how many cells of a slot are written between two calls for memory.
const stripCells = 16

// gatherRow writes one row of the slots. While one is written, what the next one reads and
// writes is brought into the cache.
func (c *Convolution) gatherRow(y int) {
	width, taps := c.cfg.width(), c.locate(&c.slots[c.job.first], y, c.job.first)
	for i := c.job.first; i < c.job.last; i++ {
		var next []kernel.Tap
		if i+1 < c.job.last {
			next = c.locate(&c.slots[i+1], y, i+1)
		}
		for x := 0; x < width; x += stripCells {
			at := strip{y, x, min(x+stripCells, width)}
			if i+1 < c.job.last {
				c.fetch(i+1, at, next)
			}
			c.gatherSlot(i, at, taps)
		}
		taps = next
	}
}

// gatherSlot writes a strip of a slot.
func (c *Convolution) gatherSlot(i int, at strip, taps []kernel.Tap) {
	s := &c.slots[i]
	if s.moved && s.to == nil && c.cfg.Storage == Float32 {
		c.warpActivate(i, at, taps)
	} else {
		cells := c.align(s, taps, at)
		c.activate(i, at, cells)
		if s.to != nil {
			s.to.packer.pack(&c.kernel, c.first(at), cells)
		}
	}
	if c.cfg.KeepFeatures && i > 0 {
		copy(c.features.Data[(i-1)*c.cfg.size()+c.first(at):], c.alignRaw(s, taps, at))
	}
}

// fetch brings into the cache what a slot reads and writes in a strip. Processors foresee it
// only within a page of memory, and a row has ten of them, in each slot's plane.
func (c *Convolution) fetch(i int, at strip, taps []kernel.Tap) {
	if plane := &c.slots[i].from.projected; taps != nil && plane.f32 != nil {
		for j := at.from; j < at.to; j++ {
			prefetch.Read(plane.f32[max(taps[j].Offset[0], 0):][:c.cfg.Channels])
			prefetch.Read(plane.f32[taps[j].Offset[2]:][:c.cfg.Channels])
		}
	}
	place, stride := c.place(i, at)
	for range at.to - at.from {
		if out := &c.job.stack; out.U8 != nil {
			prefetch.Write(out.U8.Data[place:][:c.cfg.Channels])
		} else {
			prefetch.Write(out.F32.Data[place:][:c.cfg.Channels])
		}
		place += stride
	}
}

// first returns the number of a strip's first value in a plane.
func (c *Convolution) first(at strip) int { return (at.y*c.cfg.width() + at.from) * c.cfg.Channels }

// place returns where the first cell of a slot's strip is in the stack, and how far from it the next one.
func (c *Convolution) place(i int, at strip) (first, stride int) {
	stride = (c.cfg.Frames + 1) * c.cfg.Channels
	return (at.y*c.cfg.width()+at.from)*stride + i*c.cfg.Channels, stride
}

// locate returns where the cells of row y lie in slot i's plane, nil if that is where they are
// and its values are there as float32. They are valid until slot i + 2 is located.
func (c *Convolution) locate(s *slot, y, i int) []kernel.Tap {
	line := kernel.Line{Y: float64(y), DX: 1}
	switch {
	case s.moved:
		line = s.cells.line(y)
	case s.index == current || c.cfg.Storage == Float32:
		return nil
	}
	taps := c.taps[y/blockRows][i%2]
	c.kernel.Locate(taps, line, c.cfg.width(), c.cfg.height(), c.cfg.Channels)
	return taps
}

// align returns a strip of a slot's plane, resampled if there are taps.
func (c *Convolution) align(s *slot, taps []kernel.Tap, at strip) []float32 {
	first, n := c.first(at), (at.to-at.from)*c.cfg.Channels
	if s.index == current {
		return c.projected.current[first:][:n]
	}
	plane, cells := &s.from.projected, c.projected.spare[first:][:n]
	switch {
	case plane.bf16 != nil:
		c.kernel.WarpBF16(cells, plane.bf16, taps[at.from:at.to], c.cfg.Channels)
		return cells
	case plane.int8 != nil:
		c.kernel.WarpInt8(cells, plane.int8, plane.scale, taps[at.from:at.to])
		return cells
	case s.to != nil:
		cells = s.to.projected.f32[first:][:n]
	}
	if taps == nil {
		return plane.f32[first:][:n]
	}
	c.kernel.Warp(cells, plane.f32, taps[at.from:at.to], c.cfg.Channels)
	return cells
}

// alignRaw is align of the planes as they came.
func (c *Convolution) alignRaw(s *slot, taps []kernel.Tap, at strip) []float32 {
	first, n, plane, cells := c.first(at), (at.to-at.from)*c.cfg.Channels, s.from.raw, c.raw.spare
	switch {
	case s.index == current:
		plane = c.raw.current
	case s.to != nil:
		cells = s.to.raw
	}
	if taps == nil {
		return plane[first:][:n]
	}
	cells = cells[first:][:n]
	c.kernel.Warp(cells, plane, taps[at.from:at.to], c.cfg.Channels)
	return cells
}

// warpActivate writes a strip of a slot whose plane is resampled.
func (c *Convolution) warpActivate(i int, at strip, taps []kernel.Tap) {
	s, plane := &c.slots[i], c.slots[i].from.projected.f32
	first, stride := c.place(i, at)
	if out := &c.job.stack; out.F32 != nil {
		c.kernel.WarpActivateF32(out.F32.Data[first:], plane, taps[at.from:at.to], s.add, stride)
	} else {
		c.kernel.WarpActivateU8(out.U8.Data[first:], plane, taps[at.from:at.to], s.gain, s.add, stride, out.Zero)
	}
}

// activate writes a strip of a slot that is aligned already.
func (c *Convolution) activate(i int, at strip, cells []float32) {
	s := &c.slots[i]
	first, stride := c.place(i, at)
	if out := &c.job.stack; out.F32 != nil {
		c.kernel.ActivateF32(out.F32.Data[first:], cells, s.add, stride)
	} else {
		c.kernel.ActivateU8(out.U8.Data[first:], cells, s.gain, s.add, stride, out.Zero)
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
