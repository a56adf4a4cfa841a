package graph

import (
	"errors"
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/tensor"
)

// Infer returns the type and shape of every value that a node, an input or a
// constant makes, by name. It knows the operators of the detector's graphs. The
// error names the node whose operator or attribute it does not know, or whose
// inputs do not fit. Outputs must be what the graph declares them to be.
func (g *Graph) Infer() (map[string]Value, error) {
	if err := g.Sort(); err != nil {
		return nil, err
	}
	known := make(map[string]Value)
	for _, v := range g.Inputs() {
		known[v.Name] = v
	}
	for _, name := range g.Constants() {
		known[name], _ = g.ConstantValue(name)
	}
	for _, n := range g.nodes {
		if err := g.inferNode(n, known); err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
	}
	for _, want := range g.Outputs() {
		if got := known[want.Name]; got.Type != want.Type || !slices.Equal(got.Shape, want.Shape) {
			return nil, fmt.Errorf("output %q is %s %v, but the graph declares %s %v", want.Name, got.Type, got.Shape, want.Type, want.Shape)
		}
	}
	return known, nil
}

func (g *Graph) inferNode(n *Node, known map[string]Value) error {
	op, ok := operators[n.Op]
	if !ok || n.Domain != "" {
		return errors.New("unknown operator")
	}
	if name := n.Unknown(op.attributes...); name != "" {
		return fmt.Errorf("unknown attribute %s", name)
	}
	if len(n.Inputs) < op.inputs {
		return fmt.Errorf("%d inputs, want at least %d", len(n.Inputs), op.inputs)
	}
	c := call{Node: n, graph: g, known: known}
	for _, name := range n.Inputs {
		c.in = append(c.in, known[name])
	}
	out, err := op.infer(&c)
	if err != nil {
		return err
	}
	if len(n.Outputs) > len(out) {
		return fmt.Errorf("%d outputs, want %d", len(n.Outputs), len(out))
	}
	for i, name := range n.Outputs {
		out[i].Name = name
		known[name] = out[i]
	}
	return nil
}

// operator is what is known of one: its attributes, the inputs that it must
// have, and what it makes of them.
type operator struct {
	attributes []string
	inputs     int
	infer      func(*call) ([]Value, error)
}

// call is a node with the values that it reads.
type call struct {
	*Node
	graph *Graph
	known map[string]Value
	in    []Value
}

var window = []string{"kernel_shape", "strides", "pads", "dilations", "auto_pad"}

var operators = map[string]operator{
	"Relu": {nil, 1, same}, "Sigmoid": {nil, 1, same}, "Identity": {nil, 1, same}, "Clip": {nil, 1, same},
	"Add": {nil, 2, broadcast}, "Sub": {nil, 2, broadcast}, "Mul": {nil, 2, broadcast}, "Div": {nil, 2, broadcast}, "Max": {nil, 1, broadcast},
	"Conv":              {append([]string{"group"}, window...), 2, conv},
	"ConvTranspose":     {append([]string{"group", "output_padding"}, window...), 2, convTranspose},
	"DeformConv":        {[]string{"kernel_shape", "strides", "pads", "dilations", "group", "offset_group"}, 3, conv},
	"MaxPool":           {append([]string{"ceil_mode", "storage_order"}, window...), 1, pool},
	"GlobalAveragePool": {nil, 1, globalPool},
	"Gemm":              {[]string{"alpha", "beta", "transA", "transB"}, 2, gemm},
	"MatMul":            {nil, 2, matMul},
	"Concat":            {[]string{"axis"}, 1, concat},
	"Split":             {[]string{"axis", "num_outputs"}, 2, split},
	"Transpose":         {[]string{"perm"}, 1, transpose},
	"Reshape":           {[]string{"allowzero"}, 2, reshape},
	"Slice":             {nil, 3, slice},
	"Unsqueeze":         {nil, 2, unsqueeze},
	"ReduceL2":          {[]string{"axes", "keepdims", "noop_with_empty_axes"}, 1, reduce},
	"DepthToSpace":      {[]string{"blocksize", "mode"}, 1, depthToSpace},
	"SpaceToDepth":      {[]string{"blocksize"}, 1, spaceToDepth},
	"GridSample":        {[]string{"mode", "padding_mode", "align_corners"}, 2, gridSample},
	"Resize":            {[]string{"mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a"}, 3, resize},
	"Cast":              {[]string{"to", "saturate"}, 1, cast},
	"QuantizeLinear":    {[]string{"axis", "output_dtype", "saturate"}, 2, quantize},
	"DequantizeLinear":  {[]string{"axis"}, 2, dequantize},
}

