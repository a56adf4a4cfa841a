package quant

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/qdq"
	"github.com/solofusion/solofusion/onnx/rewrite"
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
	Methods   map[model.Graph]Method // by default least-error for the encoder, else mean-extremes
	Keep      Keep                   // layers that stay float32
	SevenBits bool                   // weights of 7 bits, see [qdq.Options]
	// Spread is how far each channel of the head's input has a scale of its own range: 0 for
	// one scale, 1 for its own, between them a geometric mean of both.
	Spread float64
}

// Quantise returns the float32 bundle with graphs of 8 bits for the CPU beside its own. The
// statistics must be of its graphs.
func Quantise(b *model.Bundle, s *Statistics, o Options) (*model.Bundle, error) {
	set := model.GraphSet{Files: map[model.Graph]string{}}
	files := map[string][]byte{}
	for _, name := range model.Graphs() {
		list, err := layers(b, name, o.Keep)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", name, err)
		}
		if len(list) == 0 {
			continue // the float32 graph serves
		}
		eight, err := quantise(b, name, s, o)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", name, err)
		}
		set.Files[name] = fileFor(name, cpu)
		files[set.Files[name]] = eight.file
		if name == model.DetectHead {
			set.Input = &eight.input
		}
	}
	set.Quantisation = record(s, o, set.Files)
	return with(b, cpu, set, files)
}

// fileFor names the file of a provider's graph.
func fileFor(g model.Graph, provider string) string {
	return strings.TrimSuffix(string(g), ".onnx") + "." + provider + ".onnx"
}

// with returns the bundle with a provider's graphs; without them if the set is empty.
func with(b *model.Bundle, provider string, set model.GraphSet, files map[string][]byte) (*model.Bundle, error) {
	if len(set.Files) == 0 {
		return b, nil
	}
	m, all := b.Manifest, b.Files()
	maps.Copy(all, files)
	m.Graphs = maps.Clone(m.Graphs)
	if m.Graphs == nil {
		m.Graphs = map[string]model.GraphSet{}
	}
	m.Graphs[provider] = set
	return model.New(m, all)
}

// record says how the graphs of files were made.
func record(s *Statistics, o Options, files map[model.Graph]string) *model.Quantisation {
	q := &model.Quantisation{
		Method: o.words(files), Activations: "uint8", Weights: "int8 per channel",
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

// method returns how the ranges of a graph are chosen. The defaults lost fewest boxes of
// those that were tried (docs/quantisation.md).
func (o *Options) method(g model.Graph) Method {
	if g == model.ImageEncoder {
		return cmp.Or(o.Methods[g], Least)
	}
	return cmp.Or(o.Methods[g], MeanExtremes)
}

// words says how the ranges of the graphs were chosen.
func (o *Options) words(files map[model.Graph]string) string {
	var all []string
	for _, g := range model.Graphs() {
		if files[g] == "" {
			continue
		}
		all = append(all, fmt.Sprintf("%s by %s", strings.TrimSuffix(string(g), ".onnx"), o.method(g)))
	}
	return strings.Join(all, ", ")
}

// eight is a graph in 8 bits.
type eight struct {
	file  []byte
	input model.Input // of the head
}

// stackInput is the head's input, which Go writes in 8 bits if the head's first layer reads it so.
const stackInput = "stack"

// quantise returns the 8-bit form of a graph for the CPU.
func quantise(b *model.Bundle, name model.Graph, s *Statistics, o Options) (*eight, error) {
	g, ranges, err := o.measured(b, name, s)
	if err != nil {
		return nil, err
	}
	if err := rewrite.Integer(g, o.Keep[name]); err != nil {
		return nil, err
	}
	if _, err := qdq.Equalise(g, ranges); err != nil {
		return nil, err
	}
	p, err := qdq.NewPlan(g, qdq.CPU, o.Keep[name])
	if err != nil {
		return nil, err
	}
	made, w := &eight{input: model.Input{Type: "float32"}}, qdq.Options{SevenBits: o.SevenBits}
	if name == model.DetectHead && slices.Contains(p.Values(), stackInput) {
		outside := o.stack(ranges[stackInput], &s.Stack)
		w.Outside = map[string]qdq.Outside{stackInput: outside}
		made.input = inputOf(outside)
	}
	if _, err := p.Write(ranges, w); err != nil {
		return nil, err
	}
	made.file, err = g.Bytes()
	return made, err
}

// measured returns a graph and the ranges of its values.
func (o *Options) measured(b *model.Bundle, name model.Graph, s *Statistics) (*graph.Graph, map[string]qdq.Range, error) {
	g, err := graph.Parse(b.Graph(name))
	if err != nil {
		return nil, nil, err
	}
	names, err := qdq.Measured(g)
	if err != nil {
		return nil, nil, err
	}
	ranges, err := o.ranges(name, names, s.Of[name])
	return g, ranges, err
}

// stack returns how Go stores the head's input. Its values are not negative.
func (o *Options) stack(whole qdq.Range, peaks *histogram.Peaks) qdq.Outside {
	out := qdq.Outside{Scale: qdq.CPU.Scale(whole)}
	if o.Spread == 0 {
		return out
	}
	step := float64(out.Step)
	largest := 0.0
	steps := make([]float64, len(peaks.Highs))
	for c := range steps {
		own := max(peaks.Mean(c)/255, step/1024) // a channel that is always 0 has a step, too
		steps[c] = math.Pow(step, 1-o.Spread) * math.Pow(own, o.Spread)
		largest = max(largest, steps[c])
	}
	out.Step = float32(largest)
	for _, s := range steps {
		out.Factors = append(out.Factors, float32(s/largest))
	}
	return out
}

// inputOf returns the manifest's form of how the head's input is stored.
func inputOf(o qdq.Outside) model.Input {
	in := model.Input{Type: "uint8", ZeroPoint: &o.Zero}
	if o.Factors == nil {
		in.Scale = o.Step
		return in
	}
	for _, f := range o.Factors {
		in.Scales = append(in.Scales, o.Step*f)
	}
	return in
}

// ranges chooses the ranges of values.
func (o *Options) ranges(name model.Graph, values []string, stats map[string]*histogram.Histogram) (map[string]qdq.Range, error) {
	ranges := map[string]qdq.Range{}
	for _, v := range values {
		h := stats[v]
		if h == nil || h.Frames == 0 {
			return nil, fmt.Errorf("no statistics of value %q", v)
		}
		ranges[v] = qdq.Range(o.method(name).choose(h))
	}
	return ranges, nil
}
