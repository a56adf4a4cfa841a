// Package rewrite changes graphs into faster ones of the same function.
//
//	g, err := graph.Parse(file)
//	done, err := rewrite.Exact(g)                // names and counts of what was done
//	for _, d := range done {
//		fmt.Println(d.Name, d.Count)
//	}
//
// Each rewrite is an identity of real numbers, stated at its function; in float32
// outputs differ by the order of sums alone, about 1e-6 of a tensor's largest
// value. Inputs and outputs keep their names, types and shapes. What a rewrite
// does not recognise in all its attributes it leaves as it is.
//
// [Unquantise] is no such identity: it takes a graph of 8-bit pairs back to
// float32, so that it can be rewritten, and quantised again.
package rewrite
