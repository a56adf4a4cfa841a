package rewrite

import (
	"slices"

	"github.com/solofusion/solofusion/onnx/graph"
)

// Transposes makes one of two transpositions in a row, or none where they undo
// each other: (xᵖ)ᵠ = xᵖᵠ.
func Transposes(g *graph.Graph) (int, error) {
	count := 0
	for _, second := range g.Nodes() {
		first := g.Producer(second.Input(0))
		if second.Op != "Transpose" || first == nil || first.Op != "Transpose" {
			continue
		}
		p, q := first.Ints("perm"), second.Ints("perm")
		if len(p) != len(q) || len(p) == 0 {
			continue // reversed axes, of a number that is not said
		}
		joined := make([]int, len(q))
		for i := range q {
			joined[i] = p[q[i]]
		}
		if slices.IsSorted(joined) && !g.IsOutput(second.Output()) {
			g.Redirect(second.Output(), first.Inputs[0])
		} else {
			second.Inputs[0] = first.Inputs[0]
			second.Set("perm", joined)
		}
		count++
	}
	return count, nil
}
