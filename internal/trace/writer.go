package trace

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/tensor"
	"github.com/solofusion/solofusion/tensor/npy"
)

// Writer is a [pipeline.Observer] that writes what the stages made to files.
type Writer struct {
	dir string
	err error // the first of the frame
}

// NewWriter returns a writer; give it to the detector that it is to trace.
func NewWriter() *Writer { return &Writer{} }

// Begin implements [pipeline.Observer].
func (w *Writer) Begin(string) {}

// End implements [pipeline.Observer].
func (w *Writer) End(_ string, outputs func() []pipeline.Output) {
	for _, o := range outputs() {
		if w.err == nil && o.Name != pipeline.Stack {
			w.err = npy.WriteFile(filepath.Join(w.dir, o.Name+".npy"), contract(o))
		}
	}
}

// begin makes the folder of a frame.
func (w *Writer) begin(dir string) error {
	w.dir, w.err = dir, nil
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	return nil
}

// finish writes the detections and returns the frame's first error.
func (w *Writer) finish(r *perception.Result) error {
	if w.err != nil {
		return w.err
	}
	text, err := json.MarshalIndent(boxes(r.Detections), "", " ")
	if err != nil {
		return fmt.Errorf("trace: boxes: %w", err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "boxes.json"), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	return nil
}

// box is a detection in boxes.json, in the lidar frame.
type box struct {
	Class    string     `json:"class"`
	Score    float32    `json:"score"`
	Center   geom.Vec3  `json:"center"`
	Size     geom.Vec3  `json:"size"` // width, length, height
	Yaw      float64    `json:"yaw"`
	Velocity [2]float64 `json:"velocity"`
}

func boxes(detections []perception.Detection) []box {
	all := make([]box, len(detections))
	for i, d := range detections {
		all[i] = box{d.Class.String(), d.Score, d.Center, d.Size, d.Yaw, d.Velocity}
	}
	return all
}

// contract returns an output with its channels second, or first if its first axis
// is not part of a trace.
func contract(o pipeline.Output) *tensor.F32 {
	t := o.Values()
	if o.ChannelsLast {
		t = channelsFirst(t)
	}
	if o.Single {
		t = tensor.From(t.Data, t.Shape[1:]...)
	}
	return t
}

// channelsFirst returns a copy of t [N, Y, X, C] as [N, C, Y, X].
func channelsFirst(t *tensor.F32) *tensor.F32 {
	n, y, x, c := t.Shape[0], t.Shape[1], t.Shape[2], t.Shape[3]
	out := tensor.New[float32](n, c, y, x)
	cells := y * x
	for i, v := range t.Data {
		image, cell, channel := i/(cells*c), i/c%cells, i%c
		out.Data[(image*c+channel)*cells+cell] = v
	}
	return out
}
