package pipeline

import (
	"fmt"
	"math"
	"slices"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/tensor"
)

// boxes runs the graph of a sparse head that makes, of the head's features, the numbers
// of boxes in chosen cells.
type boxes struct {
	session  *onnx.Session
	features *tensor.F32 // 1 Y X C
	tasks    []taskBoxes
	inputs   onnx.Tensors
	outputs  onnx.Tensors
}

// taskBoxes is the room for a task's boxes, which grows to the most so far.
type taskBoxes struct {
	names   struct{ places, cells, boxes string } // of the graph's ports
	reach   int                                   // of a cell's window
	places  []int64                               // that windows read, each once
	windows []int64                               // by cell: indices of places
	index   []int32                               // of each place, and of what is outside; none if it is not among places
	values  []float32                             // channels x cells
}

const none = -1

// newBoxes returns nil if the head is not sparse.
func newBoxes(session *onnx.Session, m *model.Manifest, features *tensor.F32) *boxes {
	if !m.Head.Sparse {
		return nil
	}
	b := &boxes{session: session, features: features, inputs: onnx.Tensors{model.HeadFeatures: features}, outputs: onnx.Tensors{}}
	places := features.Shape[1]*features.Shape[2] + 1
	for t := range m.Head.Tasks {
		x := taskBoxes{index: slices.Repeat([]int32{none}, places)}
		x.names.places, x.names.cells, x.names.boxes = model.HeadPlaces(t), model.HeadCells(t), model.HeadBoxes(t)
		for _, p := range session.Inputs() {
			if p.Name == x.names.cells {
				x.reach = int(math.Sqrt(float64(p.Shape[1]))) / 2
			}
		}
		b.tasks = append(b.tasks, x)
	}
	return b
}

// block is what the numbers of rows are rounded up to: products of a single row are
// summed in another order than those of many.
const block = 16

// make makes the boxes of each task in its cells, and puts their numbers into maps, whose
// planes are then of the cells, rounded up to whole blocks.
func (b *boxes) make(cells [][]int64, into []decode.Maps) error {
	for t := range b.tasks {
		x := &b.tasks[t]
		x.take(cells[t], b.features.Shape[1], b.features.Shape[2])
		n := len(x.values) / model.BoxChannels
		b.inputs[x.names.places] = tensor.From(x.places, len(x.places))
		b.inputs[x.names.cells] = tensor.From(x.windows, n, len(x.windows)/n)
		b.outputs[x.names.boxes] = tensor.From(x.values, model.BoxChannels, n)
	}
	if err := b.session.Run(b.inputs, b.outputs); err != nil {
		return err
	}
	for t := range b.tasks {
		b.tasks[t].give(&into[t])
	}
	return nil
}

// take lists the places that boxes in the cells of a map are made of. What fills up the
// last blocks is cell 0, and places outside.
func (x *taskBoxes) take(cells []int64, rows, columns int) {
	x.places, x.windows = x.places[:0], x.windows[:0]
	n := whole(len(cells))
	for i := range n {
		cell := 0
		if i < len(cells) {
			cell = int(cells[i])
		}
		x.window(cell, rows, columns)
	}
	for _, p := range x.places {
		x.index[p] = none
	}
	for len(x.places) < whole(len(x.places)) {
		x.places = append(x.places, int64(rows*columns))
	}
	x.values = slices.Grow(x.values[:0], n*model.BoxChannels)[:n*model.BoxChannels]
}

// whole returns the number of rows of whole blocks, at least one, that n rows fill.
func whole(n int) int { return max(1, (n+block-1)/block) * block }

// window adds the window of a cell.
func (x *taskBoxes) window(cell, rows, columns int) {
	for row := cell/columns - x.reach; row <= cell/columns+x.reach; row++ {
		for column := cell%columns - x.reach; column <= cell%columns+x.reach; column++ {
			place := rows * columns
			if row >= 0 && row < rows && column >= 0 && column < columns {
				place = row*columns + column
			}
			if x.index[place] == none {
				x.index[place] = int32(len(x.places))
				x.places = append(x.places, int64(place))
			}
			x.windows = append(x.windows, int64(x.index[place]))
		}
	}
}

// give puts the planes of each branch into maps.
func (x *taskBoxes) give(into *decode.Maps) {
	at, n := 0, len(x.values)/model.BoxChannels
	for i, planes := range []*[]float32{&into.Reg, &into.Height, &into.Dim, &into.Rot, &into.Vel} {
		size := model.Branches[i].Channels * n
		*planes = x.values[at:][:size:size]
		at += size
	}
}

// everywhere returns the whole maps of all branches, by their names, which take as long as
// the head's own would. The features must be those of the set under way. What make has
// made stays.
func (b *boxes) everywhere() (map[string]*tensor.F32, error) {
	rows, columns := b.features.Shape[1], b.features.Shape[2]
	all, rowOf := map[string]*tensor.F32{}, make([]decode.Maps, len(b.tasks))
	other := b.again()
	for t := range b.tasks {
		for _, branch := range model.Branches {
			all[model.HeadOutput(t, branch.Name)] = tensor.New[float32](1, branch.Channels, rows, columns)
		}
	}
	row, cells := make([]int64, columns), make([][]int64, len(b.tasks))
	for y := range rows {
		for x := range row {
			row[x] = int64(y*columns + x)
		}
		for t := range cells {
			cells[t] = row
		}
		if err := other.make(cells, rowOf); err != nil {
			return nil, err
		}
		for t := range rowOf {
			m := &rowOf[t]
			for i, planes := range [][]float32{m.Reg, m.Height, m.Dim, m.Rot, m.Vel} {
				put(all[model.HeadOutput(t, model.Branches[i].Name)], planes, y)
			}
		}
	}
	return all, nil
}

// again returns boxes of the same features with room of their own.
func (b *boxes) again() *boxes {
	other := &boxes{session: b.session, features: b.features, inputs: onnx.Tensors{model.HeadFeatures: b.features}, outputs: onnx.Tensors{}}
	for _, x := range b.tasks {
		other.tasks = append(other.tasks, taskBoxes{names: x.names, reach: x.reach, index: slices.Repeat([]int32{none}, len(x.index))})
	}
	return other
}

// put copies a row of cells into maps; planes have it, and may have more behind it.
func put(maps *tensor.F32, planes []float32, y int) {
	channels, rows, columns := maps.Shape[1], maps.Shape[2], maps.Shape[3]
	for c := range channels {
		copy(maps.Data[(c*rows+y)*columns:][:columns], planes[c*len(planes)/channels:])
	}
}

// wholeHead returns the outputs of a head with those of its boxes everywhere.
func (n *networks) wholeHead(m *model.Manifest, outputs map[string]*tensor.F32) (map[string]*tensor.F32, error) {
	b := newBoxes(n.sessions[model.Boxes], m, outputs[model.HeadFeatures])
	if b == nil {
		return outputs, nil
	}
	all, err := b.everywhere()
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", n.set.File(model.Boxes), err)
	}
	for name, t := range outputs {
		if name != model.HeadFeatures {
			all[name] = t
		}
	}
	return all, nil
}
