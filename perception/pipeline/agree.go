package pipeline

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/onnx"
)

// How far a GPU's outputs may be from the CPU's, as the root of the mean squared
// difference over that of the CPU's values. Rounding to float16, or to eight bits in other
// places than the graph says, is well within; a provider that computes wrongly is not.
const (
	tolerance      = 0.03
	toleranceEight = 0.1 // of graphs that are quantised
)

// compare runs each graph on made-up numbers, for one camera, on its provider and on the
// CPU, where quantised numbers are computed as the graph says. The error is of the
// provider if they do not agree.
func (n *networks) compare(runtime *onnx.Runtime) error {
	bound := tolerance
	if n.set.Quantisation != "none" {
		bound = toleranceEight
	}
	for _, g := range n.set.Networks() {
		reference, err := runtime.Load(n.set.File(g), n.set.Graph(g), onnx.Placement{Provider: "cpu"})
		if err != nil {
			return err
		}
		err = agree(n.sessions[g], reference, bound)
		if closed := reference.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return &onnx.ProviderError{Provider: n.provider, Reason: fmt.Errorf("%s: %w", n.set.File(g), err)}
		}
	}
	return nil
}

// agree returns an error that names the first output of a session that is not within the
// bound of the reference's.
func agree(session, reference *onnx.Session, bound float64) error {
	got, err := evaluate(session, 1)
	if err != nil {
		return err
	}
	want, err := evaluate(reference, 1)
	if err != nil {
		return err
	}
	for _, p := range reference.Outputs() {
		if d := distance(got[p.Name].Data, want[p.Name].Data); !(d <= bound) {
			return fmt.Errorf("output %q is %.2g of its size off what the CPU computes, want at most %g", p.Name, d, bound)
		}
	}
	return nil
}

// distance returns the size of the difference over that of want: 0 if they are equal, NaN
// if a value is not finite.
func distance(got, want []float32) float64 {
	var difference, size float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		difference += d * d
		size += float64(w) * float64(w)
	}
	if difference == 0 {
		return 0
	}
	return math.Sqrt(difference / size)
}
