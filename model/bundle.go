package model

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/tensor"
)

// DefaultName is the name under which [Open] finds the embedded bundle.
const DefaultName = "default"

const (
	manifestFile = "model.yaml"
	weightsFile  = "weights.safetensors"
)

// Graph is the file name of one of the bundle's networks.
type Graph string

// The networks of a bundle.
const (
	ImageEncoder Graph = "image_encoder.onnx"
	BEVEmbed     Graph = "bev_embed.onnx"
	DetectHead   Graph = "head.onnx"
	Boxes        Graph = "boxes.onnx" // of a bundle with a sparse head
)

var graphs = []Graph{ImageEncoder, BEVEmbed, DetectHead}

// Graphs returns the names of the networks that each bundle has, in the order in which
// they run.
func Graphs() []Graph { return slices.Clone(graphs) }

var fileNames = []string{string(ImageEncoder), string(BEVEmbed), string(DetectHead), weightsFile}

// networks returns the bundle's networks, in the order in which they run.
func (m *Manifest) networks() []Graph {
	if m.Head.Sparse {
		return append(Graphs(), Boxes)
	}
	return Graphs()
}

//go:embed default
var embedded embed.FS

// Bundle is a loaded model. It is immutable.
type Bundle struct {
	Manifest Manifest
	Weights  Weights
	Digest   string // SHA-256 of model.yaml in hexadecimal: it covers all files

	text  []byte            // model.yaml
	files map[string][]byte // the others
}

// Weights are the tensors used outside the graphs, batch norms folded in.
type Weights struct {
	Similarity [3]Layer    // groups to 16 to 8 to 1, ReLU between; nil tensors without stereo
	Time       Layer       // the time convolution's feature columns and bias; nil tensors without history
	TimeAge    *tensor.F32 // its age column, per second
}

// Layer is y = Weight x + Bias, Weight of shape out x in.
type Layer struct {
	Weight, Bias *tensor.F32
}

// Open reads the bundle in a folder, or the one inside the binary if name
// is [DefaultName].
func Open(name string) (*Bundle, error) {
	if name == DefaultName {
		return Default()
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("model: bundle %s: %w", name, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("model: bundle %s is a file, want a folder with %s, or %q", name, manifestFile, DefaultName)
	}
	b, err := read(os.DirFS(name))
	if err != nil {
		return nil, fmt.Errorf("model: bundle %s: %w", name, err)
	}
	return b, nil
}

// Default reads the bundle inside the binary.
func Default() (*Bundle, error) {
	folder, err := fs.Sub(embedded, DefaultName)
	if err != nil {
		return nil, fmt.Errorf("model: default bundle: %w", err)
	}
	b, err := read(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("model: this binary was built without a default bundle, name a bundle's folder: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("model: default bundle: %w", err)
	}
	return b, nil
}

func read(folder fs.FS) (*Bundle, error) {
	text, err := readFile(folder, manifestFile)
	if err != nil {
		return nil, err
	}
	m, err := ReadManifest(text)
	if err != nil {
		return nil, err
	}
	files, err := readFiles(folder, m)
	if err != nil {
		return nil, err
	}
	return assemble(text, m, files)
}

// assemble makes a bundle of a manifest, its text, and the files that it names.
func assemble(text []byte, m *Manifest, files map[string][]byte) (*Bundle, error) {
	b := &Bundle{Manifest: *m, Digest: hexSum(text), text: text, files: files}
	tensors, err := readSafetensors(files[weightsFile])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", weightsFile, err)
	}
	if b.Weights, err = m.weights(tensors); err != nil {
		return nil, fmt.Errorf("%s: %w", weightsFile, err)
	}
	return b, nil
}

// readFiles returns the manifest's files after comparing their SHA-256.
func readFiles(folder fs.FS, m *Manifest) (map[string][]byte, error) {
	files := make(map[string][]byte, len(m.Files))
	for _, name := range m.files() {
		data, err := readFile(folder, name)
		if err != nil {
			return nil, err
		}
		if got := hexSum(data); !strings.EqualFold(got, m.Files[name]) {
			return nil, fmt.Errorf("%s has SHA-256 %s, want %s as in %s", name, got, m.Files[name], manifestFile)
		}
		files[name] = data
	}
	return files, nil
}

// readFile reads a file of the bundle. What a failed download or a clone without
// Git LFS leaves in its place is an error.
func readFile(folder fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, err
	}
	if kind := foreign(data); kind != "" {
		return nil, fmt.Errorf("%s is %s", name, kind)
	}
	return data, nil
}

// foreign returns what a file is that is none of a bundle's, and the remedy; ""
// if it may be one.
func foreign(data []byte) string {
	head := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 512)], "\ufeff \t\r\n"))
	switch {
	case len(data) == 0:
		return "empty: download it again"
	case bytes.HasPrefix(head, []byte("version https://git-lfs")):
		return "a Git LFS pointer: git lfs pull fetches the file itself"
	case bytes.HasPrefix(head, []byte("<!doctype")), bytes.HasPrefix(head, []byte("<html")), bytes.HasPrefix(head, []byte("<?xml")):
		return "a web page (HTML): download it again, by the file's own link"
	}
	return ""
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// weights takes the tensors of the manifest's shapes; there must be no others.
func (m *Manifest) weights(tensors map[string]*tensor.F32) (Weights, error) {
	var w Weights
	var all []error
	take := func(dst **tensor.F32, name string, shape ...int) {
		t := tensors[name]
		delete(tensors, name)
		switch {
		case t == nil:
			all = append(all, fmt.Errorf("tensor %q is missing", name))
		case !slices.Equal(t.Shape, shape):
			all = append(all, fmt.Errorf("tensor %q has shape %v, want %v", name, t.Shape, shape))
		}
		*dst = t
	}
	if m.HasStereo() {
		widths := []int{m.Stereo.Groups, 16, 8, 1}
		for i := range w.Similarity {
			name := fmt.Sprintf("similarity.%d.", i)
			take(&w.Similarity[i].Weight, name+"weight", widths[i+1], widths[i])
			take(&w.Similarity[i].Bias, name+"bias", widths[i+1])
		}
	}
	if m.History.Frames > 0 {
		c := m.Features.Context
		take(&w.Time.Weight, "time.weight", c, c)
		take(&w.Time.Bias, "time.bias", c)
		take(&w.TimeAge, "time.age", c)
	}
	for name := range tensors {
		all = append(all, fmt.Errorf("tensor %q is unknown", name))
	}
	return w, errors.Join(all...)
}

// ID is the bundle's name and short digest, for results.
func (b *Bundle) ID() string { return b.Manifest.Name + "@" + b.Digest[:12] }
