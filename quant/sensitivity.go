package quant

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/qdq"
)

// with returns the layers with one more.
func (k Keep) with(g model.Graph, layer string) Keep {
	more := maps.Clone(k)
	if more == nil {
		more = Keep{}
	}
	more[g] = maps.Clone(more[g])
	if more[g] == nil {
		more[g] = map[string]bool{}
	}
	more[g][layer] = true
	return more
}

// layers returns the layers of a graph that are computed in integers.
func layers(b *model.Bundle, name model.Graph, keep Keep) ([]qdq.Layer, error) {
	g, err := graph.Parse(b.Graph(name))
	if err != nil {
		return nil, err
	}
	p, err := qdq.NewPlan(g, qdq.CPU, keep[name])
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(p.Layers(), func(l qdq.Layer) bool { return !l.Integer }), nil
}

// sensitivities measures, for each layer of a graph in 8 bits, what is gained if it alone
// stays float32, and the error of the graph if none does. The first is the one that gains
// most for its products.
func (s samples) sensitivities(ctx context.Context, b *model.Bundle, name model.Graph, stats *Statistics, o Options, threads int) (all []Sensitivity, whole float64, err error) {
	measure := func(keep Keep) (float64, error) {
		at := o
		at.Keep = keep
		e, err := quantise(b, name, stats, at)
		if err != nil {
			return 0, fmt.Errorf("model: %s: %w", name, err)
		}
		return s.error(name, e, threads)
	}
	if whole, err = measure(o.Keep); err != nil || whole == 0 {
		return nil, whole, err
	}
	list, err := layers(b, name, o.Keep)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range list {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		left, err := measure(o.Keep.with(name, l.Name))
		if err != nil {
			return nil, 0, err
		}
		all = append(all, Sensitivity{Graph: name, Layer: l.Name, MACs: l.MACs, Gain: (whole - left) / whole})
	}
	slices.SortStableFunc(all, func(a, b Sensitivity) int {
		switch x, y := a.Gain/float64(a.MACs), b.Gain/float64(b.MACs); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return all, whole, nil
}
