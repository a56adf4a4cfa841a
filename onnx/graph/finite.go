package graph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	onnxv1 "github.com/solofusion/solofusion/proto/onnx/v1"
)

// CheckFinite returns an error that names the constants of a file with a value
// that is not finite, those of functions and of graphs within graphs among them.
// It takes files that Parse refuses.
func CheckFinite(data []byte) error {
	m, err := unmarshal(data)
	if err != nil {
		return err
	}
	var c finiteCheck
	c.graph(m.Graph)
	for _, f := range m.Functions {
		c.nodes(f.Node)
	}
	return errors.Join(c.faults...)
}

type finiteCheck struct{ faults []error }

func (c *finiteCheck) graph(g *onnxv1.Graph) {
	for _, t := range g.GetInitializer() {
		c.tensor(t)
	}
	for _, t := range g.GetSparseInitializer() {
		c.tensor(t.Values)
	}
	c.nodes(g.GetNode())
}

// nodes looks into attributes, where constants and inner graphs are.
func (c *finiteCheck) nodes(nodes []*onnxv1.Node) {
	for _, n := range nodes {
		for _, a := range n.Attribute {
			c.attribute(a)
			if n.OpType == "Constant" && !allFinite(append(a.Floats, a.GetF())) {
				c.fault(n.Name)
			}
		}
	}
}

func (c *finiteCheck) attribute(a *onnxv1.Attribute) {
	c.tensor(a.T)
	c.tensor(a.SparseTensor.GetValues())
	for _, t := range a.Tensors {
		c.tensor(t)
	}
	for _, t := range a.SparseTensors {
		c.tensor(t.Values)
	}
	c.graph(a.G)
	for _, g := range a.Graphs {
		c.graph(g)
	}
}

func (c *finiteCheck) tensor(t *onnxv1.Tensor) {
	if t != nil && !(finiteBytes(Type(t.DataType), t.RawData) && allFinite(t.FloatData) && allFinite(t.DoubleData) && finiteHalves(t)) {
		c.fault(t.Name)
	}
}

func (c *finiteCheck) fault(name string) {
	c.faults = append(c.faults, fmt.Errorf("constant %q has a value that is not finite", name))
}

func allFinite[T float32 | float64](data []T) bool {
	return !slices.ContainsFunc(data, func(v T) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) })
}

// finiteHalves looks at numbers of 16 bits that are stored as integers.
func finiteHalves(t *onnxv1.Tensor) bool {
	_, exponent := exponentOf(Type(t.DataType))
	half := Type(t.DataType) == Float16 || Type(t.DataType) == Bfloat16
	return !half || !slices.ContainsFunc(t.Int32Data, func(v int32) bool { return uint64(v)&exponent == exponent })
}

// finiteBytes reports whether all numbers of little-endian data are finite.
func finiteBytes(kind Type, data []byte) bool {
	size, exponent := exponentOf(kind)
	if size == 0 {
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

// exponentOf returns a type's size in bytes and the bits that are all set in what
// is not finite; 0 for types whose values all are.
func exponentOf(kind Type) (size int, bits uint64) {
	switch kind {
	case Float32:
		return 4, 0xff << 23
	case Float64:
		return 8, 0x7ff << 52
	case Float16:
		return 2, 0x1f << 10
	case Bfloat16:
		return 2, 0xff << 7
	}
	return 0, 0
}