func one(t Type, shape ...int) ([]Value, error) { return []Value{{Type: t, Shape: shape}}, nil }

func same(c *call) ([]Value, error) { return one(c.in[0].Type, c.in[0].Shape...) }

// broadcast joins shapes from their last axes. An open axis takes the size that
// it meets, unless that is 1.
func broadcast(c *call) ([]Value, error) {
	shape := c.in[0].Shape
	for _, v := range c.in[1:] {
		if v.Type != c.in[0].Type {
			return nil, fmt.Errorf("inputs are %s and %s, want one type", c.in[0].Type, v.Type)
		}
		joined, err := join(shape, v.Shape)
		if err != nil {
			return nil, err
		}
		shape = joined
	}
	return one(c.in[0].Type, shape...)
}

func join(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	shape := slices.Clone(a)
	for i, d := range b {
		at := len(a) - len(b) + i
		switch have := a[at]; {
		case have == d || d == 1 || d < 0 && have != 1:
		case have == 1 || have < 0:
			shape[at] = d
		default:
			return nil, fmt.Errorf("shapes %v and %v do not fit", a, b)
		}
	}
	return shape, nil
}

func (c *call) rank(i, want int) error {
	if got := len(c.in[i].Shape); got != want {
		return fmt.Errorf("input %q has shape %v, want %d axes", c.Inputs[i], c.in[i].Shape, want)
	}
	return nil
}

// frame returns a window's kernel, strides, pads and dilations, two, two, four
// and two numbers, after checking that they are that many.
func (c *call) frame(kernel []int) (k, strides, pads, dilations []int, err error) {
	if c.Text("auto_pad", "NOTSET") != "NOTSET" {
		return nil, nil, nil, nil, errors.New("auto_pad is set, want pads")
	}
	k, strides = c.Ints("kernel_shape", kernel...), c.Ints("strides", 1, 1)
	pads, dilations = c.Ints("pads", 0, 0, 0, 0), c.Ints("dilations", 1, 1)
	if len(k) != 2 || len(strides) != 2 || len(pads) != 4 || len(dilations) != 2 || slices.Min(slices.Concat(k, strides, dilations)) < 1 {
		return nil, nil, nil, nil, errors.New("want a window of two axes")
	}
	if kernel != nil && !slices.Equal(k, kernel) {
		return nil, nil, nil, nil, fmt.Errorf("kernel_shape %v, but the weight's is %v", k, kernel)
	}
	return k, strides, pads, dilations, nil
}

// weights checks that the first two inputs are an image and its weight, and
// returns the weight's shape.
func (c *call) weights() ([]int, error) {
	if err := errors.Join(c.rank(0, 4), c.rank(1, 4)); err != nil {
		return nil, err
	}
	if c.in[0].Type != c.in[1].Type {
		return nil, fmt.Errorf("input is %s and weight %s, want one type", c.in[0].Type, c.in[1].Type)
	}
	return c.in[1].Shape, nil
}

// windows returns how many windows fit on each axis of an image.
func windows(image, k, strides, pads, dilations []int) ([2]int, error) {
	var out [2]int
	for i := range 2 {
		if image[i] < 0 {
			return out, errors.New("the image's size is open")
		}
		room := image[i] + pads[i] + pads[i+2] - dilations[i]*(k[i]-1) - 1
		if room < 0 {
			return out, fmt.Errorf("the window %v is larger than the image %v", k, image)
		}
		out[i] = room/strides[i] + 1
	}
	return out, nil
}

