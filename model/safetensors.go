package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/solofusion/solofusion/tensor"
)

// maxHeader bounds the header's bytes; weights outside graphs are a few.
const maxHeader = 1 << 20

// entry is one tensor in a safetensors header.
type entry struct {
	Dtype   string    `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// readSafetensors reads the float32 tensors of a file in the safetensors
// format: the header's length in eight bytes, a JSON header, then data that
// the tensors cover without gap or overlap. Other element types are refused.
func readSafetensors(data []byte) (map[string]*tensor.F32, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("%d bytes are too few for a header", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader || n > uint64(len(data)-8) {
		return nil, fmt.Errorf("header of %d bytes exceeds the file or %d bytes", n, maxHeader)
	}
	entries, err := readHeader(data[8 : 8+n])
	if err != nil {
		return nil, err
	}
	return readEntries(entries, data[8+n:])
}

func readHeader(header []byte) (map[string]entry, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(header, &raw); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	delete(raw, "__metadata__")
	entries := make(map[string]entry, len(raw))
	for name, text := range raw {
		var e entry
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		entries[name] = e
	}
	return entries, nil
}

func readEntries(entries map[string]entry, body []byte) (map[string]*tensor.F32, error) {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := compare(entries[a].Offsets, entries[b].Offsets); c != 0 {
			return c
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	tensors, end := make(map[string]*tensor.F32, len(names)), uint64(0)
	for _, name := range names {
		e := entries[name]
		if e.Offsets[0] != end || e.Offsets[1] < end || e.Offsets[1] > uint64(len(body)) {
			return nil, fmt.Errorf("tensor %q: data %d to %d leave a gap, overlap or exceed the file", name, e.Offsets[0], e.Offsets[1])
		}
		t, err := e.read(body[e.Offsets[0]:e.Offsets[1]])
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		tensors[name], end = t, e.Offsets[1]
	}
	if end != uint64(len(body)) {
		return nil, fmt.Errorf("%d bytes after the last tensor", uint64(len(body))-end)
	}
	return tensors, nil
}

func compare(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }

func (e *entry) read(data []byte) (*tensor.F32, error) {
	if e.Dtype != "F32" {
		return nil, fmt.Errorf("element type %q, want F32", e.Dtype)
	}
	size := 1
	for _, d := range e.Shape {
		if d < 0 || (d > 0 && size > len(data)/d) {
			return nil, fmt.Errorf("shape %v does not fit %d bytes", e.Shape, len(data))
		}
		size *= d
	}
	if 4*size != len(data) {
		return nil, fmt.Errorf("shape %v does not fit %d bytes", e.Shape, len(data))
	}
	t := tensor.New[float32](e.Shape...)
	for i := range t.Data {
		t.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		if x := float64(t.Data[i]); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, errors.New("a value is not finite")
		}
	}
	return t, nil
}
