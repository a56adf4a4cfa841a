package graph

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	onnxv1 "github.com/solofusion/solofusion/proto/onnx/v1"
)

// Graph is a network that can be edited. It is not safe for concurrent use.
type Graph struct {
	model     *onnxv1.Model
	nodes     []*Node
	constants map[string]*onnxv1.Tensor
	fresh     map[string]int // the last number that Fresh gave a hint
}

// errFormat is returned for bytes that are no ONNX file.
var errFormat = errors.New("the graph is cut short or no ONNX")

// nesting bounds how deep messages may lie within messages.
const nesting = 64

func unmarshal(data []byte) (*onnxv1.Model, error) {
	m := new(onnxv1.Model)
	if err := (proto.UnmarshalOptions{RecursionLimit: nesting}).Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%w: %w", errFormat, err)
	}
	return m, nil
}

// Parse reads an ONNX file. The error names what in it is not sound, or cannot
// be edited.
func Parse(data []byte) (*Graph, error) {
	m, err := unmarshal(data)
	if err != nil {
		return nil, err
	}
	if m.Graph == nil || len(m.Graph.Node) == 0 {
		return nil, fmt.Errorf("%w: it has no nodes", errFormat)
	}
	if len(m.Functions) > 0 {
		return nil, fmt.Errorf("function %q: a graph with functions of its own cannot be edited", m.Functions[0].Name)
	}
	if len(m.Graph.SparseInitializer) > 0 {
		return nil, errors.New("a graph with sparse constants cannot be edited")
	}
	g := &Graph{model: m, constants: make(map[string]*onnxv1.Tensor), fresh: make(map[string]int)}
	if err := g.take(m.Graph); err != nil {
		return nil, err
	}
	m.Graph.Node, m.Graph.Initializer, m.Graph.ValueInfo = nil, nil, nil
	return g, g.Sort()
}

// irVersion is that of the files that New's graphs become.
const irVersion = 10

// New returns an empty graph of that version of ONNX' operators.
func New(version int) *Graph {
	return &Graph{
		model: &onnxv1.Model{
			IrVersion: irVersion, Graph: &onnxv1.Graph{Name: "graph"},
			OpsetImport: []*onnxv1.OperatorSet{{Version: int64(version)}},
		},
		constants: make(map[string]*onnxv1.Tensor), fresh: make(map[string]int),
	}
}

// AddInput appends an input.
func (g *Graph) AddInput(v Value) { g.model.Graph.Input = append(g.model.Graph.Input, info(v)) }

// AddOutput appends an output, which a node makes.
func (g *Graph) AddOutput(v Value) { g.model.Graph.Output = append(g.model.Graph.Output, info(v)) }

// RemoveOutputs takes values off the list of those that the graph gives out.
func (g *Graph) RemoveOutputs(names ...string) {
	g.model.Graph.Output = slices.DeleteFunc(g.model.Graph.Output, func(v *onnxv1.ValueInfo) bool { return slices.Contains(names, v.Name) })
}

// info describes a value. An open axis has the value's name: axes of one name are of one
// size to ONNX Runtime.
func info(v Value) *onnxv1.ValueInfo {
	shape := new(onnxv1.Shape)
	for _, d := range v.Shape {
		size := new(onnxv1.Shape_Dimension)
		if d >= 0 {
			size.Value = &onnxv1.Shape_Dimension_DimValue{DimValue: int64(d)}
		} else {
			size.Value = &onnxv1.Shape_Dimension_DimParam{DimParam: v.Name}
		}
		shape.Dim = append(shape.Dim, size)
	}
	kind := &onnxv1.Type_TensorType{ElemType: int32(v.Type), Shape: shape}
	return &onnxv1.ValueInfo{Name: v.Name, Type: &onnxv1.Type{TensorType: kind}}
}

// take moves a message's constants and nodes into the graph.
func (g *Graph) take(message *onnxv1.Graph) error {
	for _, t := range message.Initializer {
		if err := g.takeConstant(t.Name, t); err != nil {
			return err
		}
	}
	for _, p := range message.Node {
		n, err := newNode(p)
		if err != nil {
			return err
		}
		if n.Op == "Constant" && n.Domain == "" {
			if t := n.tensor("value"); t != nil && len(n.Outputs) == 1 {
				if err := g.takeConstant(n.Outputs[0], t); err != nil {
					return err
				}
				continue
			}
		}
		g.nodes = append(g.nodes, n)
	}
	for _, v := range message.Input {
		if g.constants[v.Name] != nil {
			return fmt.Errorf("input %q has a default value, which cannot be kept through an edit", v.Name)
		}
		if v.Type.GetTensorType() == nil {
			return fmt.Errorf("input %q is no tensor", v.Name)
		}
	}
	return nil
}

func (g *Graph) takeConstant(name string, t *onnxv1.Tensor) error {
	if g.constants[name] != nil {
		return fmt.Errorf("constant %q is there twice", name)
	}
	if t.DataLocation != 0 {
		return fmt.Errorf("constant %q lies in another file: save the graph as one file", name)
	}
	t.Name = name
	g.constants[name] = t
	return nil
}

