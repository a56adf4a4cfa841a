package history

import (
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
)

// slot is what of the stack shows one plane.
type slot struct {
	index    int       // of the plane in the ring, or current
	moved    bool      // whether the plane is to be resampled
	replaced bool      // whether what it becomes is stored in its place
	cells    affine    // from current cells to the plane's, if moved
	add      []float32 // C: what the plane's age adds
	gain     []float32 // C: bytes of the stack for its values
}

// gatherDirect writes the stack in one pass, row by row: each plane is resampled from
// where it was seen.
func (c *Convolution) gatherDirect(f Frame) {
	for i := range c.slots {
		c.place(i, f, current)
	}
	c.gather(0, len(c.slots))
}

// gatherRecursive writes one slot after the other. What a plane that stays becomes replaces
// it, once for each frame that it is back.
func (c *Convolution) gatherRecursive(f Frame) {
	here := current
	for i := range c.slots {
		s, n := c.place(i, f, here), min(i, len(f.Earlier))
		s.replaced = s.moved && c.job.ring.planes[s.index].resampled < n && slices.Contains(f.Keep, s.index)
		if s.replaced {
			c.packer.like(&c.job.ring.planes[s.index].projected)
		}
		c.gather(i, i+1)
		if s.replaced {
			c.replace(s.index, f.GlobalFromGrid)
			here = s.index
		}
	}
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
	s.moved = s.index != current && s.index != here
	if s.moved {
		s.cells = c.cfg.cells(f.GlobalFromGrid.RelativeTo(c.job.ring.planes[s.index].globalFromGrid))
	}
	age := c.age(c.job.ring, f, min(i, len(f.Earlier)))
	for ch := range s.add {
		s.add[ch] = float32(float64(age*float64(c.weights.Age[ch])) + float64(c.weights.Bias[ch]))
	}
	return s
}

// replace takes a plane's resampled values in its place.
func (c *Convolution) replace(index int, globalFromGrid geom.Pose) {
	p := &c.job.ring.planes[index]
	p.globalFromGrid = globalFromGrid
	p.resampled++
	if c.cfg.Storage == Float32 {
		p.projected.f32, c.projected.spare = c.projected.spare, p.projected.f32
	} else {
		p.projected, c.packer.to = c.packer.to, p.projected
	}
	p.raw, c.raw.spare = c.raw.spare, p.raw
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
	if s.moved && !s.replaced && cfg.Storage == Float32 {
		c.warpActivate(at, stride, c.job.ring.planes[s.index].projected.f32, taps, s)
	} else {
		row := c.align(s.index, taps, y)
		c.activate(at, stride, row, s)
		if s.replaced {
			c.packer.pack(&c.kernel, y*len(row), row)
		}
	}
	if cfg.KeepFeatures && i > 0 {
		row := c.alignRaw(s.index, taps, y)
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

// align returns row y of a plane of the ring, or of the current one, resampled if there
// are taps.
func (c *Convolution) align(index int, taps []kernel.Tap, y int) []float32 {
	n := c.cfg.width() * c.cfg.Channels
	if index == current {
		return c.projected.current[y*n:][:n]
	}
	plane, row := &c.job.ring.planes[index].projected, c.projected.spare[y*n:][:n]
	switch {
	case plane.bf16 != nil:
		c.kernel.WarpBF16(row, plane.bf16, taps, c.cfg.Channels)
	case plane.int8 != nil:
		c.kernel.WarpInt8(row, plane.int8, plane.scale, taps)
	case taps == nil:
		return plane.f32[y*n:][:n]
	default:
		c.kernel.Warp(row, plane.f32, taps, c.cfg.Channels)
	}
	return row
}

// alignRaw is align of the planes as they came.
func (c *Convolution) alignRaw(index int, taps []kernel.Tap, y int) []float32 {
	n, plane := c.cfg.width()*c.cfg.Channels, c.raw.current
	if index != current {
		plane = c.job.ring.planes[index].raw
	}
	if taps == nil {
		return plane[y*n:][:n]
	}
	row := c.raw.spare[y*n:][:n]
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
