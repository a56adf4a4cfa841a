package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Fields of ONNX's messages and element types, as onnx.proto numbers them.
const (
	modelGraph       = 7
	graphNode        = 1
	graphInitializer = 5
	nodeAttribute    = 5
	attributeTensor  = 5
	attributeGraph   = 6

	tensorType    = 2
	tensorFloats  = 4
	tensorName    = 8
	tensorRaw     = 9
	tensorDoubles = 10

	typeFloat, typeFloat16, typeDouble, typeBfloat16 = 1, 10, 11, 16
)

// nesting bounds how deep graphs may lie within graphs.
const nesting = 8

// CheckConstants returns an error that names the constants of a graph with a
// value that is not finite, weights among them. Running a graph does not show
// all of them: its activations and quantisation turn NaN into numbers.
func CheckConstants(graph []byte) error {
	var all []error
	err := fields(graph, func(f field) error {
		if f.number != modelGraph {
			return nil
		}
		return scanGraph(f.data, 0, &all)
	})
	return errors.Join(append(all, err)...)
}

func scanGraph(graph []byte, depth int, all *[]error) error {
	if depth > nesting {
		return errors.New("graphs are nested too deeply")
	}
	return fields(graph, func(f field) error {
		switch f.number {
		case graphInitializer:
			return scanTensor(f.data, all)
		case graphNode:
			return scanNode(f.data, depth, all)
		}
		return nil
	})
}

// scanNode looks into a node's attributes, where constants and inner graphs are.
func scanNode(node []byte, depth int, all *[]error) error {
	return fields(node, func(f field) error {
		if f.number != nodeAttribute {
			return nil
		}
		return fields(f.data, func(f field) error {
			switch f.number {
			case attributeTensor:
				return scanTensor(f.data, all)
			case attributeGraph:
				return scanGraph(f.data, depth+1, all)
			}
			return nil
		})
	})
}

func scanTensor(tensor []byte, all *[]error) error {
	var kind uint64
	var name string
	var raw, floats, doubles []byte
	err := fields(tensor, func(f field) error {
		switch f.number {
		case tensorType:
			kind = f.value
		case tensorName:
			name = string(f.data)
		case tensorRaw:
			raw = f.data
		case tensorFloats: // packed, or one at a time
			floats = append(floats, f.data...)
		case tensorDoubles:
			doubles = append(doubles, f.data...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !finite(kind, raw) || !finite(typeFloat, floats) || !finite(typeDouble, doubles) {
		*all = append(*all, fmt.Errorf("constant %q has a value that is not finite", name))
	}
	return nil
}

// finite reports whether all numbers of little-endian data are, of an element
// type that can hold others.
func finite(kind uint64, data []byte) bool {
	var size int
	var exponent uint64 // its bits, all set in what is not finite
	switch kind {
	case typeFloat:
		size, exponent = 4, 0xff<<23
	case typeDouble:
		size, exponent = 8, 0x7ff<<52
	case typeFloat16:
		size, exponent = 2, 0x1f<<10
	case typeBfloat16:
		size, exponent = 2, 0xff<<7
	default:
		return true
	}
	var word [8]byte
	for ; len(data) >= size; data = data[size:] {
		copy(word[:], data[:size])
		if binary.LittleEndian.Uint64(word[:])&exponent == exponent {
			return false
		}
	}
	return true
}

// field is one of a message in Protocol Buffers' wire format: value if it is a
// number, data if it is bytes or a number of fixed size.
type field struct {
	number uint64
	value  uint64
	data   []byte
}

var errWire = errors.New("the graph is cut short or no ONNX")

// fields calls visit for every field of a message.
func fields(message []byte, visit func(field) error) error {
	for len(message) > 0 {
		f, rest, err := next(message)
		if err == nil {
			err = visit(f)
		}
		if err != nil {
			return err
		}
		message = rest
	}
	return nil
}

// next returns the first field of a message and what follows it.
func next(message []byte) (f field, rest []byte, err error) {
	key, n := binary.Uvarint(message)
	if n <= 0 {
		return f, nil, errWire
	}
	f.number, rest = key>>3, message[n:]
	var size uint64
	switch key & 7 {
	case 0:
		f.value, n = binary.Uvarint(rest)
	case 1:
		size, n = 8, 0
	case 2:
		size, n = binary.Uvarint(rest)
	case 5:
		size, n = 4, 0
	default:
		return f, nil, errWire
	}
	if n < 0 || n == 0 && key&7%2 == 0 || size > uint64(len(rest)-n) {
		return f, nil, errWire
	}
	rest = rest[n:]
	f.data, rest = rest[:size:size], rest[size:]
	return f, rest, nil
}
