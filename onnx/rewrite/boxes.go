package rewrite

import (
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// Head names what [Boxes] cuts a detection head into.
type Head struct {
	Features string // for what all branches read: an output of the head, an input of the boxes
	Tasks    []Task
}

// Task is one of a head's tasks.
type Task struct {
	Maps   []string // outputs of the head, which are wanted in few cells
	Places string   // for the input of the places of which hidden values are made: row times the map's columns, plus column; rows times columns is outside
	Cells  string   // for the input that has, for each cell, which of the places its window reads, row by row
	Boxes  string   // for the output: the maps' channels, one after the other, by cells
}

// Boxes takes maps out of a head that are wanted in few of their cells, and returns the
// graph that makes them in given cells alone. Each map must be made of the same value x by two
// convolutions that keep its size, w and v, with a Relu between that nothing else reads: with
// all branches of a task joined,
//
//	y[i] = bᵥ + Σ_p v[p] inside(i + p) relu(b + Σ_t w[t] x[i + p + t])
//
// is two matrix products, of a row for each place i + p, which neighbours share, and of a row
// for each cell. Hidden values beyond the edge are zero, x is too. What reads x afterwards are the
// other branches and an output with the channels last. It returns nil if a map is
// not made so; the head is then as it was. Each task must have at least one place and cell.
func Boxes(head *graph.Graph, into Head) (*graph.Graph, error) {
	shapes, err := head.Infer()
	if err != nil {
		return nil, err
	}
	c := cutter{into: into, graph: graph.New(head.Version())}
	for _, task := range into.Tasks {
		branches, err := branchesOfMaps(head, task.Maps)
		if err != nil || branches == nil {
			return nil, err
		}
		c.tasks = append(c.tasks, branches)
	}
	if !c.takes(shapes) {
		return nil, nil
	}
	c.table()
	for i := range c.tasks {
		c.task(i)
	}
	features := head.Add("Transpose", into.Features, c.source()).Set("perm", []int{0, 2, 3, 1})
	head.AddOutput(graph.Value{Name: features.Output(), Type: graph.Float32, Shape: []int{1, c.rows, c.columns, c.channels}})
	for _, task := range into.Tasks {
		head.RemoveOutputs(task.Maps...)
	}
	head.Prune()
	_, err = head.Infer()
	return c.graph, err
}

// branch is the two convolutions of a map.
type branch struct{ hidden, last *window }

// branchesOfMaps returns the branches of maps; nil if one is not made as Boxes wants it.
func branchesOfMaps(g *graph.Graph, maps []string) (all []branch, err error) {
	for _, name := range maps {
		var b branch
		if b.last, err = convolution(g, g.Producer(name), "Conv"); err != nil || b.last == nil {
			return nil, err
		}
		relu := g.Producer(b.last.node.Inputs[0])
		if relu == nil || relu.Op != "Relu" || relu.Domain != "" || g.Only(relu.Output()) != b.last.node {
			return nil, nil
		}
		if b.hidden, err = convolution(g, g.Producer(relu.Inputs[0]), "Conv"); err != nil || b.hidden == nil {
			return nil, err
		}
		if !b.hidden.keepsSize() || !b.last.keepsSize() {
			return nil, nil
		}
		all = append(all, b)
	}
	return all, nil
}

// keepsSize reports whether a window is square, has a middle, moves by one and makes a map as large as
// the one that it reads.
func (w *window) keepsSize() bool {
	k := w.kernel()
	return w.plain() && k[0] == k[1] && k[0]%2 == 1 && all(w.pads, k[0]/2)
}

// cutter makes the graph of a head's boxes.
type cutter struct {
	into                    Head
	tasks                   [][]branch
	graph                   *graph.Graph
	rows, columns, channels int // of what all branches read

	features, centres, inside string // tables by row of the padded map; by place
}

func (c *cutter) source() string { return c.tasks[0][0].hidden.node.Inputs[0] }

// takes reports whether all branches read one value through windows of the same sizes.
func (c *cutter) takes(shapes map[string]graph.Value) bool {
	first := c.tasks[0][0]
	for _, branches := range c.tasks {
		for _, b := range branches {
			if b.hidden.node.Inputs[0] != c.source() || b.hidden.kernel() != first.hidden.kernel() || b.last.kernel() != first.last.kernel() {
				return false
			}
		}
	}
	x := shapes[c.source()]
	if x.Type != graph.Float32 || len(x.Shape) != 4 || x.Shape[0] != 1 {
		return false
	}
	c.channels, c.rows, c.columns = x.Shape[1], x.Shape[2], x.Shape[3]
	return true
}

// margin is how far from its place a hidden value sees.
func (c *cutter) margin() int { return c.tasks[0][0].hidden.kernel()[0] / 2 }

// table adds the features with a margin of zeros, as a row for each cell; where in it each
// place is; and which of the places are cells.
func (c *cutter) table() {
	g, m := c.graph, c.margin()
	width := c.columns + 2*m
	g.AddInput(graph.Value{Name: c.into.Features, Type: graph.Float32, Shape: []int{1, c.rows, c.columns, c.channels}})
	padded := g.Add("Pad", "padded", c.into.Features, shape(g, "margin", 0, m, m, 0, 0, m, m, 0))
	c.features = g.Add("Reshape", "rows", padded.Output(), shape(g, "rows_shape", -1, c.channels)).Output()
	cells := c.rows * c.columns
	centres, inside := tensor.New[int64](cells+1), tensor.New[float32](cells+1, 1)
	for i := range cells {
		centres.Data[i], inside.Data[i] = int64((i/c.columns+m)*width+i%c.columns+m), 1
	}
	centres.Data[cells] = int64(m*width + m) // any will do
	c.centres, c.inside = graph.AddConstant(g, "centres", centres), graph.AddConstant(g, "inside", inside)
}

// task adds the boxes of a task.
func (c *cutter) task(i int) {
	g, into, branches := c.graph, &c.into.Tasks[i], c.tasks[i]
	name := func(what string) string { return into.Boxes + "_" + what }
	hidden, last := joinHidden(branches), joinLast(branches)
	taps, places := c.around(branches[0].hidden.kernel()[0]), branches[0].last.weight.Shape[2]*branches[0].last.weight.Shape[3]
	g.AddInput(graph.Value{Name: into.Places, Type: graph.Int64, Shape: []int{-1}})
	g.AddInput(graph.Value{Name: into.Cells, Type: graph.Int64, Shape: []int{-1, places}})

	centres := g.Add("Gather", name("centres"), c.centres, into.Places)
	each := g.Add("Unsqueeze", name("each"), centres.Output(), shape(g, name("axis"), 1))
	at := g.Add("Add", name("at"), each.Output(), graph.AddConstant(g, name("taps"), tensor.From(taps, 1, len(taps))))
	seen := c.rowsOf(name("seen"), c.features, at.Output(), len(taps)*c.channels)
	h := g.Add("Gemm", name("hidden"), seen, graph.AddConstant(g, name("hidden_weight"), hidden.weight), graph.AddConstant(g, name("hidden_bias"), hidden.bias))
	relu := g.Add("Relu", name("relu"), h.Output())
	inside := g.Add("Gather", name("inside"), c.inside, into.Places)
	within := g.Add("Mul", name("within"), relu.Output(), inside.Output())
	windows := c.rowsOf(name("windows"), within.Output(), into.Cells, places*hidden.outputs())
	y := g.Add("Gemm", name("cells"), windows, graph.AddConstant(g, name("weight"), last.weight), graph.AddConstant(g, name("bias"), last.bias))
	g.Add("Transpose", into.Boxes, y.Output()).Set("perm", []int{1, 0})
	g.AddOutput(graph.Value{Name: into.Boxes, Type: graph.Float32, Shape: []int{last.outputs(), -1}})
}

// rowsOf adds a matrix whose rows are rows of a table, several joined to one of that width.
func (c *cutter) rowsOf(name, table, at string, width int) string {
	found := c.graph.Add("Gather", name, table, at)
	return c.graph.Add("Reshape", name+"_rows", found.Output(), shape(c.graph, name+"_shape", -1, width)).Output()
}

// around returns where in the table the rows of a window are, from its middle's.
func (c *cutter) around(kernel int) (offsets []int64) {
	width := c.columns + 2*c.margin()
	for row := -kernel / 2; row <= kernel/2; row++ {
		for column := -kernel / 2; column <= kernel/2; column++ {
			offsets = append(offsets, int64(row*width+column))
		}
	}
	return offsets
}

// product is a layer as a matrix product of rows.
type product struct {
	weight *tensor.F32 // by what is read and output
	bias   *tensor.F32
}

func (p *product) outputs() int { return p.weight.Shape[1] }

// joinHidden joins the hidden layers of branches, which read the same: rows are by tap,
// then channel.
func joinHidden(branches []branch) *product {
	width := 0
	for _, b := range branches {
		width += b.hidden.outputs()
	}
	s := branches[0].hidden.weight.Shape
	p := &product{tensor.New[float32](s[2]*s[3]*s[1], width), tensor.New[float32](width)}
	at := 0
	for _, b := range branches {
		p.put(b.hidden, func(tap, channel int) int { return tap*s[1] + channel }, at)
		at += b.hidden.outputs()
	}
	return p
}

// joinLast joins the last layers of branches, each of which reads its own part of the
// hidden values: rows are by place, then branch, then channel.
func joinLast(branches []branch) *product {
	read, width := 0, 0
	for _, b := range branches {
		read, width = read+b.hidden.outputs(), width+b.last.outputs()
	}
	k := branches[0].last.kernel()
	p := &product{tensor.New[float32](k[0]*k[1]*read, width), tensor.New[float32](width)}
	from, at := 0, 0
	for _, b := range branches {
		p.put(b.last, func(place, channel int) int { return place*read + from + channel }, at)
		from, at = from+b.hidden.outputs(), at+b.last.outputs()
	}
	return p
}

// put writes a convolution's numbers into the columns from the given one on.
func (p *product) put(w *window, row func(place, channel int) int, column int) {
	s, width := w.weight.Shape, p.outputs()
	area := s[2] * s[3]
	for o := range s[0] {
		for c := range s[1] {
			for place := range area {
				p.weight.Data[row(place, c)*width+column+o] = w.weight.Data[(o*s[1]+c)*area+place]
			}
		}
	}
	copy(p.bias.Data[column:], w.bias)
}
