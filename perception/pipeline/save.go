package pipeline

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/stereo"
)

// A saved memory is a line that names the format, the length of a header, the
// header in JSON, stereo's past, the history, and the CRC-32C of all that.
// Numbers are little-endian.
const (
	savedTitle   = "solofusion memory\n"
	savedVersion = 5
	savedHeader  = 1 << 20 // bytes of a header, at most
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what a saved memory is of. A detector that differs in any of it but
// the sequence and the rig cannot go on with it.
type header struct {
	Version  int             `json:"version"`
	Model    string          `json:"model"`   // SHA-256 of the bundle's manifest, which covers all of it
	History  string          `json:"history"` // mode
	Time     string          `json:"time"`    // clock
	Storage  string          `json:"storage"`
	Features bool            `json:"features"`
	Ended    string          `json:"ended"`
	Last     time.Time       `json:"last"`
	Kept     []time.Time     `json:"kept"`
	Slow     string          `json:"slow"`
	Way      way             `json:"way"`
	Rig      *perception.Rig `json:"rig"`
	Origin   geom.Vec3       `json:"origin"`
	Still    []still         `json:"still"`

	Seen map[string]time.Time `json:"seen"`
}

func (m *Memory) header() header {
	d := m.detector
	return header{
		Version: savedVersion, Model: d.bundle.Digest,
		History: d.mode.String(), Time: d.clock.String(), Storage: d.storage.String(), Features: d.options.KeepFeatures,
		Ended: m.sequence.ended, Last: m.sequence.last, Kept: m.sequence.kept, Slow: m.sequence.slow, Way: m.sequence.way,
		Rig: m.calibration(), Origin: m.origin, Still: m.still, Seen: m.seen,
	}
}

// Save writes the memory, so that [Detector.LoadMemory] of a detector with the
// same bundle, kernels, mode and time of history gives one that continues with the
// same bytes. No set may be under way.
func (m *Memory) Save(w io.Writer) error {
	sum := crc32.New(castagnoli)
	out := io.MultiWriter(w, sum)
	text, err := json.Marshal(m.header())
	if err != nil {
		return fmt.Errorf("pipeline: memory's header: %w", err)
	}
	var start bytes.Buffer
	start.WriteString(savedTitle)
	_ = binary.Write(&start, binary.LittleEndian, uint32(len(text))) // a buffer takes everything
	start.Write(text)
	if _, err := out.Write(start.Bytes()); err != nil {
		return fmt.Errorf("pipeline: memory: %w", err)
	}
	if err := errors.Join(m.past.Save(out), m.ring.Save(out)); err != nil {
		return fmt.Errorf("pipeline: memory: %w", err)
	}
	if err := binary.Write(w, binary.LittleEndian, sum.Sum32()); err != nil {
		return fmt.Errorf("pipeline: memory: %w", err)
	}
	return nil
}

// LoadMemory reads what [Memory.Save] wrote, and nothing beyond it. The
// error is the reason if that is no saved memory, is damaged, or is of another
// bundle or of a detector whose history is aligned or timed in another way.
func (d *Detector) LoadMemory(r io.Reader) (*Memory, error) {
	m, err := d.loadMemory(r)
	if err != nil {
		return nil, fmt.Errorf("pipeline: saved memory: %w", err)
	}
	return m, nil
}

func (d *Detector) loadMemory(r io.Reader) (*Memory, error) {
	sum := crc32.New(castagnoli)
	in := io.TeeReader(r, sum)
	h, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	m := d.NewMemory()
	if err := h.fits(m.header()); err != nil {
		return nil, err
	}
	m.sequence, m.origin = sequence{ended: h.Ended, last: h.Last, kept: h.Kept, slow: h.Slow, way: h.Way}, h.Origin
	if m.seen = h.Seen; m.seen == nil {
		m.seen = map[string]time.Time{}
	}
	if h.Rig != nil {
		if m.rig, err = d.mount(h.Rig); err != nil {
			return nil, err
		}
		if m.still = h.Still; len(m.still) != m.rows() {
			return nil, fmt.Errorf("it has the last images of %d cameras, want %d", len(m.still), m.rows())
		}
	}
	if err := m.loadArrays(in); err != nil {
		return nil, err
	}
	want := sum.Sum32()
	var got uint32
	if err := binary.Read(r, binary.LittleEndian, &got); err != nil {
		return nil, fmt.Errorf("it ends before its checksum: %w", err)
	}
	if got != want {
		return nil, fmt.Errorf("it is damaged: its checksum is %08x, its content's %08x", got, want)
	}
	return m, nil
}

// loadArrays reads stereo's past and the history, which must be of the kept sets.
func (m *Memory) loadArrays(in io.Reader) error {
	manifest, rule, kept := &m.detector.bundle.Manifest, m.detector.rule, len(m.sequence.kept)
	if kept > rule.Most() {
		return fmt.Errorf("it keeps %d sets, want at most %d", kept, rule.Most())
	}
	if !slices.IsSortedFunc(m.sequence.kept, func(a, b time.Time) int { return b.Compare(a) }) {
		return errors.New("its sets are not in order of time")
	}
	fine := manifest.Fine()
	err := m.past.Load(in, stereo.Most{Frames: kept, Views: m.rows(), Features: fine.Pixels() * manifest.Features.Stereo})
	if err != nil {
		return err
	}
	if err := m.ring.Load(in, kept); err != nil {
		return err
	}
	if n := m.ring.Len(); manifest.History.Frames > 0 && n != kept {
		return fmt.Errorf("its history has %d planes, want %d", n, kept)
	}
	if n, want := m.past.Len(), rule.Near(m.sequence.kept); manifest.HasStereo() && n != want {
		return fmt.Errorf("its stereo past has %d frames, want %d", n, want)
	}
	return nil
}

func readHeader(r io.Reader) (h header, err error) {
	title := make([]byte, len(savedTitle))
	if _, err := io.ReadFull(r, title); err != nil || string(title) != savedTitle {
		return h, errors.New("it does not begin with a saved memory's first line, want what Save wrote")
	}
	var n uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return h, fmt.Errorf("it ends in its header: %w", err)
	}
	if n > savedHeader {
		return h, fmt.Errorf("its header has %d bytes, want at most %d", n, savedHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, fmt.Errorf("it ends in its header: %w", err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("its header: %w", err)
	}
	return h, nil
}

// fits returns an error unless a memory with this header continues under a
// detector whose own has the other.
func (h *header) fits(own header) error {
	switch {
	case h.Version != own.Version:
		return fmt.Errorf("it has version %d, want %d", h.Version, own.Version)
	case h.Model != own.Model:
		return fmt.Errorf("it is of the bundle with digest %.12s, want %.12s", h.Model, own.Model)
	case h.History != own.History || h.Time != own.Time:
		return fmt.Errorf("its history is %s and %s, want %s and %s as in this detector", h.History, h.Time, own.History, own.Time)
	case h.Storage != own.Storage:
		return fmt.Errorf("its planes are stored as %s, want %s as in this detector", h.Storage, own.Storage)
	case h.Features != own.Features:
		return fmt.Errorf("it keeps features: %t, want %t as in this detector", h.Features, own.Features)
	}
	return nil
}
