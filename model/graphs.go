package model

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// GraphSet is what one provider of ONNX Runtime runs in place of the plain graphs. A
// quantiser writes one for each provider that it has rules for.
type GraphSet struct {
	// Files has, of the graphs that are not the plain ones, the files' names:
	// head.onnx: head.tensorrt.onnx. A bundle has no folders.
	Files map[Graph]string `yaml:"files,omitempty,flow"`
	// Input is the head's, if Files has a head.
	Input *Input `yaml:"input,omitempty"`
	// Precision is what TensorRT may compute in, besides float32: float16; int8 if the
	// graphs are quantised.
	Precision    []string      `yaml:"precision,omitempty,flow"`
	Quantisation *Quantisation `yaml:"quantisation,omitempty"` // as the manifest's, of Files
}

// providers are those that a bundle may have graphs for, as package onnx names them.
var providers = []string{"cpu", "cuda", "tensorrt"}

var precisions = []string{"float16", "int8"}

// Set is the graphs of a bundle that run together, on one provider.
type Set struct {
	Provider     string   // "" if they are the plain ones, which any provider runs that has none of its own
	Input        Input    // of the head
	Precision    []string // as in GraphSet
	Quantisation string   // the method, "none" if nothing says that they are quantised

	networks []Graph
	files    map[Graph]string
	data     map[string][]byte // by file
}

// Networks returns the names of the set's networks, in the order in which they run.
func (s *Set) Networks() []Graph { return slices.Clone(s.networks) }

// Graph returns the ONNX bytes of a network; the caller does not modify them.
func (s *Set) Graph(g Graph) []byte { return s.data[s.files[g]] }

// File returns the name of a network's file in the bundle.
func (s *Set) File(g Graph) string { return s.files[g] }

// Name is the provider's that the graphs are for, or plain.
func (s *Set) Name() string {
	if s.Provider == "" {
		return "plain"
	}
	return s.Provider
}

// Plain returns the graphs that any provider runs: float32, or quantised as
// head.input says.
func (b *Bundle) Plain() *Set {
	s := &Set{Input: b.Manifest.Head.Input, Quantisation: b.Quantisation(), networks: b.Manifest.networks(), files: map[Graph]string{}, data: b.files}
	for _, g := range s.networks {
		s.files[g] = string(g)
	}
	return s
}

// For returns the graphs that a provider runs: its own, or the plain ones.
func (b *Bundle) For(provider string) *Set {
	s := b.Plain()
	own, ok := b.Manifest.Graphs[provider]
	if !ok {
		return s
	}
	s.Provider, s.Precision = provider, own.Precision
	maps.Copy(s.files, own.Files)
	if own.Input != nil {
		s.Input = *own.Input
	}
	if len(own.Files) > 0 {
		s.Quantisation = own.Quantisation.method()
	}
	return s
}

// Sets returns all sets of a bundle's graphs: the plain one, then those of providers, by
// name.
func (b *Bundle) Sets() []*Set {
	sets := []*Set{b.Plain()}
	for _, provider := range slices.Sorted(maps.Keys(b.Manifest.Graphs)) {
		sets = append(sets, b.For(provider))
	}
	return sets
}

// Graph returns the ONNX bytes of a plain network; the caller does not modify them.
func (b *Bundle) Graph(g Graph) []byte { return b.files[string(g)] }

// Quantisation is the method by which the plain graphs were quantised; "none" if they
// are float32.
func (b *Bundle) Quantisation() string { return b.Manifest.Quantisation.method() }

// files returns the names of all files of the bundle but model.yaml, each once.
func (m *Manifest) files() []string {
	names := slices.Clone(fileNames)
	if m.Head.Sparse {
		names = append(names, string(Boxes))
	}
	for _, set := range m.Graphs {
		names = slices.AppendSeq(names, maps.Values(set.Files))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// graphFile matches names of graphs' files.
var graphFile = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*\.onnx$`)

func (m *Manifest) checkGraphs(f *faults) {
	for _, provider := range slices.Sorted(maps.Keys(m.Graphs)) {
		key, set := "graphs."+provider, m.Graphs[provider]
		f.require(slices.Contains(providers, provider), key, "no provider", strings.Join(providers, ", "))
		f.require(len(set.Files) > 0 || len(set.Precision) > 0, key, "empty", "files, precision or both")
		for _, g := range slices.Sorted(maps.Keys(set.Files)) {
			f.require(slices.Contains(graphs, g), fmt.Sprintf("%s.files.%s", key, g), "no graph", fmt.Sprint(graphs))
			name := set.Files[g]
			ok := graphFile.MatchString(name) && !slices.Contains(fileNames, name) && name != string(Boxes)
			f.require(ok, fmt.Sprintf("%s.files.%s", key, g), fmt.Sprintf("%q", name), "a file's name such as "+strings.TrimSuffix(string(g), "onnx")+provider+".onnx")
		}
		_, head := set.Files[DetectHead]
		f.require(head == (set.Input != nil), key+".input", presence(set.Input), "one if files have a "+string(DetectHead)+", otherwise none")
		if set.Input != nil {
			set.Input.check(f, key+".input", m.History.Frames+1, m.Features.Context)
		}
		f.require(len(set.Precision) == 0 || provider == "tensorrt", key+".precision", set.Precision, "none: it is for tensorrt")
		unknown := slices.ContainsFunc(set.Precision, func(p string) bool { return !slices.Contains(precisions, p) })
		f.require(!unknown && distinct(set.Precision), key+".precision", set.Precision, "some of "+strings.Join(precisions, ", "))
	}
}

func presence(in *Input) string {
	if in == nil {
		return "absent"
	}
	return "given"
}

// check adds what is wrong with the input of a head that reads slots of that many
// channels.
func (in *Input) check(f *faults, key string, slots, channels int) {
	switch in.Type {
	case "uint8":
		given(f, key+".zero_point", in.ZeroPoint, 0, 255, "0 to 255")
		if in.Scales == nil {
			f.require(scale(in.Scale), key+".scale", in.Scale, "a positive number")
			return
		}
		f.require(in.Scale == 0, key+".scale", in.Scale, "none beside scales")
		n := len(in.Scales)
		f.require(n == slots || n == slots*channels, key+".scales", fmt.Sprintf("%d numbers", n),
			fmt.Sprintf("%d, one for each slot, or %d, one for each channel of each slot", slots, slots*channels))
		for i, s := range in.Scales {
			f.require(scale(s), fmt.Sprintf("%s.scales[%d]", key, i), s, "a positive number")
		}
	case "float32":
		f.require(in.Scale == 0 && in.Scales == nil && in.ZeroPoint == nil, key, "float32 with scale, scales or zero_point", "none of them")
	default:
		f.require(false, key+".type", fmt.Sprintf("%q", in.Type), "uint8 or float32")
	}
}

func scale(s float32) bool { return between(float64(s), 1e-9, 1e9) }
