package onnx_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/solofusion/solofusion/onnx"
)

// message joins a field's number and bytes, in Protocol Buffers' wire format.
func message(number uint64, data ...[]byte) []byte {
	all := bytes.Join(data, nil)
	head := binary.AppendUvarint(nil, number<<3|2)
	return append(binary.AppendUvarint(head, uint64(len(all))), all...)
}

func varint(number, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, number<<3), value)
}

func TestConstantsMustBeFinite(t *testing.T) {
	nan32 := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	one32 := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1))
	inf64 := binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.Inf(-1)))
	name := message(8, []byte("w"))
	raw := func(kind uint64, data []byte) []byte { return message(5, varint(2, kind), name, message(9, data)) }
	single := append(binary.AppendUvarint(nil, 4<<3|5), nan32...) // a number that is not packed
	for _, tt := range []struct {
		name  string
		graph []byte // the fields of GraphProto
		bad   bool
	}{
		{"float32", raw(1, append(one32, nan32...)), true},
		{"finite", raw(1, append(one32, one32...)), false},
		{"float64", raw(11, inf64), true},
		{"float16", raw(10, []byte{0x00, 0x7c}), true},
		{"float16, finite", raw(10, []byte{0xff, 0x7b}), false},
		{"bfloat16", raw(16, []byte{0x80, 0x7f}), true},
		{"int32", raw(6, []byte{0xff, 0xff, 0xff, 0xff}), false},
		{"packed floats", message(5, varint(2, 1), name, message(4, one32, nan32)), true},
		{"single floats", message(5, varint(2, 1), name, single), true},
		{"packed doubles", message(5, varint(2, 11), name, message(10, inf64)), true},
		{"a constant node", message(1, message(5, raw(1, nan32))), true},
		{"an inner graph", message(1, message(5, message(6, raw(1, nan32)))), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := onnx.CheckConstants(message(7, tt.graph))
			if tt.bad {
				wantError(t, err, `constant "w" has a value that is not finite`)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	for _, graph := range [][]byte{affine, quantised, convolution} {
		if err := onnx.CheckConstants(graph); err != nil {
			t.Error(err)
		}
	}
	for _, wrong := range [][]byte{{0xff}, []byte("not a graph"), affine[:100], message(7, []byte{7<<3 | 3})} {
		wantError(t, onnx.CheckConstants(wrong), "cut short or no ONNX")
	}
}

func FuzzCheckConstants(f *testing.F) {
	for _, graph := range [][]byte{affine, quantised, convolution, affine[:50]} {
		f.Add(graph)
	}
	f.Fuzz(func(_ *testing.T, graph []byte) {
		_ = onnx.CheckConstants(graph) // it ends, and reads nothing beyond
	})
}
