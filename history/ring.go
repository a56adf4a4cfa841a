package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/solofusion/solofusion/geom"
)

// Ring is one rig's history: the past planes, and where and when they were
// seen. It has no algorithm; [Convolution.Step] reads it and takes a frame in.
type Ring struct {
	slots    []slot // newest first
	earlier  int    // real earlier frames; -1 before the first
	previous geom.Pose

	projected [][]float32 // of each slot: W f, Y X C
	raw       [][]float32 // of each slot: f; nil unless they are kept
}

// slot is what is known of a past plane beside its values.
type slot struct {
	globalFromGrid geom.Pose
	time           time.Time
	steps          int64
}

// NewRing returns an empty ring for the convolution's configuration.
func (c *Convolution) NewRing() *Ring {
	r := &Ring{slots: make([]slot, c.cfg.Frames), earlier: -1}
	r.projected = planes(c.cfg.Frames, c.cfg.size())
	if c.cfg.KeepFeatures {
		r.raw = planes(c.cfg.Frames, c.cfg.size())
	}
	return r
}

func planes(n, size int) [][]float32 {
	p := make([][]float32, n)
	for i := range p {
		p[i] = make([]float32, size)
	}
	return p
}

// Forget makes the next frame begin a sequence.
func (r *Ring) Forget() { r.earlier = -1 }

// fill makes every slot a copy of the current frame.
func (r *Ring) fill(f Frame, projected, raw []float32) {
	r.earlier = 0
	for i := range r.slots {
		r.slots[i] = slot{globalFromGrid: f.GlobalFromGrid, time: f.Time}
		copy(r.projected[i], projected)
		if r.raw != nil {
			copy(r.raw[i], raw)
		}
	}
}

// advance counts a frame that follows.
func (r *Ring) advance() {
	r.earlier = min(r.earlier+1, len(r.slots))
	for i := range r.slots {
		r.slots[i].steps++
	}
}

// push takes the current frame as the newest, in place of the oldest. The
// buffers of planes change owners: the current ones become the ring's, and the
// oldest slot's are returned in their place.
func (r *Ring) push(f Frame, projected, raw []float32) (freeProjected, freeRaw []float32) {
	copy(r.slots[1:], r.slots)
	r.slots[0] = slot{globalFromGrid: f.GlobalFromGrid, time: f.Time}
	r.previous = f.GlobalFromGrid
	if r.raw != nil {
		freeRaw = rotate(r.raw, raw)
	}
	return rotate(r.projected, projected), freeRaw
}

// rotate puts newest before the others and returns the last.
func rotate(planes [][]float32, newest []float32) (oldest []float32) {
	oldest = planes[len(planes)-1]
	copy(planes[1:], planes)
	planes[0] = newest
	return oldest
}

// savedSlot is a slot as it is saved.
type savedSlot struct {
	GlobalFromGrid geom.Pose
	Seconds, Nanos int64 // since 1970
	Steps          int64
}

// parts returns the planes in the order in which they are saved.
func (r *Ring) parts() (all []any) {
	for _, planes := range [][][]float32{r.projected, r.raw} {
		for _, p := range planes {
			all = append(all, p)
		}
	}
	return all
}

// Save writes the ring, little-endian. Of a ring that has seen no frame of the
// sequence that begins next it writes just that.
func (r *Ring) Save(w io.Writer) error {
	parts := []any{int64(r.earlier)}
	if r.earlier >= 0 {
		parts = append(parts, r.previous)
		for i := range r.slots {
			s := &r.slots[i]
			parts = append(parts, savedSlot{s.globalFromGrid, s.time.Unix(), int64(s.time.Nanosecond()), s.steps})
		}
		parts = append(parts, r.parts()...)
	}
	for _, part := range parts {
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("history: ring: %w", err)
		}
	}
	return nil
}

// Load reads what Save wrote of a ring with the same configuration.
func (r *Ring) Load(in io.Reader) error {
	if err := r.load(in); err != nil {
		return fmt.Errorf("history: ring: %w", err)
	}
	return nil
}

func (r *Ring) load(in io.Reader) error {
	read := func(part any) error { return binary.Read(in, binary.LittleEndian, part) }
	var earlier int64
	if err := read(&earlier); err != nil {
		return err
	}
	if earlier < -1 || earlier > int64(len(r.slots)) {
		return fmt.Errorf("%d earlier frames, want -1 to %d", earlier, len(r.slots))
	}
	r.earlier = int(earlier)
	if r.earlier < 0 {
		return nil
	}
	if err := read(&r.previous); err != nil {
		return err
	}
	for i := range r.slots {
		var s savedSlot
		if err := read(&s); err != nil {
			return err
		}
		if !s.GlobalFromGrid.IsFinite() || s.Steps < 0 {
			return errors.New("a slot's pose is not finite or its age negative")
		}
		r.slots[i] = slot{s.GlobalFromGrid, time.Unix(s.Seconds, s.Nanos).UTC(), s.Steps}
	}
	for _, p := range r.parts() {
		if err := read(p); err != nil {
			return err
		}
	}
	return nil
}
