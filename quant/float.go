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
		done, err := rewrite.Exact(g)
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
