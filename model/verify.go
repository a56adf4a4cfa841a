package model

import (
	"errors"
	"fmt"
	"slices"
)

// Port is an input or output of a graph. A dimension that the graph leaves
// open is negative.
type Port struct {
	Name  string
	Type  string // float32, uint8
	Shape []int64
}

// Inspector returns a graph's ports without running it.
type Inspector func(g Graph) (inputs, outputs []Port, err error)

// Verify compares the ports of every graph of one of the bundle's sets with the manifest;
// hashes, ranges and weights were checked when the bundle was read. The error joins all
// faults, each with its file and port.
func (b *Bundle) Verify(s *Set, inspect Inspector) error {
	var all []error
	for _, g := range s.networks {
		inputs, outputs, err := inspect(g)
		if err != nil {
			all = append(all, fmt.Errorf("model: %s: %w", s.File(g), err))
			continue
		}
		wantIn, wantOut := b.Manifest.ports(g, &s.Input)
		all = append(all, match(s.File(g), "input", inputs, wantIn)...)
		all = append(all, match(s.File(g), "output", outputs, wantOut)...)
	}
	return errors.Join(all...)
}

// anyBatch stands for a dimension that must be open: the number of cameras
// with an image.
const anyBatch = -1

// ports returns what a graph must take and give; in is the head's input.
func (m *Manifest) ports(g Graph, in *Input) (inputs, outputs []Port) {
	f32 := func(name string, shape ...int) Port { return port(name, "float32", shape...) }
	x, y := m.Grid.X.Cells(), m.Grid.Y.Cells()
	coarse, fine, f := m.Coarse(), m.Fine(), &m.Features
	switch g {
	case ImageEncoder:
		outputs = []Port{
			f32("context", anyBatch, coarse.Height, coarse.Width, f.Context),
			f32("mono_logits", anyBatch, coarse.Height, coarse.Width, m.Depth.Count),
		}
		if m.HasStereo() {
			outputs = append(outputs, f32("stereo_features", anyBatch, fine.Height, fine.Width, f.Stereo))
		}
		return []Port{f32("images", anyBatch, 3, m.Image.Height, m.Image.Width), f32("cameras", anyBatch, 33)}, outputs
	case BEVEmbed:
		return []Port{f32("bev_raw", 1, y, x, f.Context)}, []Port{f32("bev", 1, y, x, f.Context)}
	}
	features := f32(HeadFeatures, 1, y, x, anyWidth)
	if g == Boxes {
		inputs = []Port{features}
		for t := range m.Head.Tasks {
			inputs = append(inputs, port(HeadPlaces(t), "int64", anyBatch), port(HeadCells(t), "int64", anyBatch, anyWidth))
			outputs = append(outputs, f32(HeadBoxes(t), BoxChannels, anyBatch))
		}
		return inputs, outputs
	}
	outputs = []Port{f32("fused", 1, anyWidth, y, x)}
	if m.Head.Sparse {
		outputs = append(outputs, features)
	}
	for t, task := range m.Head.Tasks {
		for _, branch := range Branches {
			if !m.Head.Sparse {
				outputs = append(outputs, f32(HeadOutput(t, branch.Name), 1, branch.Channels, y, x))
			}
		}
		outputs = append(outputs, f32(HeadOutput(t, Heatmap), 1, len(task.Classes), y, x))
	}
	return []Port{port("stack", in.Type, 1, y, x, (m.History.Frames+1)*f.Context)}, outputs
}

// anyWidth stands for a dimension that only the graph defines.
const anyWidth = 0

// Branches are the maps of each task that make boxes, in the order of their channels.
var Branches = [...]struct {
	Name     string
	Channels int
}{{"reg", 2}, {"height", 1}, {"dim", 3}, {"rot", 2}, {"vel", 2}}

// BoxChannels is the number of channels of all Branches.
const BoxChannels = 10

// Heatmap is the name of the map of each task with a channel for each class.
const Heatmap = "heatmap"

// HeadOutput is the name of a task's map among the head's outputs.
func HeadOutput(task int, branch string) string { return fmt.Sprintf("head_%d_%s", task, branch) }

// HeadFeatures is the name of what a sparse head makes boxes of.
const HeadFeatures = "features"

// HeadPlaces is the name of the input that has the places, each once, that a task's boxes are
// made of: row times columns plus column, and rows times columns for what lies outside.
func HeadPlaces(task int) string { return fmt.Sprintf("places_%d", task) }

// HeadCells is the name of the input that has, for each cell in which a task has boxes, the
// indices of the places in a square around it.
func HeadCells(task int) string { return fmt.Sprintf("cells_%d", task) }

// HeadBoxes is the name of a task's boxes: the channels of its branches, by cells.
func HeadBoxes(task int) string { return fmt.Sprintf("boxes_%d", task) }

func port(name, kind string, shape ...int) Port {
	p := Port{Name: name, Type: kind}
	for _, d := range shape {
		p.Shape = append(p.Shape, int64(d))
	}
	return p
}

func match(file, side string, got, want []Port) []error {
	var all []error
	for _, w := range want {
		i := slices.IndexFunc(got, func(p Port) bool { return p.Name == w.Name })
		switch {
		case i < 0:
			all = append(all, fmt.Errorf("model: %s has no %s %q", file, side, w.Name))
		case got[i].Type != w.Type || !fits(got[i].Shape, w.Shape):
			all = append(all, fmt.Errorf("model: %s: %s %q is %s %v, want %s %v",
				file, side, w.Name, got[i].Type, got[i].Shape, w.Type, w.Shape))
		}
	}
	for _, p := range got {
		if !slices.ContainsFunc(want, func(w Port) bool { return w.Name == p.Name }) {
			all = append(all, fmt.Errorf("model: %s has an unknown %s %q", file, side, p.Name))
		}
	}
	return all
}

func fits(got, want []int64) bool {
	if len(got) != len(want) {
		return false
	}
	for i, w := range want {
		ok := got[i] == w || w == anyWidth && got[i] > 0 || w == anyBatch && got[i] < 0
		if !ok {
			return false
		}
	}
	return true
}
