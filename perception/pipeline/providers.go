package pipeline

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
)

// networks are a set of the bundle's graphs, loaded on one provider.
type networks struct {
	set      *model.Set
	provider string
	sessions map[model.Graph]*onnx.Session
}

// load loads the graphs of the first of the providers that works, each provider's own.
// They fall back together, since the graphs of one provider may be slow or unknown on
// another. A fault of the bundle is an error, not a reason to fall back.
func load(b *model.Bundle, o *Options) (*networks, error) {
	runtime, err := onnx.Open("")
	if err != nil {
		return nil, err
	}
	var reasons []string
	for i, provider := range o.Providers {
		n, err := loadOn(runtime, b, b.For(provider), o.placement(provider, o.Providers[i+1:]))
		var failed *onnx.ProviderError
		if !errors.As(err, &failed) {
			return n, err
		}
		reason := line(failed.Reason)
		reasons = append(reasons, provider+": "+reason)
		if i+1 < len(o.Providers) {
			next := o.Providers[i+1]
			slog.Warn("falling back to another provider", "from", provider, "to", next, "graphs", b.For(next).Name(), "reason", reason)
		}
	}
	return nil, fmt.Errorf("onnx: no provider works: %s", strings.Join(reasons, "; "))
}

// line puts an error into one line.
func line(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// placement is that of the options, for any graph.
func (o *Options) placement(provider string, behind []string) onnx.Placement {
	return onnx.Placement{Provider: provider, Behind: behind, Threads: o.Threads, Device: o.Device}
}

// mostRows is how many cameras TensorRT's engine of the image encoder takes, unless the
// model has more.
const mostRows = 16

// graphPlacement returns where a graph of a set runs. A graph that was made for a GPU runs on it as a
// whole.
func graphPlacement(b *model.Bundle, set *model.Set, g model.Graph, at onnx.Placement) (onnx.Placement, error) {
	at.Whole = set.Provider != "" && at.Provider != "cpu" && g != model.Boxes // which counts cells on the CPU
	if g == model.Boxes && at.Provider == "tensorrt" {
		at.Provider = "cuda" // TensorRT would make an engine for each number of boxes
	}
	if at.Provider != "tensorrt" {
		return at, nil
	}
	at.Float16, at.Int8 = slices.Contains(set.Precision, "float16"), slices.Contains(set.Precision, "int8")
	if cameras := len(b.Manifest.Cameras); g == model.ImageEncoder {
		at.Rows = &onnx.Rows{Least: 1, Usual: cameras, Most: max(mostRows, cameras)}
	}
	cache, err := onnx.CacheFolder()
	if err != nil {
		return at, &onnx.ProviderError{Provider: at.Provider, Reason: err}
	}
	at.Cache = cache
	return at, nil
}

// loadOn loads a set's graphs on a provider and checks them.
func loadOn(runtime *onnx.Runtime, b *model.Bundle, set *model.Set, at onnx.Placement) (*networks, error) {
	n := &networks{set: set, provider: at.Provider, sessions: map[model.Graph]*onnx.Session{}}
	for _, g := range set.Networks() {
		if err := n.load(runtime, b, g, at); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	if err := n.check(runtime, b); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// check compares the ports with the manifest, and what a GPU computes with the CPU.
func (n *networks) check(runtime *onnx.Runtime, b *model.Bundle) error {
	if err := b.Verify(n.set, n.inspect); err != nil || n.provider == "cpu" {
		return err
	}
	return n.compare(runtime)
}

func (n *networks) load(runtime *onnx.Runtime, b *model.Bundle, g model.Graph, at onnx.Placement) error {
	graph, file := n.set.Graph(g), n.set.File(g)
	if err := onnx.CheckConstants(graph); err != nil {
		return fmt.Errorf("model: %s: %w", file, err)
	}
	at, err := graphPlacement(b, n.set, g, at)
	if err != nil {
		return err
	}
	n.sessions[g], err = runtime.Load(file, graph, at)
	return err
}

func (n *networks) inspect(g model.Graph) (inputs, outputs []model.Port, err error) {
	convert := func(ports []onnx.Port) []model.Port {
		list := make([]model.Port, len(ports))
		for i, p := range ports {
			list[i] = model.Port(p)
		}
		return list
	}
	return convert(n.sessions[g].Inputs()), convert(n.sessions[g].Outputs()), nil
}

func (n *networks) close() error {
	if n == nil {
		return nil
	}
	var all []error
	for _, session := range n.sessions {
		if session != nil {
			all = append(all, session.Close())
		}
	}
	return errors.Join(all...)
}

// Build makes the engines that TensorRT needs for a bundle's graphs and keeps them in its
// cache, so that a detector with these options finds them. It compares what they compute
// with the CPU, too. built is called after each graph with its file and what it took.
func Build(b *model.Bundle, o Options, built func(file string, took time.Duration)) error {
	o.Providers = []string{"tensorrt"}
	o, err := o.filled()
	if err != nil {
		return err
	}
	runtime, err := onnx.Open("")
	if err != nil {
		return err
	}
	n := &networks{set: b.For("tensorrt"), provider: "tensorrt", sessions: map[model.Graph]*onnx.Session{}}
	for _, g := range n.set.Networks() {
		began := time.Now()
		if err := n.load(runtime, b, g, o.placement("tensorrt", nil)); err != nil {
			return errors.Join(err, n.close())
		}
		built(n.set.File(g), time.Since(began))
	}
	return errors.Join(n.check(runtime, b), n.close())
}
