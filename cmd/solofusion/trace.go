package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/tensor"
)

type traceCmd struct {
	Input          string   `arg:"" help:"Folder of a data set in nuScenes format." placeholder:"INPUT" type:"existingdir"`
	Out            string   `required:"" help:"Folder for the arrays; it is created." placeholder:"DIR"`
	Frames         int      `help:"Frames of each scene at most; all where it is 0." placeholder:"N"`
	DatasetVersion string   `help:"Folder of the tables; not needed where there is only one." placeholder:"V"`
	Scenes         []string `help:"Names of the scenes; all where there are none." placeholder:"A,B"`
	detectorFlags
}

func (c *traceCmd) Help() string {
	return `Writes every stage's arrays of every frame, DIR/SCENE/INDEX/NAME.npy, and its
detections, boxes.json. Arrays are float32 with the channels before the rows; index is the frame's
place in its scene.

Example:

  solofusion trace data/nuscenes --dataset-version v1.0-mini --scenes scene-0103 --frames 2 --out trace`
}

func (c *traceCmd) Run(ctx context.Context) error {
	ds, err := openDataset(c.Input, c.DatasetVersion)
	if err != nil {
		return err
	}
	scenes, err := scenesOf(ds, c.Scenes)
	if err != nil {
		return err
	}
	w := &traceWriter{}
	p, err := c.open(pipeline.Options{Observer: w, KeepFeatures: true})
	if err != nil {
		return err
	}
	defer p.Close()
	m := p.NewMemory()
	for _, scene := range scenes {
		m.Reset("scene " + scene.Name + " begins")
		if err := c.trace(ctx, ds, scene, p.For(m), w); err != nil {
			return fmt.Errorf("trace: %s: %w", scene.Name, err)
		}
	}
	return nil
}

// trace writes one scene.
func (c *traceCmd) trace(ctx context.Context, ds *nuscenes.Dataset, scene *nuscenes.Scene, p pipeline.One, w *traceWriter) error {
	if c.Frames > 0 && len(scene.Samples) > c.Frames {
		first := *scene
		first.Samples = scene.Samples[:c.Frames]
		scene = &first
	}
	source, err := replay.NewSource(ds, []*nuscenes.Scene{scene}, replay.Options{})
	if err != nil {
		return err
	}
	return eachSet(ctx, source, func(set *perception.FrameSet) error {
		index := slices.IndexFunc(scene.Samples, func(s *nuscenes.Sample) bool { return s.KeyTime().Time().Equal(set.Time) })
		if index < 0 {
			return fmt.Errorf("no sample at %s", set.Time.Format(time.RFC3339Nano))
		}
		if err := w.begin(filepath.Join(c.Out, scene.Name, strconv.Itoa(index))); err != nil {
			return err
		}
		r, err := p.Step(set)
		if err != nil {
			return err
		}
		slog.Info("traced", "scene", scene.Name, "frame", index, "detections", len(r.Detections), "missing", strings.Join(r.Missing, " "))
		return w.finish(r)
	})
}

// traceWriter writes a pipeline's outputs to files.
type traceWriter struct {
	dir string
	err error // the first
}

func (w *traceWriter) begin(dir string) error {
	w.dir, w.err = dir, nil
	return os.MkdirAll(dir, 0o755)
}

func (w *traceWriter) Begin(string) {}

func (w *traceWriter) End(_ string, outputs func() []pipeline.Output) {
	for _, o := range outputs() {
		if w.err == nil && o.Name != "stack" {
			w.err = writeNpy(filepath.Join(w.dir, o.Name+".npy"), contract(o))
		}
	}
}

// finish writes the detections and returns the frame's first error.
func (w *traceWriter) finish(r *perception.Result) error {
	if w.err != nil {
		return w.err
	}
	text, err := json.MarshalIndent(traceBoxes(r.Detections), "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "boxes.json"), append(text, '\n'), 0o644)
}

// traceBox is a detection in boxes.json, in the lidar frame.
type traceBox struct {
	Class    string     `json:"class"`
	Score    float32    `json:"score"`
	Center   geom.Vec3  `json:"center"`
	Size     geom.Vec3  `json:"size"` // width, length, height
	Yaw      float64    `json:"yaw"`
	Velocity [2]float64 `json:"velocity"`
}

func traceBoxes(detections []perception.Detection) []traceBox {
	boxes := make([]traceBox, len(detections))
	for i, d := range detections {
		boxes[i] = traceBox{d.Class.String(), d.Score, d.Center, d.Size, d.Yaw, d.Velocity}
	}
	return boxes
}

// contract returns an output with its channels second, or first where its
// first axis is not part of the contract.
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

// writeNpy writes an array in NumPy's format 1.0, whose header is padded to a
// multiple of 64 bytes.
func writeNpy(path string, t *tensor.F32) error {
	shape := ""
	for _, d := range t.Shape {
		shape += strconv.Itoa(d) + ","
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape)
	const before = 10 // magic, version, length
	pad := 63 - (before+len(header))%64
	header += strings.Repeat(" ", pad) + "\n"
	data := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	data = append(data, header...)
	data, err := binary.Append(data, binary.LittleEndian, t.Data)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
