package golden

import (
	"math"
	"testing"

	"github.com/solofusion/solofusion/tensor"
)

// ChannelsLast copies an array so that axis 1 of [n, c, …] becomes the last:
// [n, …, c].
func ChannelsLast[T tensor.Elem](a *tensor.Dense[T]) *tensor.Dense[T] {
	n, c := a.Shape[0], a.Shape[1]
	inner := tensor.Size(a.Shape[2:])
	shape := append([]int{n}, a.Shape[2:]...)
	out := tensor.New[T](append(shape, c)...)
	for i := range n {
		for j := range c {
			for k := range inner {
				out.Data[(i*inner+k)*c+j] = a.Data[(i*c+j)*inner+k]
			}
		}
	}
	return out
}

// Fold returns the weight [out, in] and bias of a pointwise convolution with
// the batch norm after it folded in. A convolution without a bias has zeros.
func Fold(t testing.TB, weights map[string]*tensor.F32, conv, norm string, eps float64) (w, b []float32) {
	t.Helper()
	get := func(name string) []float32 {
		if weights[name] == nil {
			t.Fatalf("golden: checkpoint has no tensor %q", name)
		}
		return weights[name].Data
	}
	cw := get(conv + ".weight")
	gamma, beta, mean, variance := get(norm+".weight"), get(norm+".bias"), get(norm+".running_mean"), get(norm+".running_var")
	outs := len(gamma)
	ins := len(cw) / outs
	w, b = make([]float32, len(cw)), make([]float32, outs)
	for o := range outs {
		scale := float64(gamma[o]) / math.Sqrt(float64(variance[o])+eps)
		bias := 0.0
		if c := weights[conv+".bias"]; c != nil {
			bias = float64(c.Data[o])
		}
		b[o] = float32((bias-float64(mean[o]))*scale + float64(beta[o]))
		for i := range ins {
			w[o*ins+i] = float32(float64(cw[o*ins+i]) * scale)
		}
	}
	return w, b
}
