// Package onnx runs ONNX graphs over the project's tensors with ONNX Runtime.
// It is the only package that imports that library.
//
//	rt, err := onnx.Open("")                          // finds libonnxruntime
//	s, err := rt.Load("head", graph, []string{"cuda", "cpu"}, 2)
//	in, out := tensor.New[uint8](1, 4), tensor.New[float32](1, 1)
//	b, err := s.Bind(onnx.Tensors{"stack": in}, onnx.Tensors{"sum": out})
//	err = b.Run()                                     // reads in.Data, writes out.Data
//
// A [Binding] ties caller-owned tensors to a session once; each Run then reads
// and writes them in place, without a copy on the CPU and without a Go
// allocation. A graph with an open axis gets one binding for each size in use.
//
// Sessions of one process share the library and its environment, which live
// until the process ends. On the CPU a session gives the same bytes whatever
// its number of threads.
package onnx
