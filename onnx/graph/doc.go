// Package graph reads, edits and writes ONNX graphs. It is the only package
// that knows the file format.
//
//	g, err := graph.Parse(file)
//	for _, n := range g.Nodes() {                    // in the order of their values
//		if n.Op == "Conv" {
//			w, err := graph.Constant[float32](g, n.Inputs[1])
//			n.Inputs[1] = graph.AddConstant(g, n.Inputs[1], scaled(w))
//		}
//	}
//	g.Prune()                                        // drops what nothing reads
//	values, err := g.Infer()                         // types and shapes
//	file, err = g.Bytes()                            // the same bytes for the same graph
//
// A value is named by the node that makes it, a constant, or an input; each
// name has one source. Constants are initialisers: the tensors of Constant
// nodes become such when a file is read. What a file says of inner values'
// shapes is dropped, since edits make it stale and [Graph.Infer] finds it again;
// all else that is not known here is kept.
//
// [Parse] refuses what cannot be edited safely: graphs within graphs, functions,
// sparse constants, constants in other files, inputs with a default value.
package graph
