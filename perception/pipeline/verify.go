package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/tensor"
)

// Verify loads a bundle's graphs, those for all providers, compares their ports with its
// manifest, and runs each once, as for a rig of the training's cameras: what they give must
// be finite. It runs them on the CPU; notes say which of them it cannot run.
func Verify(b *model.Bundle) (notes []string, err error) {
	runtime, err := onnx.Open("")
	if err != nil {
		return nil, err
	}
	var all []error
	tried := map[string]bool{} // by file
	for _, set := range b.Sets() {
		n, err := loadOn(runtime, b, set, onnx.Placement{Provider: "cpu"})
		switch {
		case err != nil && set.Provider != "" && set.Provider != "cpu" && unknownToCPU(err):
			notes = append(notes, fmt.Sprintf("the graphs for %s were not run: %s", set.Name(), line(err)))
		case err != nil:
			all = append(all, err)
		default:
			all = append(all, n.try(tried, len(b.Manifest.Cameras)), n.close())
		}
	}
	return notes, errors.Join(all...)
}

// unknownToCPU reports whether ONNX Runtime lacks code for a node on the CPU.
func unknownToCPU(err error) bool {
	return strings.Contains(err.Error(), "Could not find an implementation")
}

// try runs the graphs that were not tried yet.
func (n *networks) try(tried map[string]bool, cameras int) error {
	var all []error
	for _, g := range n.set.Networks() {
		file := n.set.File(g)
		if tried[file] {
			continue
		}
		tried[file] = true
		if err := try(n.sessions[g], cameras); err != nil {
			all = append(all, fmt.Errorf("model: %s: %w", file, err))
		}
	}
	return errors.Join(all...)
}

// try runs a graph on made-up numbers with that many cameras.
func try(session *onnx.Session, cameras int) error {
	results, err := evaluate(session, cameras)
	if err != nil {
		return err
	}
	var all []error
	for _, p := range session.Outputs() {
		if n := notFinite(results[p.Name].Data); n > 0 {
			all = append(all, fmt.Errorf("output %q has %d of %d values that are not finite", p.Name, n, len(results[p.Name].Data)))
		}
	}
	return errors.Join(all...)
}

// evaluate returns a graph's outputs for made-up numbers with that many cameras.
func evaluate(session *onnx.Session, cameras int) (map[string]*tensor.F32, error) {
	inputs, outputs := onnx.Tensors{}, onnx.Tensors{}
	for _, p := range session.Inputs() {
		inputs[p.Name] = pattern(p, cameras)
	}
	results := map[string]*tensor.F32{}
	for _, p := range session.Outputs() {
		results[p.Name] = tensor.New[float32](closed(p.Shape, cameras)...)
		outputs[p.Name] = results[p.Name]
	}
	return results, session.Run(inputs, outputs)
}

// closed returns a port's shape with the number of cameras for its open axes.
func closed(shape []int64, cameras int) []int {
	list := make([]int, len(shape))
	for i, d := range shape {
		list[i] = int(d)
		if d < 0 {
			list[i] = cameras
		}
	}
	return list
}

// pattern returns numbers for an input that spread over what normalised images
// and features hold: -2 to 2, or all of uint8.
func pattern(p onnx.Port, cameras int) any {
	const period = 977 // a prime, so that no axis has it
	shape := closed(p.Shape, cameras)
	if p.Type == "uint8" {
		t := tensor.New[uint8](shape...)
		for i := range t.Data {
			t.Data[i] = uint8(i % period)
		}
		return t
	}
	if p.Type == "int64" { // places, as many as there are cameras, and cells that read them
		t := tensor.New[int64](shape...)
		for i := range t.Data {
			t.Data[i] = int64(i % cameras)
		}
		return t
	}
	t := tensor.New[float32](shape...)
	for i := range t.Data {
		t.Data[i] = 4*float32(i%period)/period - 2
	}
	return t
}

func notFinite(data []float32) int {
	n := 0
	for _, x := range data {
		if x-x != 0 {
			n++
		}
	}
	return n
}
