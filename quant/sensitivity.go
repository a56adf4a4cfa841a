package quant

import (
	"context"
	"maps"
	"slices"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/qdq"
)

// Keep are layers of graphs, by their outputs.
type Keep map[model.Graph]map[string]bool

// count returns the number of layers.
func (k Keep) count() (n int) {
	for _, layers := range k {
		n += len(layers)
	}
	return n
}

// with returns the layers with one more.
func (k Keep) with(g model.Graph, layer string) Keep {
	more := Keep{}
	maps.Copy(more, k)
	more[g] = map[string]bool{layer: true}
	maps.Copy(more[g], k[g])
	return more
}

// without returns the layers with one less.
func (k Keep) without(g model.Graph, layer string) Keep {
	less := Keep{}
	maps.Copy(less, k)
	less[g] = maps.Clone(k[g])
	delete(less[g], layer)
	return less
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

// Sensitivity is what a layer costs in 8 bits.
type Sensitivity struct {
	Graph model.Graph
	Layer string
	MACs  int64
	Gain  float64 // of the graph's error, if the layer alone stays float32; as a share of it
}

// worth is the gain for a product.
func (s *Sensitivity) worth() float64 { return s.Gain / float64(s.MACs) }

// sensitivities measures what each layer of a graph in 8 bits costs, and the error of the
// graph in 8 bits.
func (s samples) sensitivities(ctx context.Context, b *model.Bundle, name model.Graph, stats *Statistics, o Options, threads int) (all []Sensitivity, whole float64, err error) {
	if whole, err = s.trial(b, name, stats, o, threads); err != nil || whole == 0 {
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
		one := o
		one.Keep = o.Keep.with(name, l.Name)
		left, err := s.trial(b, name, stats, one, threads)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, Sensitivity{Graph: name, Layer: l.Name, MACs: l.MACs, Gain: (whole - left) / whole})
	}
	return all, whole, nil
}
