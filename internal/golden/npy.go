package golden

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/tensor"
)

// Archive is an open .npz file.
type Archive struct {
	t     testing.TB
	path  string
	files map[string]*zip.File
}

// Open opens a .npz file for the length of the test.
func Open(t testing.TB, path string) *Archive {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatalf("golden: %v", err)
	}
	t.Cleanup(func() { z.Close() })
	a := &Archive{t: t, path: path, files: map[string]*zip.File{}}
	for _, f := range z.File {
		a.files[strings.TrimSuffix(f.Name, ".npy")] = f
	}
	return a
}

// Has reports whether the archive holds the named array.
func (a *Archive) Has(name string) bool { return a.files[name] != nil }

// Array reads the named array and converts its elements to T; booleans become
// 0 and 1.
func Array[T tensor.Elem](a *Archive, name string) *tensor.Dense[T] {
	a.t.Helper()
	f := a.files[name]
	if f == nil {
		a.t.Fatalf("golden: %s has no array %q", a.path, name)
	}
	r, err := f.Open()
	if err != nil {
		a.t.Fatalf("golden: %s: %s: %v", a.path, name, err)
	}
	defer r.Close()
	d, err := ReadNpy[T](r)
	if err != nil {
		a.t.Fatalf("golden: %s: %s: %v", a.path, name, err)
	}
	return d
}

// npyHeader matches the dictionary that describes an array in C order.
var npyHeader = regexp.MustCompile(`'descr': '([<|]\w+)', 'fortran_order': False, 'shape': \(([\d, ]*)\)`)

// ReadNpy reads an array in NumPy's format (C order, little-endian numbers or
// booleans) and converts its elements to T.
func ReadNpy[T tensor.Elem](r io.Reader) (*tensor.Dense[T], error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	header, body, err := splitNpy(b)
	if err != nil {
		return nil, err
	}
	m := npyHeader.FindStringSubmatch(header)
	if m == nil {
		return nil, fmt.Errorf("header %q is not of a C-ordered little-endian array", header)
	}
	var shape []int
	for s := range strings.FieldsFuncSeq(m[2], func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		shape = append(shape, n)
	}
	data, err := convert[T](m[1], body, tensor.Size(shape))
	if err != nil {
		return nil, err
	}
	return tensor.From(data, shape...), nil
}

func splitNpy(b []byte) (header string, body []byte, err error) {
	if len(b) < 12 || string(b[:6]) != "\x93NUMPY" {
		return "", nil, fmt.Errorf("not an .npy file")
	}
	start, n := 10, int(binary.LittleEndian.Uint16(b[8:]))
	if b[6] > 1 {
		start, n = 12, int(binary.LittleEndian.Uint32(b[8:]))
	}
	if n < 0 || len(b)-start < n {
		return "", nil, fmt.Errorf("header of %d bytes is cut off", n)
	}
	return string(b[start : start+n]), b[start+n:], nil
}

// element describes one of NumPy's element types.
type element struct {
	size int
	at   func(b []byte) float64
}

var elements = map[string]element{
	"|b1": {1, func(b []byte) float64 { return float64(b[0]) }},
	"|u1": {1, func(b []byte) float64 { return float64(b[0]) }},
	"|i1": {1, func(b []byte) float64 { return float64(int8(b[0])) }},
	"<i2": {2, func(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) }},
	"<i4": {4, func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) }},
	"<i8": {8, func(b []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(b))) }},
	"<f4": {4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }},
	"<f8": {8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }},
}

func convert[T tensor.Elem](descr string, body []byte, n int) ([]T, error) {
	e, ok := elements[descr]
	if !ok {
		return nil, fmt.Errorf("element type %q is not a number", descr)
	}
	if len(body) != n*e.size {
		return nil, fmt.Errorf("%d bytes of data, want %d elements of %d", len(body), n, e.size)
	}
	out := make([]T, n)
	for i := range out {
		out[i] = T(e.at(body[i*e.size:]))
	}
	return out, nil
}
