package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/solofusion/solofusion/geom"
)

// Ring is one rig's history: planes of earlier frames, and where and when they were
// seen. Which of them a frame is stacked with and which stay is the caller's
// choice; [Convolution.Step] reads the ring and takes a frame in.
type Ring struct {
	size     int // values of a plane
	channels int // of a cell
	storage  Storage
	keepsRaw bool // whether f is kept beside W f
	planes   []plane
	free     []plane // whose arrays are not in use
}

// plane is what an earlier frame left.
type plane struct {
	values
	globalFromGrid geom.Pose // whose grid they are in
	time           time.Time // of the frame
	resampled      int       // times, in recursive mode
}

// values are a plane's.
type values struct {
	projected cells     // W f
	raw       []float32 // f, Y X C; nil unless it is kept
}

// NewRing returns an empty ring for the convolution's configuration.
func (c *Convolution) NewRing() *Ring {
	return &Ring{size: c.cfg.size(), channels: c.cfg.Channels, storage: c.cfg.Storage, keepsRaw: c.cfg.KeepFeatures}
}

// Len returns the number of planes.
func (r *Ring) Len() int { return len(r.planes) }

// Forget frees all planes.
func (r *Ring) Forget() { r.retain(nil) }

// empty returns a plane whose arrays may be written.
func (r *Ring) empty() (p plane) {
	if n := len(r.free); n > 0 {
		p, r.free = r.free[n-1], r.free[:n-1]
		return p
	}
	p.values = r.room()
	return p
}

// room returns values for a plane.
func (r *Ring) room() (v values) {
	v.projected = r.storage.room(r.size, r.channels)
	if r.keepsRaw {
		v.raw = make([]float32, r.size)
	}
	return v
}

// retain frees the planes that do not stay.
func (r *Ring) retain(stay []int) {
	next := 0
	for i, p := range r.planes {
		if next < len(stay) && stay[next] == i {
			r.planes[next] = p
			next++
		} else {
			r.free = append(r.free, p)
		}
	}
	r.planes = r.planes[:next]
}

// savedPlane is the fixed part of a plane as it is saved.
type savedPlane struct {
	GlobalFromGrid geom.Pose
	Seconds, Nanos int64 // since 1970
	Resampled      int64
}

// arrays returns the planes' arrays in the order in which they are saved.
func (r *Ring) arrays() (all []any) {
	for i := range r.planes {
		all = append(all, r.planes[i].projected.arrays()...)
	}
	for i := range r.planes {
		all = append(all, r.planes[i].raw)
	}
	return all
}

// Save writes the ring, little-endian.
func (r *Ring) Save(w io.Writer) error {
	parts := []any{int64(len(r.planes))}
	for i := range r.planes {
		p := &r.planes[i]
		parts = append(parts, savedPlane{p.globalFromGrid, p.time.Unix(), int64(p.time.Nanosecond()), int64(p.resampled)})
	}
	for _, part := range append(parts, r.arrays()...) {
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("history: ring: %w", err)
		}
	}
	return nil
}

// Load reads what Save wrote of a ring with the same configuration and at most that
// many planes.
func (r *Ring) Load(in io.Reader, most int) error {
	if err := r.load(in, most); err != nil {
		return fmt.Errorf("history: ring: %w", err)
	}
	return nil
}

func (r *Ring) load(in io.Reader, most int) error {
	read := func(part any) error { return binary.Read(in, binary.LittleEndian, part) }
	var n int64
	if err := read(&n); err != nil {
		return err
	}
	if n < 0 || n > int64(most) {
		return fmt.Errorf("%d planes, want 0 to %d", n, most)
	}
	r.Forget()
	for range n {
		var s savedPlane
		if err := read(&s); err != nil {
			return err
		}
		if !s.GlobalFromGrid.IsFinite() || s.Resampled < 0 {
			return errors.New("a plane's pose is not finite or its number of resamplings negative")
		}
		p := r.empty()
		p.globalFromGrid, p.time, p.resampled = s.GlobalFromGrid, time.Unix(s.Seconds, s.Nanos).UTC(), int(s.Resampled)
		r.planes = append(r.planes, p)
	}
	for _, values := range r.arrays() {
		if err := read(values); err != nil {
			return err
		}
	}
	return nil
}
