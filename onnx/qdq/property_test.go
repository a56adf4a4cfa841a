package qdq_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/qdq"
)

// network makes a network of random operators on images of 16 channels.
func network(t *testing.T, seed uint64) *graph.Graph {
	source := rand.New(rand.NewPCG(seed, 3))
	b := build(float("x", 1, 16, 8, 8))
	b.seed = 1000 * seed
	b.conv("x", "v0", 16, 16)
	images := []string{"v0"}
	some := func() string { return images[source.IntN(len(images))] }
	for i := range 4 + source.IntN(8) {
		v, y := images[len(images)-1], fmt.Sprint("v", i+1)
		switch source.IntN(7) {
		case 0:
			b.conv(v, y, 16, 16)
		case 1:
			b.Add("Add", y, v, some())
		case 2:
			b.Add("Concat", y+"_all", v, some()).Set("axis", 1)
			b.conv(y+"_all", y, 32, 16)
		case 3:
			b.Add("MaxPool", y, v).Set("kernel_shape", []int{3, 3}).Set("pads", []int{1, 1, 1, 1})
		case 4:
			b.Add("Sigmoid", y+"_gate", some())
			b.Add("Mul", y, v, y+"_gate")
		case 5:
			b.convRelu(v, y+"_deep", 16, 64)
			b.Add("DepthToSpace", y+"_wide", y+"_deep").Set("blocksize", 2).Set("mode", "DCR")
			b.conv(y+"_wide", y, 16, 16).Set("strides", []int{2, 2})
		default:
			b.convRelu(v, y, 16, 16)
		}
		images = append(images, y)
	}
	b.conv(images[len(images)-1], "y", 16, 4)
	return b.done(t, "y")
}

// TestRandomNetworks holds 8-bit networks to their float form, to TensorRT's rules, and to
// themselves without ONNX Runtime's fusions, which have been wrong
// (microsoft/onnxruntime#24711); equalised ones to the bits of their float form.
func TestRandomNetworks(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := network(t, seed)
			inputs := inputsOf(g)
			want := run(t, g, inputs, nil)
			ranges := measure(t, g, measured(t, g), inputs)
			equal := copyOf(t, g)
			if _, err := qdq.Equalise(equal, ranges); err != nil {
				t.Fatal(err)
			}
			wantBits(t, g, equal)
			for _, target := range []qdq.Target{qdq.CPU, qdq.TensorRT} {
				made := copyOf(t, equal)
				if _, err := plan(t, made, target).Write(ranges, qdq.Options{SevenBits: true}); err != nil {
					t.Fatal(err)
				}
				if err := qdq.CheckTensorRT(made); (err == nil) != (target == qdq.TensorRT) {
					t.Errorf("%s: TensorRT's rules: %v", target, err)
				}
				got := run(t, made, inputs, nil)
				wantNear(t, got, want, 0.15)
				wantNear(t, runPlain(t, made, inputs), got, 0.05)
			}
		})
	}
}
