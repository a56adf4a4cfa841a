// Package npy writes arrays in NumPy's format.
//
//	err := npy.WriteFile("depth.npy", depth) // numpy.load reads it
package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/solofusion/solofusion/tensor"
)

// block is what a header's length is a multiple of, with what stands before it.
const block = 64

// Write writes an array in format 1.0: little-endian float32, C order.
func Write(w io.Writer, t *tensor.F32) error {
	var shape strings.Builder
	for _, d := range t.Shape {
		shape.WriteString(strconv.Itoa(d) + ",")
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape.String())
	const before = 10 // magic, version, length
	header += strings.Repeat(" ", block-1-(before+len(header))%block) + "\n"
	start := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	if _, err := w.Write(append(start, header...)); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	if err := binary.Write(w, binary.LittleEndian, t.Data); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}

// WriteFile writes an array to a file, which is replaced if it exists.
func WriteFile(path string, t *tensor.F32) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	if err := Write(f, t); err != nil {
		f.Close()
		return fmt.Errorf("%w (%s)", err, path)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}
