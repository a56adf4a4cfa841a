package quant

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/qdq"
	"github.com/solofusion/solofusion/quant/histogram"
)

// Method chooses a range from a value's histogram.
type Method string

// The methods.
const (
	Extremes     Method = "extremes"      // of all values
	MeanExtremes Method = "mean-extremes" // means of the frames'
	Percentile   Method = "percentile"    // 99.99 % of the values
	Least        Method = "least-error"   // least mean of |x - x̂|^2.4
)

// Methods are all methods.
var Methods = []Method{Extremes, MeanExtremes, Percentile, Least}

func (m Method) choose(h *histogram.Histogram) histogram.Range {
	switch m {
	case MeanExtremes:
		return h.MeanExtremes()
	case Percentile:
		return h.Percentile(0.9999)
	case Least:
		return h.Least()
	}
	return h.Extremes()
}

// Options say how graphs are quantised. Fields that are zero take their default.
type Options struct {
	Method    Method // default Extremes
	Keep      Keep   // layers that stay float32
	SevenBits bool   // weights of 7 bits, see [qdq.Options]
}

// Keep are layers of graphs, by their outputs.
type Keep map[model.Graph]map[string]bool

// Quantise returns the float32 bundle with graphs of 8 bits for the CPU beside its own. The
// statistics must be of its graphs.
func Quantise(b *model.Bundle, s *Statistics, o Options) (*model.Bundle, error) {
	m, files := b.Manifest, b.Files()
	set := model.GraphSet{Files: map[model.Graph]string{}, Quantisation: record(s, o)}
	for _, name := range model.Graphs() {
		eight, err := quantise(b, name, s, o)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", name, err)
		}
		file := strings.TrimSuffix(string(name), ".onnx") + ".cpu.onnx"
		set.Files[name], files[file] = file, eight.file
		if name == model.DetectHead {
			set.Input = &eight.input
		}
	}
	m.Graphs = maps.Clone(m.Graphs)
	if m.Graphs == nil {
		m.Graphs = map[string]model.GraphSet{}
	}
	m.Graphs["cpu"] = set
	return model.New(m, files)
}

func record(s *Statistics, o Options) *model.Quantisation {
	q := &model.Quantisation{
		Method: string(o.Method), Activations: "uint8", Weights: "int8 per channel",
		Frames: s.Taken(), Strata: s.Frames, Data: s.Data,
	}
	if o.SevenBits {
		q.Weights = "int8 per channel, of 7 bits"
	}
	for _, g := range model.Graphs() {
		for _, layer := range slices.Sorted(maps.Keys(o.Keep[g])) {
			q.Kept = append(q.Kept, model.KeptLayer{Graph: g, Layer: layer})
		}
	}
	return q
}

// eight is a graph in 8 bits.
type eight struct {
	file  []byte
	input model.Input // of the head
}

// stack is the head's input, which Go writes in 8 bits if the head's first layer reads it so.
const stack = "stack"

// quantise returns the 8-bit form of a graph.
func quantise(b *model.Bundle, name model.Graph, s *Statistics, o Options) (*eight, error) {
	g, err := graph.Parse(b.Graph(name))
	if err != nil {
		return nil, err
	}
	p, err := qdq.NewPlan(g, qdq.CPU, o.Keep[name])
	if err != nil {
		return nil, err
	}
	ranges, err := o.ranges(p.Values(), s.Of[name])
	if err != nil {
		return nil, err
	}
	made, w := &eight{input: model.Input{Type: "float32"}}, qdq.Options{SevenBits: o.SevenBits}
	if name == model.DetectHead && slices.Contains(p.Values(), stack) {
		scale := qdq.CPU.Scale(ranges[stack])
		w.Outside = map[string]qdq.Scale{stack: scale}
		made.input = model.Input{Type: "uint8", Scale: scale.Step, ZeroPoint: &scale.Zero}
	}
	if _, err := p.Write(ranges, w); err != nil {
		return nil, err
	}
	made.file, err = g.Bytes()
	return made, err
}

// ranges chooses the ranges of values.
func (o *Options) ranges(values []string, stats map[string]*histogram.Histogram) (map[string]qdq.Range, error) {
	ranges := map[string]qdq.Range{}
	for _, v := range values {
		h := stats[v]
		if h == nil || h.Frames == 0 {
			return nil, fmt.Errorf("no statistics of value %q", v)
		}
		ranges[v] = qdq.Range(o.Method.choose(h))
	}
	return ranges, nil
}

// ParseMethod returns the method of a name.
func ParseMethod(name string) (Method, error) {
	if m := Method(name); slices.Contains(Methods, m) {
		return m, nil
	}
	names := make([]string, len(Methods))
	for i, m := range Methods {
		names[i] = string(m)
	}
	return "", fmt.Errorf("quant: unknown method %q, want one of %s", name, strings.Join(names, ", "))
}
