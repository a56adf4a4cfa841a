package quant

import (
	"fmt"
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
	Method    Method                          // default Least
	Keep      map[model.Graph]map[string]bool // layers that stay float32, by graph and output
	SevenBits bool                            // weights of 7 bits, see [qdq.Options]
	Graphs    []model.Graph                   // that are quantised; default all
}

// Quantise returns the float32 bundle with graphs of 8 bits. The statistics must be of
// its graphs.
func Quantise(b *model.Bundle, s *Statistics, o Options) (*model.Bundle, error) {
	if o.Method == "" {
		o.Method = Least
	}
	if o.Graphs == nil {
		o.Graphs = model.Graphs()
	}
	m, files := b.Manifest, b.Files()
	for _, name := range model.Graphs() {
		if !slices.Contains(o.Graphs, name) {
			continue
		}
		file, report, err := quantise(b.Graph(name), s.Of[name], o, name)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", name, err)
		}
		files[string(name)] = file
		if in, ok := report.Scales["stack"]; ok && name == model.DetectHead {
			zero := in.Zero
			m.Head.Input = model.Input{Type: "uint8", Scale: in.Step, ZeroPoint: &zero}
		}
	}
	m.Quantisation = map[string]any{"method": fmt.Sprintf("%s over %d frames", o.Method, s.Taken())}
	return model.New(m, files)
}

// quantise returns the 8-bit form of a graph.
func quantise(file []byte, stats map[string]*histogram.Histogram, o Options, name model.Graph) ([]byte, *qdq.Report, error) {
	g, err := graph.Parse(file)
	if err != nil {
		return nil, nil, err
	}
	p, err := qdq.NewPlan(g, qdq.CPU, o.Keep[name])
	if err != nil {
		return nil, nil, err
	}
	ranges := map[string]qdq.Range{}
	for _, v := range p.Values() {
		h := stats[v]
		if h == nil || h.Frames == 0 {
			return nil, nil, fmt.Errorf("no statistics of value %q", v)
		}
		ranges[v] = qdq.Range(o.Method.choose(h))
	}
	w := qdq.Options{SevenBits: o.SevenBits}
	if name == model.DetectHead && slices.Contains(p.Values(), "stack") {
		w.Outside = map[string]qdq.Scale{"stack": qdq.CPU.Scale(ranges["stack"])}
	}
	report, err := p.Write(ranges, w)
	if err != nil {
		return nil, nil, err
	}
	file, err = g.Bytes()
	return file, report, err
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
