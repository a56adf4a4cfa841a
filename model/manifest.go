package model

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/solofusion/solofusion/geom"
)

// Manifest is model.yaml. Every key is required but those whose tag has
// omitempty.
type Manifest struct {
	Format       int                 `yaml:"format"` // 1
	Name         string              `yaml:"name"`
	Provenance   map[string]any      `yaml:"provenance"`
	Cameras      []string            `yaml:"cameras"` // in the order of training; a rig may have others
	Image        Image               `yaml:"image"`
	Seen         Seen                `yaml:"seen,omitempty"`
	Frame        Frame               `yaml:"frame,omitempty"` // if absent, the reference's: nuScenes' LIDAR_TOP
	Grid         geom.Grid           `yaml:"grid"`            // in the model's frame
	Depth        geom.Bins           `yaml:"depth"`
	Features     Features            `yaml:"features"`
	Stereo       Stereo              `yaml:"stereo,omitempty"` // absent in a model without
	History      History             `yaml:"history"`
	Head         Head                `yaml:"head"`
	Quantisation *Quantisation       `yaml:"quantisation,omitempty"` // of the plain graphs
	Rewrites     []Rewrite           `yaml:"rewrites,omitempty"`     // of the plain graphs
	Graphs       map[string]GraphSet `yaml:"graphs,omitempty"`       // by the provider that they are for
	Files        map[string]string   `yaml:"files"`                  // SHA-256 in hexadecimal of each file
}

// Rewrite is a change of a graph into a faster one of the same function, at Count of
// its places, after training's exporter wrote it.
type Rewrite struct {
	Graph Graph  `yaml:"graph"`
	Name  string `yaml:"name"`
	Count int    `yaml:"count"`
}

// Image is the network's input, made from images of the size of training's
// cameras, Source. Such an image is scaled by Width/source width + ResizeExtra; the
// crop keeps its middle columns and, above the lowest CropH of its height, its
// lowest rows. Source is nuScenes' 1600 x 900 if absent, as in the reference.
type Image struct {
	Width       int        `yaml:"width"`
	Height      int        `yaml:"height"`
	Source      Pixels     `yaml:"source,omitempty"`
	ResizeExtra float64    `yaml:"resize_extra"`
	CropH       float64    `yaml:"crop_h"`
	Mean        [3]float32 `yaml:"mean,flow"` // of RGB in [0, 1]
	Std         [3]float32 `yaml:"std,flow"`
}

// Size returns the size of the network's input.
func (i *Image) Size() geom.Size { return geom.Size{Width: i.Width, Height: i.Height} }

// Pixels is the size of an image.
type Pixels struct {
	Width  int `yaml:"width"`
	Height int `yaml:"height"`
}

// Features is the encoder's output: channels, and pixels of the network's
// image per feature. A model without stereo has no Stereo and StereoStride.
type Features struct {
	Context      int `yaml:"context"`
	Stride       int `yaml:"stride"`
	Stereo       int `yaml:"stereo,omitempty"`
	StereoStride int `yaml:"stereo_stride,omitempty"`
}

// Stereo is the matching against the previous frame.
type Stereo struct {
	Samples   int     `yaml:"samples"`
	Groups    int     `yaml:"groups"`
	SigmaBins float64 `yaml:"sigma_bins"`
}

// Coarse returns the size of the encoder's context and depth maps.
func (m *Manifest) Coarse() geom.Size { return m.Image.Size().Over(m.Features.Stride) }

// Fine returns the size of the descriptors' map; empty in a model without
// stereo.
func (m *Manifest) Fine() geom.Size {
	if !m.HasStereo() {
		return geom.Size{}
	}
	return m.Image.Size().Over(m.Features.StereoStride)
}

// HasStereo reports whether depth is refined by matching against the previous
// frame.
func (m *Manifest) HasStereo() bool { return m.Stereo != Stereo{} }

// History is the number of earlier frames, 0 in a model without history, and the
// seconds between frames in training, for stereo too, and how they were aligned (recursive or direct) and timed
// (counted or measured) in training. If these are absent, it was as in the
// reference: recursive, counted.
type History struct {
	Frames int     `yaml:"frames"`
	Period float64 `yaml:"period"`
	Mode   string  `yaml:"mode,omitempty"`
	Time   string  `yaml:"time,omitempty"`
}

