package onnx

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/solofusion/solofusion/tensor"
)

// Tensors are the arrays of a graph's ports by name, each a *[tensor.Dense] of
// the port's type.
type Tensors map[string]any

// Binding is a session tied to tensors. It pins their memory until it is
// closed, so their Data must not be replaced, only filled and read. It is not
// safe for concurrent use.
type Binding struct {
	name    string
	session *ort.DynamicAdvancedSession
	bound   *ort.IoBinding
	values  []ort.Value
	pinner  runtime.Pinner
}

// Bind ties every input of the graph to a tensor, and those outputs that there are
// tensors for: others are computed, but not copied from where they are. It returns
// an error naming the first input whose tensor is missing, the first port whose tensor is
// of another type or shape, or the tensor that is no port's.
func (s *Session) Bind(inputs, outputs Tensors) (*Binding, error) {
	if s.session == nil {
		return nil, fmt.Errorf("onnx: %s is closed", s.name)
	}
	if err := s.check("input", s.inputs, inputs, true); err != nil {
		return nil, err
	}
	if err := s.check("output", s.outputs, outputs, len(outputs) == 0); err != nil {
		return nil, err
	}
	bound, err := s.session.CreateIoBinding()
	if err != nil {
		return nil, fmt.Errorf("onnx: %s: %w", s.name, err)
	}
	b := &Binding{name: s.name, session: s.session, bound: bound}
	err = b.bindAll(s.inputs, inputs, bound.BindInput)
	if err == nil {
		err = b.bindAll(s.outputs, outputs, bound.BindOutput)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Run computes the outputs from the inputs.
func (b *Binding) Run() error {
	if b.bound == nil {
		return fmt.Errorf("onnx: the binding of %s is closed", b.name)
	}
	if err := b.session.RunWithBinding(b.bound); err != nil {
		return fmt.Errorf("onnx: running %s: %w", b.name, err)
	}
	return nil
}

// Close unties the tensors. Closing twice does nothing.
func (b *Binding) Close() error {
	if b.bound == nil {
		return nil
	}
	errs := []error{b.bound.Destroy()}
	for _, v := range b.values {
		errs = append(errs, v.Destroy())
	}
	b.bound, b.values = nil, nil
	b.pinner.Unpin()
	return errors.Join(errs...)
}

// check compares tensors with the ports. All of the ports must have one if they are
// required.
func (s *Session) check(kind string, ports []Port, tensors Tensors, required bool) error {
	for _, p := range ports {
		t, ok := tensors[p.Name]
		if !ok && required {
			return fmt.Errorf("onnx: %s: %s %s is missing", s.name, kind, p.Name)
		}
		if !ok {
			continue
		}
		element, shape := describe(t)
		if element != p.Type || !fits(shape, p.Shape) {
			return fmt.Errorf("onnx: %s: %s %s is %s %v, want %s %v", s.name, kind, p.Name, element, shape, p.Type, p.Shape)
		}
		if err := s.rows.fits(p, shape); err != nil {
			return fmt.Errorf("onnx: %s: %w", s.name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		if !slices.ContainsFunc(ports, func(p Port) bool { return p.Name == name }) {
			return fmt.Errorf("onnx: %s: unknown %s %s, want %s", s.name, kind, name, names(ports))
		}
	}
	return nil
}

// fits reports whether shape is one that the port takes: positive everywhere
// and equal if the port's axis is not open.
func fits(shape []int, port []int64) bool {
	if len(shape) != len(port) {
		return false
	}
	for i, d := range shape {
		if d <= 0 || port[i] >= 0 && port[i] != int64(d) {
			return false
		}
	}
	return true
}

// describe returns a tensor's element type and shape; for what is no tensor,
// its Go type and no shape.
func describe(t any) (string, []int) {
	switch t := t.(type) {
	case *tensor.F32:
		return "float32", t.Shape
	case *tensor.U8:
		return "uint8", t.Shape
	case *tensor.Dense[float64]:
		return "float64", t.Shape
	case *tensor.Dense[int8]:
		return "int8", t.Shape
	case *tensor.Dense[int32]:
		return "int32", t.Shape
	case *tensor.Dense[int64]:
		return "int64", t.Shape
	}
	return fmt.Sprintf("%T", t), nil
}

func (b *Binding) bindAll(ports []Port, tensors Tensors, bind func(string, ort.Value) error) error {
	for _, p := range ports {
		t, ok := tensors[p.Name]
		if !ok {
			continue
		}
		v, err := b.value(t)
		if err != nil {
			return fmt.Errorf("onnx: %s: %s: %w", b.name, p.Name, err)
		}
		b.values = append(b.values, v)
		if err := bind(p.Name, v); err != nil {
			return fmt.Errorf("onnx: %s: binding %s: %w", b.name, p.Name, err)
		}
	}
	return nil
}

// value wraps the memory of a tensor that check has passed.
func (b *Binding) value(t any) (ort.Value, error) {
	switch t := t.(type) {
	case *tensor.F32:
		return wrap(&b.pinner, t)
	case *tensor.U8:
		return wrap(&b.pinner, t)
	case *tensor.Dense[float64]:
		return wrap(&b.pinner, t)
	case *tensor.Dense[int8]:
		return wrap(&b.pinner, t)
	case *tensor.Dense[int32]:
		return wrap(&b.pinner, t)
	case *tensor.Dense[int64]:
		return wrap(&b.pinner, t)
	}
	panic(fmt.Sprintf("onnx: %T passed check", t))
}

func wrap[T tensor.Elem](pinner *runtime.Pinner, t *tensor.Dense[T]) (ort.Value, error) {
	pinner.Pin(&t.Data[0])
	shape := make(ort.Shape, len(t.Shape))
	for i, d := range t.Shape {
		shape[i] = int64(d)
	}
	return ort.NewTensor(shape, t.Data)
}
