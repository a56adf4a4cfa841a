package stereo

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/solofusion/solofusion/geom"
)

// Past is what one rig's cameras saw in some earlier frames, newest first: all that
// matching remembers. Which they are is the caller's choice. The zero value has none.
type Past struct {
	frames []sight
	free   []sight // whose arrays are not in use
}

// sight is what the cameras saw in one frame. Features is all of the views'.
type sight struct {
	views       []View
	features    []float32
	interleaved layout // that descriptors have; zero: as they came
}

// layout is how descriptors are interleaved: channel j of group g is at
// j·groups + g. Channels in the same order in all maps correlate alike.
type layout struct{ channels, groups int }

// Len returns the number of frames.
func (p *Past) Len() int { return len(p.frames) }

// Forget frees all frames.
func (p *Past) Forget() { p.retain(nil) }

// room returns the cameras of the views, with room for their features.
func (p *Past) room(views []View) sight {
	size := 0
	for i := range views {
		size += len(views[i].Features)
	}
	s := p.empty()
	s.features = slices.Grow(s.features, size)[:size]
	at := 0
	for _, v := range views {
		n := len(v.Features)
		s.views = append(s.views, View{Camera: v.Camera, Features: s.features[at:][:n:n]})
		at += n
	}
	return s
}

// keep keeps the frames that stay, and s as the newest.
func (p *Past) keep(stay []int, s sight) {
	p.retain(stay)
	p.frames = slices.Insert(p.frames, 0, s)
}

// empty returns a sight of no views.
func (p *Past) empty() (s sight) {
	if n := len(p.free); n > 0 {
		s, p.free = p.free[n-1], p.free[:n-1]
	}
	return sight{views: s.views[:0], features: s.features[:0]}
}

// retain frees the frames that do not stay.
func (p *Past) retain(stay []int) {
	next := 0
	for i, s := range p.frames {
		if next < len(stay) && stay[next] == i {
			p.frames[next] = s
			next++
		} else {
			p.free = append(p.free, s)
		}
	}
	p.frames = p.frames[:next]
}

// Save writes the past, little-endian.
func (p *Past) Save(w io.Writer) error {
	parts := []any{uint32(len(p.frames))}
	for i := range p.frames {
		s := &p.frames[i]
		cameras := make([]geom.Camera, len(s.views))
		for k := range s.views {
			cameras[k] = s.views[k].Camera
		}
		parts = append(parts, uint32(len(cameras)), cameras, s.natural())
	}
	for _, part := range parts {
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("stereo: past: %w", err)
		}
	}
	return nil
}

// natural returns the features as they came.
func (s *sight) natural() []float32 {
	l := s.interleaved
	if l == (layout{}) {
		return s.features
	}
	x := slices.Clone(s.features)
	for at := 0; at < len(x); at += l.channels {
		for i, v := range s.features[at:][:l.channels] {
			x[at+i%l.groups*(l.channels/l.groups)+i/l.groups] = v
		}
	}
	return x
}

// Most bounds a saved past: the frames, the views of each and the numbers of features
// of each view.
type Most struct{ Frames, Views, Features int }

// Load reads what Save wrote, of views with just that many features.
func (p *Past) Load(r io.Reader, most Most) error {
	if err := p.load(r, most); err != nil {
		return fmt.Errorf("stereo: past: %w", err)
	}
	return nil
}

func (p *Past) load(r io.Reader, most Most) error {
	n, err := number(r, "frames", most.Frames)
	if err != nil {
		return err
	}
	*p = Past{}
	for range n {
		s, err := loadSight(r, most)
		if err != nil {
			return err
		}
		p.frames = append(p.frames, s)
	}
	return nil
}

func loadSight(r io.Reader, most Most) (s sight, err error) {
	n, err := number(r, "views", most.Views)
	if err != nil {
		return s, err
	}
	cameras := make([]geom.Camera, n)
	s.features = make([]float32, n*most.Features)
	for _, part := range []any{cameras, s.features} {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return s, err
		}
	}
	for i, c := range cameras {
		s.views = append(s.views, View{Camera: c, Features: s.features[i*most.Features:][:most.Features:most.Features]})
	}
	return s, nil
}

// number reads a number of at most that many things.
func number(r io.Reader, things string, most int) (int, error) {
	var n uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return 0, err
	}
	if int64(n) > int64(most) {
		return 0, fmt.Errorf("%d %s, want at most %d", n, things, most)
	}
	return int(n), nil
}
