package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/solofusion/solofusion/internal/trace"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type traceCmd struct {
	Input          string   `arg:"" help:"Folder of a data set in nuScenes format." placeholder:"INPUT"`
	Out            string   `required:"" help:"Folder for the arrays; it is created." placeholder:"DIR"`
	Frames         int      `help:"Largest number of frames of each scene; 0 for all." placeholder:"N"`
	DatasetVersion string   `help:"Folder of the tables; not needed if there is only one." placeholder:"V"`
	Scenes         []string `help:"Names or tokens of the scenes; all if not given." placeholder:"A,B"`
	detectorFlags  `set:"lost=empty"`
	rigFlags
}

func (c *traceCmd) Help() string {
	return `Writes every stage's arrays of every frame, DIR/SCENE/INDEX/NAME.npy, and its
detections, boxes.json. Arrays are float32 with the channels before the rows; index is the frame's
place in its scene. In the folder of a scene, characters that are no part of a file's name are written
with % and digits; scenes of one name have their tokens after it. The last line says how many of the
images were used, and why others were not; if none was, the exit code is 1.

Example:

  solofusion trace data/nuscenes --dataset-version v1.0-mini --scenes scene-0103 --frames 2 --out trace`
}

func (c *traceCmd) Run(ctx context.Context) error {
	ds, err := openDataset(c.Input, c.DatasetVersion)
	if err != nil {
		return err
	}
	if err := c.tell(ds); err != nil {
		return err
	}
	scenes, err := scenesOf(ds, c.Scenes)
	if err != nil {
		return err
	}
	w := trace.NewWriter()
	d, err := c.open(pipeline.Options{Observer: w, KeepFeatures: true})
	if err != nil {
		return err
	}
	defer d.Close()
	summary, err := w.Scenes(ctx, d, ds, scenes, trace.Options{Out: c.Out, Frames: c.Frames, Traced: traced})
	if summary != "" {
		fmt.Fprintln(os.Stderr, summary)
	}
	return err
}

func traced(scene string, index int, r *perception.Result) {
	slog.Info("traced", "scene", scene, "frame", index, "detections", len(r.Detections), "missing", strings.Join(r.Missing, " "))
}
