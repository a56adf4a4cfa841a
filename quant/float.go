package quant

import (
	"fmt"
	"maps"
	"slices"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/rewrite"
)

// Optimise returns the bundle with its graphs rewritten into faster ones of the same
// function, and the names of those that keep parts of 8 bits.
func Optimise(b *model.Bundle) (faster *model.Bundle, kept []model.Graph, err error) {
	m, files := b.Manifest, b.Files()
	m.Rewrites = slices.Clone(m.Rewrites)
	for _, name := range model.Graphs() {
		g, err := graph.Parse(b.Graph(name))
		if err != nil {
			return nil, nil, fmt.Errorf("model: %s: %w", name, err)
		}
		if rewrite.IsQuantised(g) {
			kept = append(kept, name)
		}
		var done []rewrite.Done
		if name == model.DetectHead && !m.Head.Sparse {
			done, err = sparse(g, &m, files)
		}
		if err == nil {
			var more []rewrite.Done
			more, err = rewrite.Exact(g)
			done = append(done, more...)
		}
		if err == nil && len(done) > 0 {
			files[string(name)], err = g.Bytes()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("model: %s: %w", name, err)
		}
		for _, d := range done {
			m.Rewrites = append(m.Rewrites, model.Rewrite{Graph: name, Name: d.Name, Count: d.Count})
		}
	}
	faster, err = model.New(m, files)
	return faster, kept, err
}

// sparse cuts what makes boxes out of a head, if it is of that form, and adds it to the
// files. Graphs for providers stay whole, so that a bundle with some stays so.
func sparse(head *graph.Graph, m *model.Manifest, files map[string][]byte) ([]rewrite.Done, error) {
	if len(m.Graphs) > 0 {
		return nil, nil
	}
	into, maps := rewrite.Head{Features: model.HeadFeatures}, 0
	for t := range m.Head.Tasks {
		task := rewrite.Task{Places: model.HeadPlaces(t), Cells: model.HeadCells(t), Boxes: model.HeadBoxes(t)}
		for _, branch := range model.Branches {
			task.Maps = append(task.Maps, model.HeadOutput(t, branch.Name))
		}
		maps += len(task.Maps)
		into.Tasks = append(into.Tasks, task)
	}
	boxes, err := rewrite.Boxes(head, into)
	if err != nil || boxes == nil {
		return nil, err
	}
	if files[string(model.Boxes)], err = boxes.Bytes(); err != nil {
		return nil, err
	}
	m.Head.Sparse = true
	return []rewrite.Done{{Name: "boxes in chosen cells", Count: maps}}, nil
}

// Float returns the bundle with a float32 head and no graphs for the CPU of their own, itself if it is
// so. The weights of a quantised head stay rounded to 8 bits.
func Float(b *model.Bundle) (*model.Bundle, error) {
	b, err := withoutCPU(b)
	if err != nil || b.Manifest.Head.Input.Type == "float32" {
		return b, err
	}
	g, err := graph.Parse(b.Graph(model.DetectHead))
	if err == nil {
		err = rewrite.Unquantise(g)
	}
	files := b.Files()
	if err == nil {
		files[string(model.DetectHead)], err = g.Bytes()
	}
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", model.DetectHead, err)
	}
	m := b.Manifest
	m.Head.Input = model.Input{Type: "float32"}
	m.Quantisation = &model.Quantisation{Method: "none", WeightsRoundedBy: m.Quantisation}
	return model.New(m, files)
}

// withoutCPU returns the bundle without graphs for the CPU of their own.
func withoutCPU(b *model.Bundle) (*model.Bundle, error) {
	own, ok := b.Manifest.Graphs[cpu]
	if !ok {
		return b, nil
	}
	m, files := b.Manifest, b.Files()
	m.Graphs = maps.Clone(m.Graphs)
	delete(m.Graphs, cpu)
	for _, file := range own.Files {
		delete(files, file)
	}
	return model.New(m, files)
}