func conv(c *call) ([]Value, error) {
	w, err := c.weights()
	if err != nil {
		return nil, err
	}
	x, group := c.in[0].Shape, c.Int("group", 1)
	if group < 1 || x[1] != w[1]*group || w[0]%group != 0 {
		return nil, fmt.Errorf("%d channels and %d groups do not fit the weight %v", x[1], group, w)
	}
	k, strides, pads, dilations, err := c.frame(w[2:])
	if err != nil {
		return nil, err
	}
	size, err := windows(x[2:], k, strides, pads, dilations)
	if err != nil {
		return nil, err
	}
	return one(c.in[0].Type, x[0], w[0], size[0], size[1])
}

func convTranspose(c *call) ([]Value, error) {
	w, err := c.weights()
	if err != nil {
		return nil, err
	}
	x, group := c.in[0].Shape, c.Int("group", 1)
	if group < 1 || x[1] != w[0] || w[0]%group != 0 {
		return nil, fmt.Errorf("%d channels and %d groups do not fit the weight %v", x[1], group, w)
	}
	k, strides, pads, dilations, err := c.frame(w[2:])
	if err != nil {
		return nil, err
	}
	more := c.Ints("output_padding", 0, 0)
	if len(more) != 2 || x[2] < 0 || x[3] < 0 {
		return nil, errors.New("want an image of known size and an output_padding of two axes")
	}
	size := [2]int{}
	for i := range size {
		size[i] = strides[i]*(x[2+i]-1) + more[i] + dilations[i]*(k[i]-1) + 1 - pads[i] - pads[i+2]
	}
	return one(c.in[0].Type, x[0], w[1]*group, size[0], size[1])
}

func pool(c *call) ([]Value, error) {
	if err := c.rank(0, 4); err != nil {
		return nil, err
	}
	if c.Int("ceil_mode", 0) != 0 {
		return nil, errors.New("ceil_mode is set")
	}
	k, strides, pads, dilations, err := c.frame(nil)
	if err != nil {
		return nil, err
	}
	x := c.in[0].Shape
	size, err := windows(x[2:], k, strides, pads, dilations)
	if err != nil {
		return nil, err
	}
	return one(c.in[0].Type, x[0], x[1], size[0], size[1])
}

func globalPool(c *call) ([]Value, error) {
	if err := c.rank(0, 4); err != nil {
		return nil, err
	}
	return one(c.in[0].Type, c.in[0].Shape[0], c.in[0].Shape[1], 1, 1)
}

func gemm(c *call) ([]Value, error) {
	if err := errors.Join(c.rank(0, 2), c.rank(1, 2)); err != nil {
		return nil, err
	}
	a, b := slices.Clone(c.in[0].Shape), slices.Clone(c.in[1].Shape)
	if c.Int("transA", 0) != 0 {
		slices.Reverse(a)
	}
	if c.Int("transB", 0) != 0 {
		slices.Reverse(b)
	}
	if a[1] != b[0] {
		return nil, fmt.Errorf("matrices %v and %v do not fit", a, b)
	}
	return one(c.in[0].Type, a[0], b[1])
}

func matMul(c *call) ([]Value, error) {
	a, b := c.in[0].Shape, c.in[1].Shape
	if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
		return nil, fmt.Errorf("matrices %v and %v do not fit", a, b)
	}
	shape, err := join(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return nil, err
	}
	return one(c.in[0].Type, append(shape, a[len(a)-2], b[len(b)-1])...)
}

// axis returns an axis that may count from the end.
func axis(i, rank int) (int, error) {
	if i < -rank || i >= rank {
		return 0, fmt.Errorf("axis %d of %d", i, rank)
	}
	return (i + rank) % rank, nil
}

