// Package onnx runs ONNX graphs over the project's tensors with ONNX Runtime.
// It is the only package that imports that library.
//
//	rt, err := onnx.Open("")                          // finds libonnxruntime
//	s, err := rt.Load("head", graph, onnx.Placement{Provider: "cuda"})
//	in, out := tensor.New[uint8](1, 4), tensor.New[float32](1, 1)
//	b, err := s.Bind(onnx.Tensors{"stack": in}, onnx.Tensors{"sum": out})
//	err = b.Run()                                     // reads in.Data, writes out.Data
//
// A [Binding] ties caller-owned tensors to a session once; each Run then reads
// and writes them in place, without a copy on the CPU and without a Go
// allocation. A graph with an open axis gets one binding for each size in use.
//
// A [Placement] says which provider runs a graph. A provider that does not work is an
// error that says in a line what is missing; falling back is the caller's, who may have
// another graph for another provider.
//
// Tensors are the caller's memory, which a GPU reads and writes by copies. The binding to
// ONNX Runtime in Go has no memory on the device, no pinned memory of the host, and no
// streams of its own, so that all inputs and all outputs that are bound are copied.
//
// Sessions of one process share the library and its environment, which live
// until the process ends. On the CPU a session gives the same bytes whatever
// its number of threads.
package onnx
