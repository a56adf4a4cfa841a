package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Port is an input or an output of a graph. Axes that the graph leaves open
// are -1.
type Port struct {
	Name  string
	Type  string // as in Go: float32, uint8; for others ONNX Runtime's name
	Shape []int64
}

// String returns the port as, for example, "images float32 [-1 3 128 352]".
func (p Port) String() string { return fmt.Sprintf("%s %s %v", p.Name, p.Type, p.Shape) }

// Session is a loaded graph. Its bindings may run one at a time.
type Session struct {
	name     string
	provider string
	rows     *Rows
	inputs   []Port
	outputs  []Port
	session  *ort.DynamicAdvancedSession
}

// Load makes a session of the graph. The name is for messages. The graph is not needed
// afterwards. The error is a [ProviderError] if the provider does not work, or not for
// this graph.
func (r *Runtime) Load(name string, graph []byte, p Placement) (*Session, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if reason := r.lacking(p.Provider); reason != "" { // before the graph is read, which takes time
		return nil, fmt.Errorf("onnx: loading %s: %w", name, &ProviderError{p.Provider, errors.New(reason)})
	}
	inputs, outputs, err := inspect(graph)
	if err != nil {
		return nil, fmt.Errorf("onnx: loading %s: %w", name, err)
	}
	session, err := r.createSession(name, graph, inputs, &p)
	if err != nil {
		return nil, fmt.Errorf("onnx: loading %s: %w", name, &ProviderError{p.Provider, err})
	}
	s := &Session{name: name, provider: p.Provider, inputs: inputs, outputs: outputs, session: session}
	if p.Provider == "tensorrt" {
		s.rows = p.Rows
	}
	return s, nil
}

// inspect returns the ports of a graph, in its order. It loads the graph, so
// that an error names what is wrong with it.
func inspect(graph []byte) (inputs, outputs []Port, err error) {
	in, out, err := ort.GetInputOutputInfoWithONNXData(graph)
	return ports(in), ports(out), err
}

func ports(infos []ort.InputOutputInfo) []Port {
	list := make([]Port, len(infos))
	for i, info := range infos {
		list[i] = Port{Name: info.Name, Type: typeName(info.DataType), Shape: info.Dimensions}
	}
	return list
}

func typeName(t ort.TensorElementDataType) string {
	switch t {
	case ort.TensorElementDataTypeFloat:
		return "float32"
	case ort.TensorElementDataTypeDouble:
		return "float64"
	case ort.TensorElementDataTypeUint8:
		return "uint8"
	case ort.TensorElementDataTypeInt8:
		return "int8"
	case ort.TensorElementDataTypeInt32:
		return "int32"
	case ort.TensorElementDataTypeInt64:
		return "int64"
	}
	return t.String()
}

// Name returns the name that the session was loaded under.
func (s *Session) Name() string { return s.name }

// Provider returns the provider that the session runs on.
func (s *Session) Provider() string { return s.provider }

// Inputs returns the graph's inputs in its order.
func (s *Session) Inputs() []Port { return slices.Clone(s.inputs) }

// Outputs returns the graph's outputs in its order.
func (s *Session) Outputs() []Port { return slices.Clone(s.outputs) }

// Run binds, runs and unbinds. If a session runs more than once over the
// same tensors, a [Binding] saves the allocations.
func (s *Session) Run(inputs, outputs Tensors) error {
	b, err := s.Bind(inputs, outputs)
	if err != nil {
		return err
	}
	return errors.Join(b.Run(), b.Close())
}

// Close frees the session; its bindings must be closed before.
func (s *Session) Close() error {
	if s.session == nil {
		return nil
	}
	err := s.session.Destroy()
	s.session = nil
	return err
}

func names(ports []Port) string {
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = p.Name
	}
	return strings.Join(list, ", ")
}
