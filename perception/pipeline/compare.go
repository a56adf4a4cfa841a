package pipeline

import (
	"errors"
	"fmt"
	"math"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/tensor"
)

// Compare runs the plain graphs of two bundles on the CPU with the same made-up numbers. It
// returns an error that names the outputs of which a value differs by more than the
// tolerance times the output's largest value, or is not finite. Of sparse heads all boxes are
// made. The manifests must be of the same geometry and head input.
func Compare(a, b *model.Bundle, tolerance float64) error {
	want, err := evaluateAll(a)
	if err != nil {
		return err
	}
	got, err := evaluateAll(b)
	if err != nil {
		return err
	}
	var all []error
	for _, g := range model.Graphs() {
		for name, w := range want[g] {
			if err := alike(got[g][name], w, tolerance); err != nil {
				all = append(all, fmt.Errorf("model: %s: output %q %w", g, name, err))
			}
		}
	}
	return errors.Join(all...)
}

// evaluateAll returns the outputs of a bundle's plain graphs.
func evaluateAll(b *model.Bundle) (results map[model.Graph]map[string]*tensor.F32, err error) {
	runtime, err := onnx.Open("")
	if err != nil {
		return nil, err
	}
	n, err := loadOn(runtime, b, b.Plain(), onnx.Placement{Provider: "cpu"})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	results = make(map[model.Graph]map[string]*tensor.F32)
	for _, g := range model.Graphs() {
		if results[g], err = evaluate(n.sessions[g], len(b.Manifest.Cameras)); err != nil {
			return nil, fmt.Errorf("model: %s: %w", g, err)
		}
	}
	results[model.DetectHead], err = n.wholeHead(&b.Manifest, results[model.DetectHead])
	return results, err
}

// alike returns an error unless two outputs are equal up to the tolerance.
func alike(got, want *tensor.F32, tolerance float64) error {
	if got == nil || len(got.Data) != len(want.Data) {
		return errors.New("is missing or of another shape")
	}
	largest, off := 0.0, 0.0
	for i, w := range want.Data {
		largest = max(largest, math.Abs(float64(w)))
		off = max(off, math.Abs(float64(got.Data[i])-float64(w))) // NaN stays
	}
	if !(off <= tolerance*largest) {
		return fmt.Errorf("is off by %.3g of at most %.3g, want %g of that", off, largest, tolerance)
	}
	return nil
}