// Bytes returns the graph as an ONNX file: nodes in the order of their values,
// constants by name, equal bytes for equal graphs. Of nodes of one name, which ONNX Runtime
// refuses, the later ones are numbered. The error is Sort's.
func (g *Graph) Bytes() ([]byte, error) {
	if err := g.Sort(); err != nil {
		return nil, err
	}
	m, taken := proto.CloneOf(g.model), map[string]bool{}
	for _, n := range g.nodes {
		taken[n.Name] = true
	}
	written := map[string]bool{}
	for _, n := range g.nodes {
		p := n.message()
		for i := 2; n.Name != "" && written[p.Name] || p.Name != n.Name && taken[p.Name]; i++ {
			p.Name = n.Name + "_" + strconv.Itoa(i)
		}
		written[p.Name] = true
		m.Graph.Node = append(m.Graph.Node, p)
	}
	for _, name := range g.Constants() {
		m.Graph.Initializer = append(m.Graph.Initializer, g.constants[name])
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// Version returns the version of ONNX' own operators that the graph is made of.
func (g *Graph) Version() int {
	for _, s := range g.model.OpsetImport {
		if s.Domain == "" || s.Domain == "ai.onnx" {
			return int(s.Version)
		}
	}
	return 1
}

// Inputs returns the graph's inputs in its order.
func (g *Graph) Inputs() []Value { return values(g.model.Graph.Input) }

// Outputs returns the graph's outputs in its order.
func (g *Graph) Outputs() []Value { return values(g.model.Graph.Output) }

func values(infos []*onnxv1.ValueInfo) []Value {
	list := make([]Value, len(infos))
	for i, info := range infos {
		t := info.GetType().GetTensorType()
		list[i] = Value{Name: info.Name, Type: Type(t.GetElemType())}
		for _, d := range t.GetShape().GetDim() {
			size := -1
			if v, ok := d.Value.(*onnxv1.Shape_Dimension_DimValue); ok {
				size = int(v.DimValue)
			}
			list[i].Shape = append(list[i].Shape, size)
		}
	}
	return list
}

// SetInputType changes the element type of an input.
func (g *Graph) SetInputType(name string, t Type) error {
	for _, info := range g.model.Graph.Input {
		if info.Name == name {
			info.Type.GetTensorType().ElemType = int32(t)
			return nil
		}
	}
	return fmt.Errorf("the graph has no input %q", name)
}

// IsOutput reports whether a value is one of the graph's outputs.
func (g *Graph) IsOutput(name string) bool { return contains(g.model.Graph.Output, name) }

// IsInput reports whether a value is one of the graph's inputs.
func (g *Graph) IsInput(name string) bool { return contains(g.model.Graph.Input, name) }

func contains(infos []*onnxv1.ValueInfo, name string) bool {
	return slices.ContainsFunc(infos, func(v *onnxv1.ValueInfo) bool { return v.Name == name })
}

// Nodes returns the nodes, in the order of their values after Parse and Sort.
// The slice is the caller's, the nodes are the graph's.
func (g *Graph) Nodes() []*Node { return slices.Clone(g.nodes) }

// Producer returns the node that makes a value; nil if it is an input or a
// constant.
func (g *Graph) Producer(value string) *Node {
	for _, n := range g.nodes {
		if value != "" && slices.Contains(n.Outputs, value) {
			return n
		}
	}
	return nil
}

// Readers returns the nodes that read a value, each once. That the graph gives it
// out is not among them: see IsOutput.
func (g *Graph) Readers(value string) []*Node {
	var list []*Node
	for _, n := range g.nodes {
		if value != "" && slices.Contains(n.Inputs, value) {
			list = append(list, n)
		}
	}
	return list
}

// Only returns a value's one reader; nil if it has none or several, or is an
// output of the graph.
func (g *Graph) Only(value string) *Node {
	if readers := g.Readers(value); len(readers) == 1 && !g.IsOutput(value) {
		return readers[0]
	}
	return nil
}

// Add appends a node with one output and the default attributes, and returns it.
// The output's name is also the node's.
func (g *Graph) Add(op, output string, inputs ...string) *Node {
	n := &Node{Name: output, Op: op, Inputs: inputs, Outputs: []string{output}, proto: new(onnxv1.Node)}
	g.nodes = append(g.nodes, n)
	return n
}

// Redirect makes all readers of one value read another. What the graph gives out
// stays.
func (g *Graph) Redirect(from, to string) {
	for _, n := range g.nodes {
		for i, name := range n.Inputs {
			if name == from {
				n.Inputs[i] = to
			}
		}
	}
}

// Remove takes nodes out of the graph. Their values must then have no readers,
// or other sources.
func (g *Graph) Remove(nodes ...*Node) {
	g.nodes = slices.DeleteFunc(g.nodes, func(n *Node) bool { return slices.Contains(nodes, n) })
}

// Prune removes the nodes and constants that no output depends on.
func (g *Graph) Prune() {
	used := make(map[string]bool)
	var open []string
	need := func(names []string) {
		for _, name := range names {
			if !used[name] {
				used[name] = true
				open = append(open, name)
			}
		}
	}
	sources := g.sources()
	for _, v := range g.model.Graph.Output {
		need([]string{v.Name})
	}
	for len(open) > 0 {
		name := open[len(open)-1]
		open = open[:len(open)-1]
		if n := sources[name]; n != nil {
			need(n.Inputs)
		}
	}
	g.nodes = slices.DeleteFunc(g.nodes, func(n *Node) bool {
		return !slices.ContainsFunc(n.Outputs, func(name string) bool { return used[name] })
	})
	for name := range g.constants {
		if !used[name] {
			delete(g.constants, name)
		}
	}
}

// sources returns the node of each value.
func (g *Graph) sources() map[string]*Node {
	sources := make(map[string]*Node)
	for _, n := range g.nodes {
		for _, out := range n.Outputs {
			sources[out] = n
		}
	}
	return sources
}

// Fresh returns a name like the hint that no value has; the next call returns
// another.
func (g *Graph) Fresh(hint string) string {
	for {
		name := hint
		if k := g.fresh[hint]; k > 0 {
			name += "_" + strconv.Itoa(k+1)
		}
		g.fresh[hint]++
		if g.constants[name] == nil && !g.IsInput(name) && g.Producer(name) == nil && len(g.Readers(name)) == 0 {
			return name
		}
	}
}