// Head is the detection head: its input's type and how boxes are chosen. Of a sparse one
// head.onnx makes heat maps and features, of which boxes.onnx makes the other numbers of
// boxes, in the cells that the heat maps choose.
type Head struct {
	Input          Input      `yaml:"input"`
	Sparse         bool       `yaml:"sparse,omitempty"` // only heat maps are maps: see Boxes
	ScoreThreshold float64    `yaml:"score_threshold"`
	MaxPerClass    int        `yaml:"max_per_class"` // before suppression; also per task
	CenterLimit    [3]float64 `yaml:"center_limit,flow"`
	Tasks          []Task     `yaml:"tasks"`
}

// Input is the head's input: Type is float32, or uint8 with
// real = scale (stored - ZeroPoint). A float32 one has nothing else. There is one Scale;
// or Scales, one for each slot of the stack from the current frame's, or one for each
// channel of each slot. The graph has weights that make up for what they differ by.
type Input struct {
	Type      string    `yaml:"type"`
	Scale     float32   `yaml:"scale,omitempty"`
	Scales    []float32 `yaml:"scales,omitempty,flow"`
	ZeroPoint *int      `yaml:"zero_point,omitempty"`
}

// AllScales returns Scale or Scales of an uint8 input.
func (in *Input) AllScales() []float32 {
	if in.Scales != nil {
		return in.Scales
	}
	return []float32{in.Scale}
}

// Task is a group of classes with one set of box maps.
type Task struct {
	Classes []string `yaml:"classes,flow"`
	NMS     NMS      `yaml:"nms"`
}

// NMS is a task's suppression. Kind circle: squared centre distance at most
// Radius2. Kind rotated: overlap above IoU of boxes scaled by the class's
// factor, of the Pre best. Post are kept. What the kind does not use is absent.
type NMS struct {
	Kind    string    `yaml:"kind"`
	IoU     *float64  `yaml:"iou,omitempty"`
	Factors []float64 `yaml:"factors,omitempty,flow"`
	Pre     int       `yaml:"pre,omitempty"`
	Radius2 *float64  `yaml:"radius2,omitempty"`
	Post    int       `yaml:"post"`
}

// ReadManifest reads model.yaml. The error joins all faults: unknown and
// missing keys, values of a wrong type; if there are none, values out of
// range.
func ReadManifest(data []byte) (*Manifest, error) {
	var faults []error
	m := new(Manifest)
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	err := d.Decode(m)
	var types *yaml.TypeError
	switch {
	case errors.As(err, &types):
		for _, s := range types.Errors {
			faults = append(faults, errors.New(s))
		}
	case errors.Is(err, io.EOF):
		return nil, errors.New("model: model.yaml is empty")
	case err != nil:
		return nil, fmt.Errorf("model: model.yaml: %w", err)
	}
	if !errors.Is(d.Decode(new(Manifest)), io.EOF) {
		return nil, errors.New("model: model.yaml holds more than one document")
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("model: model.yaml: %w", err)
	}
	faults = append(faults, missing(root.Content[0], reflect.TypeFor[Manifest](), "")...)
	if len(faults) == 0 {
		m.fill()
		faults = m.check()
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("model: model.yaml: %w", errors.Join(faults...))
	}
	return m, nil
}

// fill gives absent keys what they were in the reference.
func (m *Manifest) fill() {
	if m.Image.Source == (Pixels{}) {
		m.Image.Source = referenceSource
	}
	if m.Frame == (Frame{}) {
		m.Frame = referenceFrame
	}
}

// missing returns a fault for each key that t requires and n lacks.
func missing(n *yaml.Node, t reflect.Type, path string) []error {
	var faults []error
	switch {
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			faults = append(faults, missing(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case t.Kind() == reflect.Pointer:
		return missing(n, t.Elem(), path)
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			faults = append(faults, missing(n.Content[i+1], t.Elem(), path+"."+n.Content[i].Value)...)
		}
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null" && t.Kind() != reflect.Map && t.Kind() != reflect.Struct:
		faults = append(faults, fmt.Errorf("%s is empty", path))
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		for i := range t.NumField() {
			key, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			at := strings.TrimPrefix(path+"."+key, ".")
			if v := value(n, key); v != nil {
				faults = append(faults, missing(v, t.Field(i).Type, at)...)
			} else if !strings.Contains(options, "omitempty") {
				faults = append(faults, fmt.Errorf("%s is missing", at))
			}
		}
	}
	return faults
}

// value returns the value of key in the mapping n, nil if it is absent.
func value(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
