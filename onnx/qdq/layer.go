package qdq

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/tensor"
)

// weight is a layer's, by output channel.
type weight struct {
	*tensor.F32
	axis     int // of the output channels
	channels int
}

// at returns the channel of the number at i.
func (w *weight) at(i int) int {
	return i / tensor.Size(w.Shape[w.axis+1:]) % w.channels
}

// largest returns the largest magnitude of each channel.
func (w *weight) largest() []float64 {
	all := make([]float64, w.channels)
	for i, x := range w.Data {
		c := w.at(i)
		all[c] = max(all[c], math.Abs(float64(x)))
	}
	return all
}

// weightOf returns the weight of a layer of the plan.
func (p *Plan) weightOf(n *graph.Node) (*weight, error) {
	t, err := graph.Constant[float32](p.g, n.Inputs[1])
	if err != nil {
		return nil, err
	}
	if err := finite("weight", t.Data); err != nil {
		return nil, err
	}
	axis := outputAxis(n)
	return &weight{t, axis, t.Shape[axis]}, nil
}

// outputAxis returns which axis of a layer's weight is that of the output channels.
func outputAxis(n *graph.Node) int {
	if n.Op == "MatMul" || n.Op == "Gemm" && n.Int("transB", 0) == 0 {
		return 1
	}
	return 0
}

// biasOf returns the bias of a layer of that many channels; nil if it has none.
func (p *Plan) biasOf(n *graph.Node, channels int) (*tensor.F32, error) {
	if n.Input(2) == "" {
		return nil, nil
	}
	bias, err := graph.Constant[float32](p.g, n.Inputs[2])
	if err != nil {
		return nil, err
	}
	if len(bias.Data) != channels {
		return nil, fmt.Errorf("%d biases for %d channels", len(bias.Data), channels)
	}
	return bias, finite("bias", bias.Data)
}

// finite returns an error with the first number that is none.
func finite(what string, data []float32) error {
	for i, x := range data {
		if x-x != 0 {
			return fmt.Errorf("%s %d of %d is %v", what, i, len(data), x)
		}
	}
	return nil
}

// layer stores a layer's weight and, for the CPU, its bias in integers.
func (w *writer) layer(n *graph.Node) error {
	weight, err := w.weightOf(n)
	if err != nil {
		return err
	}
	if err := weight.multiply(w.options.Outside[w.scaled[n.Inputs[0]]].Factors); err != nil {
		return err
	}
	bias, err := w.biasOf(n, weight.channels)
	if err != nil {
		return err
	}
	if w.target == TensorRT {
		bias = nil // stays float32
	}
	input := float64(w.report.Scales[w.scaled[n.Inputs[0]]].Step)
	steps, enlarged := w.steps(weight, bias, input)
	for c, s := range steps {
		if math.IsInf(float64(s), 0) || math.IsInf(float64(float32(float64(s)*input)), 0) {
			return fmt.Errorf("channel %d: weights up to %v with inputs in steps of %v are too large for float32 scales", c, weight.largest()[c], input)
		}
	}
	if enlarged {
		w.report.Enlarged = append(w.report.Enlarged, n.Output())
	}
	n.Inputs[1] = w.storedWeight(n, weight, steps)
	if bias != nil {
		n.Inputs[2] = w.storedBias(n, bias, steps, input)
	}
	return nil
}

// multiply multiplies what is read of each input channel by a factor, if there are any.
func (w *weight) multiply(factors []float32) error {
	if factors == nil {
		return nil
	}
	axis := 1 - w.axis
	if w.Shape[axis] != len(factors) {
		return fmt.Errorf("%d factors for %d input channels", len(factors), w.Shape[axis])
	}
	inner := tensor.Size(w.Shape[axis+1:])
	for i := range w.Data {
		w.Data[i] *= factors[i/inner%len(factors)]
	}
	return nil
}

// largestBias is the largest number that a bias is stored as: it leaves the sum room.
const largestBias = 1 << 30

// steps returns the scale of each output channel: its largest number is the largest that
// is stored, and its bias in the product's scale fits. Channels of zeros have one too:
// none may be 0.
func (w *writer) steps(weight *weight, bias *tensor.F32, input float64) (steps []float32, enlarged bool) {
	levels := 127.0
	if w.options.SevenBits {
		levels = 64
	}
	steps = make([]float32, weight.channels)
	for c, largest := range weight.largest() {
		step := max(largest/levels, tiny)
		if largest == 0 {
			step = 1 / levels
		}
		if bias != nil {
			least := max(math.Abs(float64(bias.Data[c]))/largestBias, tiny) / input
			if least > step {
				step, enlarged = least, enlarged || largest > 0
			}
		}
		steps[c] = float32(step)
	}
	return steps, enlarged
}

// storedWeight adds a weight in int8 and returns what reads it.
func (w *writer) storedWeight(n *graph.Node, weight *weight, steps []float32) string {
	t := tensor.New[int8](weight.Shape...)
	for i, x := range weight.Data {
		t.Data[i] = int8(math.RoundToEven(float64(x) / float64(steps[weight.at(i)])))
	}
	return w.constant(n.Output()+"_weight", graph.AddConstant(w.g, n.Output()+"_weight_stored", t), steps,
		graph.AddConstant(w.g, n.Output()+"_weight_zero", tensor.New[int8](len(steps))), weight.axis)
}

// storedBias adds a bias in int32 and returns what reads it.
func (w *writer) storedBias(n *graph.Node, bias *tensor.F32, steps []float32, input float64) string {
	t, scale := tensor.New[int32](len(steps)), make([]float32, len(steps))
	for c, x := range bias.Data {
		scale[c] = float32(input * float64(steps[c])) // as the kernels have it
		t.Data[c] = int32(math.RoundToEven(float64(x) / float64(scale[c])))
	}
	return w.constant(n.Output()+"_bias", graph.AddConstant(w.g, n.Output()+"_bias_stored", t), scale,
		graph.AddConstant(w.g, n.Output()+"_bias_zero", tensor.New[int32](len(steps))), 0)
}

// constant adds the node that gives the real numbers of a stored constant.
func (w *writer) constant(hint, stored string, steps []float32, zero string, axis int) string {
	step := graph.AddConstant(w.g, hint+"_step", tensor.From(steps, len(steps)))
	real := w.g.Fresh(hint + "_real")
	w.g.Add(dequantize, real, stored, step, zero).Set("axis", axis)
	return real
}
