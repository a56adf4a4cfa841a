package graph

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	onnxv1 "github.com/solofusion/solofusion/proto/onnx/v1"
)

// Node is an operator of a graph. Its fields may be changed, attributes by Set.
// An optional input or output that is left out is "".
type Node struct {
	Name, Op, Domain string // Domain is "" for ONNX' own operators
	Inputs, Outputs  []string

	proto *onnxv1.Node // attributes, and what is not known here
}

func newNode(p *onnxv1.Node) (*Node, error) {
	n := &Node{Name: p.Name, Op: p.OpType, Domain: p.Domain, Inputs: p.Input, Outputs: p.Output, proto: p}
	if n.Domain == "ai.onnx" {
		n.Domain = ""
	}
	if len(n.Outputs) == 0 || n.Outputs[0] == "" {
		return nil, fmt.Errorf("%s has no output", n)
	}
	for _, a := range p.Attribute {
		switch {
		case a.G != nil || len(a.Graphs) > 0:
			return nil, fmt.Errorf("%s holds a graph of its own, which cannot be edited", n)
		case a.RefAttrName != nil:
			return nil, fmt.Errorf("%s: attribute %s refers to a function's, but there is none", n, a.Name)
		}
	}
	return n, nil
}

// message returns the node as it is written.
func (n *Node) message() *onnxv1.Node {
	p := proto.CloneOf(n.proto)
	p.Name, p.OpType, p.Domain, p.Input, p.Output = n.Name, n.Op, n.Domain, n.Inputs, n.Outputs
	return p
}

// String returns the node as messages name it, for example node "conv_3" (Conv).
func (n *Node) String() string {
	op := n.Op
	if n.Domain != "" {
		op = n.Domain + "." + op
	}
	return fmt.Sprintf("node %q (%s)", n.Name, op)
}

// Input returns the name of input i, "" if it is left out.
func (n *Node) Input(i int) string {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return ""
}

// Output returns the name of the first output, which every node has.
func (n *Node) Output() string { return n.Outputs[0] }

// Kinds of attributes.
const (
	kindFloat = iota + 1
	kindInt
	kindString
	kindTensor
	_ // a graph
	kindFloats
	kindInts
)

// Attributes returns the names of the attributes that are set.
func (n *Node) Attributes() []string {
	list := make([]string, len(n.proto.Attribute))
	for i, a := range n.proto.Attribute {
		list[i] = a.Name
	}
	return list
}

// Unknown returns the first attribute that is set and not in the list, "" if
// there is none. Who rewrites a node asks whether it knows all of it.
func (n *Node) Unknown(known ...string) string {
	for _, name := range n.Attributes() {
		if !slices.Contains(known, name) {
			return name
		}
	}
	return ""
}

func (n *Node) attribute(name string) *onnxv1.Attribute {
	for _, a := range n.proto.Attribute {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Int returns an attribute, or the value otherwise if it is not set.
func (n *Node) Int(name string, otherwise int) int {
	if a := n.attribute(name); a != nil && a.I != nil {
		return int(*a.I)
	}
	return otherwise
}

// Ints returns an attribute, or the values otherwise if it is not set. The
// slice is the caller's.
func (n *Node) Ints(name string, otherwise ...int) []int {
	a := n.attribute(name)
	if a == nil {
		return otherwise
	}
	list := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		list[i] = int(v)
	}
	return list
}

// Float returns an attribute, or the value otherwise if it is not set.
func (n *Node) Float(name string, otherwise float32) float32 {
	if a := n.attribute(name); a != nil && a.F != nil {
		return *a.F
	}
	return otherwise
}

// Text returns an attribute of type string, or the value otherwise if it is
// not set.
func (n *Node) Text(name, otherwise string) string {
	if a := n.attribute(name); a != nil && a.S != nil {
		return string(a.S)
	}
	return otherwise
}

func (n *Node) tensor(name string) *onnxv1.Tensor { return n.attribute(name).GetT() }

// Set gives an attribute a value: an int, []int, float32 or string. It returns
// the node.
func (n *Node) Set(name string, value any) *Node {
	a := &onnxv1.Attribute{Name: name}
	switch v := value.(type) {
	case int:
		a.Type, a.I = kindInt, proto.Int64(int64(v))
	case float32:
		a.Type, a.F = kindFloat, proto.Float32(v)
	case string:
		a.Type, a.S = kindString, []byte(v)
	case []int:
		a.Type = kindInts
		for _, i := range v {
			a.Ints = append(a.Ints, int64(i))
		}
	default:
		panic(fmt.Sprintf("graph: attribute %s of type %T", name, value))
	}
	n.Unset(name)
	n.proto.Attribute = append(n.proto.Attribute, a)
	return n
}

// Unset removes an attribute, so that its default holds.
func (n *Node) Unset(name string) {
	n.proto.Attribute = slices.DeleteFunc(n.proto.Attribute, func(a *onnxv1.Attribute) bool { return a.Name == name })
}
