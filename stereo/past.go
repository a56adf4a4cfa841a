package stereo

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/solofusion/solofusion/geom"
)

// Past is what one rig's cameras saw in its last frame: all that matching
// remembers. The zero value is the past of a frame that begins a sequence.
type Past struct {
	begun    bool      // whether there was a frame
	views    []View    // their features are in features
	features []float32 // of all views, one after another
}

// Forget makes the next frame begin a sequence: it is matched against itself.
func (p *Past) Forget() { p.begun, p.views = false, p.views[:0] }

// or returns the past views, or the current ones if these begin a sequence.
func (p *Past) or(current []View) []View {
	if !p.begun {
		return current
	}
	return p.views
}

// keep copies the views of a frame.
func (p *Past) keep(current []View) {
	p.begun, p.views, p.features = true, p.views[:0], p.features[:0]
	n := 0
	for i := range current {
		n += len(current[i].Features)
	}
	p.features = slices.Grow(p.features, n)
	for _, v := range current {
		from := len(p.features)
		p.features = append(p.features, v.Features...)
		v.Features = p.features[from:len(p.features):len(p.features)]
		p.views = append(p.views, v)
	}
}

// savedPast is the fixed part of a saved past: its cameras and features follow.
type savedPast struct {
	Begun bool
	Views uint32
}

// Save writes the past, little-endian.
func (p *Past) Save(w io.Writer) error {
	cameras := make([]geom.Camera, len(p.views))
	for i := range p.views {
		cameras[i] = p.views[i].Camera
	}
	for _, part := range []any{savedPast{p.begun, uint32(len(p.views))}, cameras, p.features[:p.length()]} {
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("stereo: past: %w", err)
		}
	}
	return nil
}

// length is the number of all views' features.
func (p *Past) length() (n int) {
	for i := range p.views {
		n += len(p.views[i].Features)
	}
	return n
}

// Load reads what Save wrote: of at most that many views, each with that many
// numbers of features.
func (p *Past) Load(r io.Reader, most, features int) error {
	var fixed savedPast
	if err := binary.Read(r, binary.LittleEndian, &fixed); err != nil {
		return fmt.Errorf("stereo: past: %w", err)
	}
	if int64(fixed.Views) > int64(most) {
		return fmt.Errorf("stereo: past of %d views, want at most %d", fixed.Views, most)
	}
	cameras, values := make([]geom.Camera, fixed.Views), make([]float32, int(fixed.Views)*features)
	for _, part := range []any{cameras, values} {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("stereo: past: %w", err)
		}
	}
	views := make([]View, len(cameras))
	for i := range views {
		views[i] = View{Camera: cameras[i], Features: values[i*features:][:features:features]}
	}
	*p = Past{begun: fixed.Begun, views: views, features: values}
	return nil
}
