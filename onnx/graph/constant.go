package graph

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	onnxv1 "github.com/solofusion/solofusion/proto/onnx/v1"
	"github.com/solofusion/solofusion/tensor"
)

// Constants returns the names of the graph's constants, sorted.
func (g *Graph) Constants() []string { return slices.Sorted(maps.Keys(g.constants)) }

// IsConstant reports whether a value is a constant.
func (g *Graph) IsConstant(name string) bool { return g.constants[name] != nil }

// ConstantValue returns the type and shape of a constant; false if there is none
// of that name.
func (g *Graph) ConstantValue(name string) (Value, bool) {
	t := g.constants[name]
	if t == nil {
		return Value{}, false
	}
	return Value{Name: name, Type: Type(t.DataType), Shape: shapeOf(t)}, true
}

func shapeOf(t *onnxv1.Tensor) []int {
	shape := make([]int, len(t.Dims))
	for i, d := range t.Dims {
		shape[i] = int(d)
	}
	return shape
}

// Constant returns a copy of a constant's numbers. The error names the constant
// if there is none, or it is of another type, or its size is not its shape's.
func Constant[T tensor.Elem](g *Graph, name string) (*tensor.Dense[T], error) {
	t := g.constants[name]
	switch want := TypeOf[T](); {
	case t == nil:
		return nil, fmt.Errorf("value %q is no constant", name)
	case Type(t.DataType) != want:
		return nil, fmt.Errorf("constant %q is %s, want %s", name, Type(t.DataType), want)
	}
	size, err := sizeOf(t)
	if err != nil {
		return nil, err
	}
	data, n, err := numbers[T](t, size)
	if err != nil {
		return nil, fmt.Errorf("constant %q: %w", name, err)
	}
	if n != size {
		return nil, fmt.Errorf("constant %q has %d numbers, want %d for shape %v", name, n, size, t.Dims)
	}
	return tensor.From(data, shapeOf(t)...), nil
}

// sizeOf returns the number of elements that a constant's shape has.
func sizeOf(t *onnxv1.Tensor) (int, error) {
	size := int64(1)
	for _, d := range t.Dims {
		if d < 0 || d > 1<<31 || size*d > 1<<31 {
			return 0, fmt.Errorf("constant %q has shape %v, want at most 2^31 elements", t.Name, t.Dims)
		}
		size *= d
	}
	return int(size), nil
}

// numbers returns a constant's elements and how many the file has. Of a wrong
// number nothing is allocated.
func numbers[T tensor.Elem](t *onnxv1.Tensor, size int) ([]T, int, error) {
	if len(t.RawData) > 0 {
		var one T
		width := binary.Size(one)
		if len(t.RawData) != size*width {
			return nil, len(t.RawData) / width, nil
		}
		data := make([]T, size)
		_, err := binary.Decode(t.RawData, binary.LittleEndian, data)
		return data, size, err
	}
	switch Type(t.DataType) {
	case Float32:
		return convert[T](t.FloatData), len(t.FloatData), nil
	case Float64:
		return convert[T](t.DoubleData), len(t.DoubleData), nil
	case Int64:
		return convert[T](t.Int64Data), len(t.Int64Data), nil
	}
	return convert[T](t.Int32Data), len(t.Int32Data), nil // the smaller integers, too
}

func convert[T, S tensor.Elem](data []S) []T {
	list := make([]T, len(data))
	for i, v := range data {
		list[i] = T(v)
	}
	return list
}

// AddConstant adds a constant under a fresh name like the hint, and returns that.
// The tensor is copied.
func AddConstant[T tensor.Elem](g *Graph, hint string, t *tensor.Dense[T]) string {
	name := g.Fresh(hint)
	var raw bytes.Buffer
	if err := binary.Write(&raw, binary.LittleEndian, t.Data); err != nil {
		panic(fmt.Sprintf("graph: %v", err)) // a buffer takes all numbers
	}
	message := &onnxv1.Tensor{Name: name, DataType: int32(TypeOf[T]()), RawData: raw.Bytes()}
	for _, d := range t.Shape {
		message.Dims = append(message.Dims, int64(d))
	}
	g.constants[name] = message
	return name
}

// AddFloat16 adds a constant of float16, given by its bits, under a fresh name like the
// hint, and returns that.
func (g *Graph) AddFloat16(hint string, bits []uint16, shape ...int) string {
	if tensor.Size(shape) != len(bits) {
		panic(fmt.Sprintf("graph: %d numbers for shape %v", len(bits), shape))
	}
	name := g.Fresh(hint)
	message := &onnxv1.Tensor{Name: name, DataType: int32(Float16)}
	for _, b := range bits {
		message.RawData = binary.LittleEndian.AppendUint16(message.RawData, b)
	}
	for _, d := range shape {
		message.Dims = append(message.Dims, int64(d))
	}
	g.constants[name] = message
	return name
}
