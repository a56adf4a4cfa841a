package graph

import (
	"fmt"
	"reflect"

	"github.com/solofusion/solofusion/tensor"
)

// Type is a tensor's element type, as ONNX numbers it.
type Type int32

// Element types.
const (
	Float32  Type = 1
	Uint8    Type = 2
	Int8     Type = 3
	Int32    Type = 6
	Int64    Type = 7
	Bool     Type = 9
	Float16  Type = 10
	Float64  Type = 11
	Bfloat16 Type = 16
)

var typeNames = map[Type]string{
	Float32: "float32", Uint8: "uint8", Int8: "int8", Int32: "int32", Int64: "int64",
	Bool: "bool", Float16: "float16", Float64: "float64", Bfloat16: "bfloat16",
}

// String returns the type as in Go, for example float32.
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("element type %d", int32(t))
}

// TypeOf returns the element type of tensors of T.
func TypeOf[T tensor.Elem]() Type {
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Float32:
		return Float32
	case reflect.Float64:
		return Float64
	case reflect.Uint8:
		return Uint8
	case reflect.Int8:
		return Int8
	case reflect.Int32:
		return Int32
	}
	return Int64
}

// Value is a named tensor of a graph. An axis that is open is -1.
type Value struct {
	Name  string
	Type  Type
	Shape []int
}

// String returns the value as, for example, "images float32 [-1 3 128 352]".
func (v Value) String() string { return fmt.Sprintf("%s %s %v", v.Name, v.Type, v.Shape) }
