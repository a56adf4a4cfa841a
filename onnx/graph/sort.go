package graph

import (
	"fmt"
	"slices"
)

// Sort puts the nodes in the order of their values, and otherwise leaves them in
// their order. The error names a value with two sources or none, or a node
// that depends on itself.
func (g *Graph) Sort() error {
	if err := g.checkSources(); err != nil {
		return err
	}
	s := sorter{sources: g.sources(), state: make(map[*Node]int, len(g.nodes))}
	for _, n := range g.nodes {
		if err := s.visit(n); err != nil {
			return err
		}
	}
	g.nodes = s.sorted
	return nil
}

// checkSources returns an error unless each value that is read or given out has
// one source.
func (g *Graph) checkSources() error {
	made := make(map[string]string) // value to what makes it
	give := func(name, source string) error {
		if before, ok := made[name]; ok {
			return fmt.Errorf("value %q is made twice, by %s and %s", name, before, source)
		}
		made[name] = source
		return nil
	}
	for name := range g.constants {
		made[name] = "a constant"
	}
	for _, v := range g.model.Graph.Input {
		if err := give(v.Name, "an input"); err != nil {
			return err
		}
	}
	for _, n := range g.nodes {
		for _, out := range n.Outputs {
			if out == "" {
				continue // an output that is not wanted
			}
			if err := give(out, n.String()); err != nil {
				return err
			}
		}
	}
	for _, n := range g.nodes {
		for _, in := range n.Inputs {
			if made[in] == "" && in != "" {
				return fmt.Errorf("%s reads %q, which nothing makes", n, in)
			}
		}
	}
	for _, v := range g.model.Graph.Output {
		if made[v.Name] == "" {
			return fmt.Errorf("output %q is made by nothing", v.Name)
		}
	}
	return nil
}

// sorter visits nodes after those that they read.
type sorter struct {
	sources map[string]*Node
	state   map[*Node]int // 0 unseen, 1 begun, 2 done
	sorted  []*Node
}

// visit keeps its own stack: a file may chain more nodes than goroutines like
// to nest calls.
func (s *sorter) visit(first *Node) error {
	for stack := []*Node{first}; len(stack) > 0; {
		n := stack[len(stack)-1]
		switch s.state[n] {
		case 2:
			stack = stack[:len(stack)-1]
		case 1:
			s.state[n] = 2
			s.sorted = append(s.sorted, n)
		case 0:
			s.state[n] = 1
			for _, in := range slices.Backward(n.Inputs) {
				before := s.sources[in]
				if in == "" || before == nil {
					continue
				}
				if s.state[before] == 1 {
					return fmt.Errorf("%s depends on itself", before)
				}
				stack = append(stack, before)
			}
		}
	}
	return nil
}
