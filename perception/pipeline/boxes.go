package pipeline

import (
	"fmt"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/tensor"
)

// boxes runs the graph of a sparse head that makes, of the head's features, the numbers
// of boxes in chosen cells.
type boxes struct {
	session  *onnx.Session
	features *tensor.F32
	tasks    []taskBoxes
	inputs   onnx.Tensors
	outputs  onnx.Tensors
}

// taskBoxes is the room for a task's boxes, which grows to the most cells so far.
type taskBoxes struct {
	in, out string // names of the graph's ports
	cells   []int64
	values  []float32 // channels x cells
}

// newBoxes returns nil if the head is not sparse.
func newBoxes(session *onnx.Session, m *model.Manifest, features *tensor.F32) *boxes {
	if !m.Head.Sparse {
		return nil
	}
	b := &boxes{session: session, features: features}
	b.prepare(len(m.Head.Tasks))
	return b
}

func (b *boxes) prepare(tasks int) {
	b.inputs, b.outputs = onnx.Tensors{model.HeadFeatures: b.features}, onnx.Tensors{}
	for t := range tasks {
		b.tasks = append(b.tasks, taskBoxes{in: model.HeadCells(t), out: model.HeadBoxes(t)})
	}
}

// block is what the number of cells is rounded up to: products of a single row are
// summed in another order than those of many.
const block = 16

// make makes the boxes of each task in its cells, and puts their numbers into maps, whose
// planes are then of the cells, rounded up to whole blocks.
func (b *boxes) make(cells [][]int64, into []decode.Maps) error {
	for t := range b.tasks {
		b.tasks[t].take(cells[t], b)
	}
	if err := b.session.Run(b.inputs, b.outputs); err != nil {
		return err
	}
	for t := range b.tasks {
		b.tasks[t].give(&into[t])
	}
	return nil
}

// take makes room for boxes in the cells. What fills up the last block is cell 0.
func (x *taskBoxes) take(cells []int64, b *boxes) {
	n := max(1, (len(cells)+block-1)/block) * block
	if n > cap(x.cells) {
		x.cells, x.values = make([]int64, n), make([]float32, n*model.BoxChannels)
	}
	x.cells, x.values = x.cells[:n], x.values[:n*model.BoxChannels]
	clear(x.cells[copy(x.cells, cells):])
	b.inputs[x.in] = tensor.From(x.cells, n)
	b.outputs[x.out] = tensor.From(x.values, model.BoxChannels, n)
}

// give puts the planes of each branch into maps.
func (x *taskBoxes) give(into *decode.Maps) {
	at, n := 0, len(x.cells)
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
	all, maps := map[string]*tensor.F32{}, make([]decode.Maps, len(b.tasks))
	other := &boxes{session: b.session, features: b.features}
	other.prepare(len(b.tasks))
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
		if err := other.make(cells, maps); err != nil {
			return nil, err
		}
		for t := range maps {
			m := &maps[t]
			for i, planes := range [][]float32{m.Reg, m.Height, m.Dim, m.Rot, m.Vel} {
				put(all[model.HeadOutput(t, model.Branches[i].Name)], planes, y)
			}
		}
	}
	return all, nil
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
