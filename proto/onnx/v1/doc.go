// Package onnxv1 is the generated Go of the part of the ONNX format that the
// project reads and writes. Package onnx/graph turns its messages into graphs
// and back; nothing else uses it.
//
// After a change of the .proto file run go generate in this folder and commit
// what it writes.
package onnxv1

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 lint ../..
//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate ../.. --template ../../buf.gen.yaml --output ../..