func concat(c *call) ([]Value, error) {
	shape := slices.Clone(c.in[0].Shape)
	at, err := axis(c.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	for i, v := range c.in[1:] {
		if len(v.Shape) != len(shape) || v.Shape[at] < 0 || shape[at] < 0 {
			return nil, fmt.Errorf("input %q has shape %v beside %v", c.Inputs[i+1], v.Shape, shape)
		}
		sum := shape[at] + v.Shape[at]
		shape[at] = v.Shape[at]
		if !slices.Equal(shape, v.Shape) {
			return nil, fmt.Errorf("input %q has shape %v beside %v", c.Inputs[i+1], v.Shape, c.in[0].Shape)
		}
		shape[at] = sum
	}
	return one(c.in[0].Type, shape...)
}

// numbers returns the numbers of an input that must be an integer constant;
// nothing if it is left out.
func (c *call) numbers(i int) ([]int, error) {
	if c.Input(i) == "" {
		return nil, nil
	}
	t, err := Constant[int64](c.graph, c.Input(i))
	if err != nil {
		return nil, err
	}
	list := make([]int, len(t.Data))
	for i, v := range t.Data {
		list[i] = int(v)
	}
	return list, nil
}

func split(c *call) ([]Value, error) {
	sizes, err := c.numbers(1)
	if err != nil {
		return nil, err
	}
	at, err := axis(c.Int("axis", 0), len(c.in[0].Shape))
	if err != nil {
		return nil, err
	}
	var all []Value
	sum := 0
	for _, size := range sizes {
		shape := slices.Clone(c.in[0].Shape)
		shape[at] = size
		sum += size
		all = append(all, Value{Type: c.in[0].Type, Shape: shape})
	}
	if sum != c.in[0].Shape[at] {
		return nil, fmt.Errorf("parts %v of %v along axis %d", sizes, c.in[0].Shape, at)
	}
	return all, nil
}

func transpose(c *call) ([]Value, error) {
	x := c.in[0].Shape
	perm := c.Perm(len(x))
	if sorted := slices.Sorted(slices.Values(perm)); len(perm) != len(x) || !slices.Equal(sorted, order(len(x))) {
		return nil, fmt.Errorf("perm %v of %d axes", perm, len(x))
	}
	shape := make([]int, len(x))
	for i, p := range perm {
		shape[i] = x[p]
	}
	return one(c.in[0].Type, shape...)
}

// Perm returns a Transpose's permutation of that many axes, which are reversed if
// it does not say.
func (n *Node) Perm(rank int) []int {
	otherwise := order(rank)
	slices.Reverse(otherwise)
	return n.Ints("perm", otherwise...)
}

func order(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// reshape keeps an open axis only where the new shape copies it, with a 0.
func reshape(c *call) ([]Value, error) {
	sizes, err := c.numbers(1)
	if err != nil {
		return nil, err
	}
	if c.Int("allowzero", 0) != 0 {
		return nil, errors.New("allowzero is set")
	}
	x := slices.Clone(c.in[0].Shape)
	shape, rest := slices.Clone(sizes), -1
	for i, d := range sizes {
		switch {
		case d == 0 && i < len(x):
			shape[i] = x[i]
			if x[i] < 0 {
				x[i], sizes[i] = 1, 1 // counted on both sides
			} else {
				sizes[i] = x[i]
			}
		case d == -1 && rest < 0:
			rest, sizes[i] = i, 1
		case d < 1:
			return nil, fmt.Errorf("shape %v of %v", shape, c.in[0].Shape)
		}
	}
	have, want := tensor.Size(x), tensor.Size(sizes)
	if slices.Contains(x, -1) || want == 0 || have%want != 0 || rest < 0 && have != want {
		return nil, fmt.Errorf("shape %v of %v", shape, c.in[0].Shape)
	}
	if rest >= 0 {
		shape[rest] = have / want
	}
	return one(c.in[0].Type, shape...)
}

func slice(c *call) ([]Value, error) {
	starts, err1 := c.numbers(1)
	ends, err2 := c.numbers(2)
	axes, err3 := c.numbers(3)
	steps, err4 := c.numbers(4)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	shape := slices.Clone(c.in[0].Shape)
	if c.Input(3) == "" {
		axes = order(len(starts))
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || slices.ContainsFunc(steps, func(s int) bool { return s != 1 }) {
		return nil, errors.New("want as many ends and axes as starts, and steps of 1")
	}
	for i, a := range axes {
		at, err := axis(a, len(shape))
		if err != nil {
			return nil, err
		}
		if shape[at] < 0 {
			return nil, fmt.Errorf("axis %d is open", at)
		}
		shape[at] = max(bounded(ends[i], shape[at])-bounded(starts[i], shape[at]), 0)
	}
	return one(c.in[0].Type, shape...)
}

// bounded returns a place on an axis, which may count from its end.
func bounded(i, size int) int {
	if i < 0 {
		i += size
	}
	return min(max(i, 0), size)
}

func unsqueeze(c *call) ([]Value, error) {
	axes, err := c.numbers(1)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(c.in[0].Shape)
	rank := len(shape) + len(axes)
	for i, a := range axes {
		if axes[i], err = axis(a, rank); err != nil {
			return nil, err
		}
	}
	slices.Sort(axes)
	if len(slices.Compact(slices.Clone(axes))) < len(axes) {
		return nil, fmt.Errorf("axes %v, want each once", axes)
	}
	for _, a := range axes {
		shape = slices.Insert(shape, a, 1)
	}
	return one(c.in[0].Type, shape...)
}

// reduce takes its axes from an input or, before version 18, an attribute.
func reduce(c *call) ([]Value, error) {
	axes, err := c.numbers(1)
	if err != nil {
		return nil, err
	}
	axes = append(axes, c.Ints("axes")...)
	if len(axes) == 0 || c.Int("keepdims", 1) != 1 {
		return nil, errors.New("want axes, which stay")
	}
	shape := slices.Clone(c.in[0].Shape)
	for _, a := range axes {
		at, err := axis(a, len(shape))
		if err != nil {
			return nil, err
		}
		shape[at] = 1
	}
	return one(c.in[0].Type, shape...)
}

func depthToSpace(c *call) ([]Value, error) {
	if err := c.rank(0, 4); err != nil {
		return nil, err
	}
	x, b := c.in[0].Shape, c.Int("blocksize", 0)
	if b < 1 || b > 1<<12 || x[1]%(b*b) != 0 || x[2] < 0 || x[3] < 0 {
		return nil, fmt.Errorf("blocks of %d x %d of %v", b, b, x)
	}
	return one(c.in[0].Type, x[0], x[1]/(b*b), x[2]*b, x[3]*b)
}

func spaceToDepth(c *call) ([]Value, error) {
	if err := c.rank(0, 4); err != nil {
		return nil, err
	}
	b, in := c.Int("blocksize", 0), c.in[0].Shape
	if b < 1 || in[1] < 0 || in[2] < 0 || in[3] < 0 || in[2]%b != 0 || in[3]%b != 0 {
		return nil, fmt.Errorf("blocks of %d in %v", b, in)
	}
	return one(c.in[0].Type, in[0], in[1]*b*b, in[2]/b, in[3]/b)
}

func gridSample(c *call) ([]Value, error) {
	if err := errors.Join(c.rank(0, 4), c.rank(1, 4)); err != nil {
		return nil, err
	}
	x, grid := c.in[0].Shape, c.in[1].Shape
	return one(c.in[0].Type, x[0], x[1], grid[1], grid[2])
}

func resize(c *call) ([]Value, error) {
	shape := slices.Clone(c.in[0].Shape)
	if c.Input(3) != "" {
		sizes, err := c.numbers(3)
		if err != nil {
			return nil, err
		}
		if len(sizes) != len(shape) {
			return nil, fmt.Errorf("sizes %v of %v", sizes, shape)
		}
		return one(c.in[0].Type, sizes...)
	}
	scales, err := Constant[float32](c.graph, c.Input(2))
	if err != nil {
		return nil, err
	}
	if len(scales.Data) != len(shape) {
		return nil, fmt.Errorf("scales %v of %v", scales.Data, shape)
	}
	for i, s := range scales.Data {
		if shape[i] >= 0 {
			shape[i] = int(float32(shape[i]) * s)
		} else if s != 1 {
			return nil, fmt.Errorf("axis %d is open", i)
		}
	}
	return one(c.in[0].Type, shape...)
}

func quantize(c *call) ([]Value, error) {
	kind := Uint8
	if c.Input(2) != "" {
		kind = c.in[2].Type
	} else if t := c.Int("output_dtype", 0); t != 0 {
		kind = Type(t)
	}
	return one(kind, c.in[0].Shape...)
}

func dequantize(c *call) ([]Value, error) { return one(c.in[1].Type, c.in[0].Shape...) }

func cast(c *call) ([]Value, error) {
	to := c.Int("to", 0)
	if _, ok := typeNames[Type(to)]; !ok {
		return nil, fmt.Errorf("it makes %s, want a known one", Type(to))
	}
	return one(Type(to), c.in[0].Shape...)
}
