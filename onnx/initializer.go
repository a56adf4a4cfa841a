package onnx

import "github.com/solofusion/solofusion/onnx/graph"

// CheckConstants returns an error that names the constants of a graph with a
// value that is not finite, weights among them. Running a graph does not show
// all of them: its activations and quantisation turn NaN into numbers.
func CheckConstants(file []byte) error { return graph.CheckFinite(file) }
