package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type modelCmd struct {
	Info     modelInfoCmd     `cmd:"" help:"Print the contents of a bundle."`
	Verify   modelVerifyCmd   `cmd:"" help:"Check all of a bundle."`
	Quantize modelQuantizeCmd `cmd:"" help:"Write a bundle with 8-bit graphs, by a recording."`
	Optimize modelOptimizeCmd `cmd:"" help:"Write a bundle with faster graphs of the same function."`
	Build    modelBuildCmd    `cmd:"" help:"Build TensorRT's engines of a bundle beforehand."`
}

type modelInfoCmd struct {
	Bundle string `arg:"" default:"default" help:"Folder of a bundle, or default." placeholder:"BUNDLE"`
}

func (c *modelInfoCmd) Help() string {
	return `Prints a bundle's geometry, classes, files and provenance.

Example:

  solofusion model info default`
}

func (c *modelInfoCmd) Run(ctx context.Context) error {
	b, err := model.Open(c.Bundle)
	if err != nil {
		return err
	}
	return writeModel(os.Stdout, b)
}

type modelVerifyCmd struct {
	Bundle string `arg:"" default:"default" help:"Folder of a bundle, or default." placeholder:"BUNDLE"`
}

func (c *modelVerifyCmd) Help() string {
	return `Checks all of a bundle: the manifest's keys and ranges, each file's SHA-256, the
weights' shapes, the graphs' inputs and outputs against the manifest, and that all
constants are finite. Then it runs each graph on made-up numbers, whose outputs must
be finite, too. All graphs run on the CPU, also those for GPUs; those that the CPU cannot
run are named.

Example:

  solofusion model verify path/to/bundle`
}

func (c *modelVerifyCmd) Run(ctx context.Context) error {
	b, err := model.Open(c.Bundle)
	if err != nil {
		return err
	}
	notes, err := pipeline.Verify(b)
	for _, note := range notes {
		fmt.Println(note)
	}
	if err != nil {
		return err
	}
	fmt.Println(b.ID(), "is sound")
	return nil
}

type modelBuildCmd struct {
	Bundle string `arg:"" default:"default" help:"Folder of a bundle, or default." placeholder:"BUNDLE"`
	Device int    `default:"0" env:"SOLOFUSION_ONNX_DEVICE" help:"Number of the GPU." placeholder:"N"`
}

func (c *modelBuildCmd) Help() string {
	return `Builds the engines that TensorRT makes of a bundle's graphs, which takes minutes, and keeps
them for the commands that run the bundle with --providers tensorrt on this machine and GPU. They lie
below the user's cache folder ($XDG_CACHE_HOME, otherwise ~/.cache) in solofusion/tensorrt. Each
engine's outputs are compared with the CPU's. It does nothing that is done already.

Example:

  solofusion model build path/to/bundle`
}

func (c *modelBuildCmd) Run(context.Context) error {
	b, err := model.Open(c.Bundle)
	if err != nil {
		return err
	}
	folder, err := onnx.CacheFolder()
	if err != nil {
		return err
	}
	total, done := len(b.Plain().Networks()), 0
	progress, finish := progressBar("building", "engines")
	progress(done, total)
	var lines []string
	err = pipeline.Build(b, pipeline.Options{Device: c.Device}, func(file string, took time.Duration) {
		done++
		progress(done, total)
		lines = append(lines, fmt.Sprintf("%s in %.1f s", file, took.Seconds()))
	})
	finish()
	for _, line := range lines {
		fmt.Println(line)
	}
	if err != nil {
		return err
	}
	fmt.Println("engines of", b.ID(), "are in", folder)
	return nil
}

// writeModel prints a bundle as a table of names and values.
func writeModel(w io.Writer, b *model.Bundle) error {
	m := &b.Manifest
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, values ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, values...))
	}
	line("model", "%s", b.ID())
	line("cameras", "%s", strings.Join(m.Cameras, ", "))
	line("image", "%d x %d, from images like those of %d x %d pixels", m.Image.Width, m.Image.Height, m.Image.Source.Width, m.Image.Source.Height)
	line("frame", "%s", frameWords(&m.Frame))
	if focal := m.Seen["fx"]; focal != nil {
		line("focal length", "%s pixels at %d x %d", focal, m.Image.Source.Width, m.Image.Source.Height)
	}
	line("features", "%d channels at 1/%d", m.Features.Context, m.Features.Stride)
	line("depth", "%d bins of %g m from %g m", m.Depth.Count, m.Depth.Step, m.Depth.Start)
	if m.HasStereo() {
		line("stereo", "%d channels at 1/%d, %d samples a pixel, %d groups",
			m.Features.Stereo, m.Features.StereoStride, m.Stereo.Samples, m.Stereo.Groups)
	} else {
		line("stereo", "none")
	}
	line("grid", "%d x %d cells of %g m", m.Grid.X.Cells(), m.Grid.Y.Cells(), m.Grid.X.Step())
	if m.History.Frames > 0 {
		line("history", "%d frames, %g s apart%s", m.History.Frames, m.History.Period, trained(&m.History))
	} else {
		line("history", "none")
	}
	for _, task := range m.Head.Tasks {
		line("task", "%s", strings.Join(task.Classes, ", "))
	}
	for _, set := range b.Sets() {
		line("graphs", "%s", setWords(set))
	}
	for _, r := range m.Rewrites {
		line("rewrite", "%s: %s, %d", r.Graph, r.Name, r.Count)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		line("file", "%s  %s", m.Files[name], name)
	}
	for _, key := range slices.Sorted(maps.Keys(m.Provenance)) {
		line(key, "%v", m.Provenance[key])
	}
	return t.Flush()
}

// setWords says what a set of graphs is, and for which provider.
func setWords(s *model.Set) string {
	words := fmt.Sprintf("%s: head input %s, quantisation %s", s.Name(), inputWords(&s.Input), s.Quantisation)
	if len(s.Precision) > 0 {
		words += ", may compute in " + strings.Join(s.Precision, " and ")
	}
	for _, g := range model.Graphs() {
		if s.File(g) != string(g) {
			words += ", " + s.File(g)
		}
	}
	return words
}

func inputWords(in *model.Input) string {
	if n := len(in.Scales); n > 0 {
		return fmt.Sprintf("%s with %d scales", in.Type, n)
	}
	return in.Type
}

// frameWords says where the model's frame stands on a vehicle.
func frameWords(f *model.Frame) string {
	at := f.Transform()
	words := fmt.Sprintf("%v m from the ground under the rear axle, turned by %.1f degrees",
		f.Translation, at.Rotation.Yaw()*180/math.Pi)
	if f.OwnLidar != (model.OwnLidar{}) {
		words += fmt.Sprintf("; a lidar within %g m and %g degrees of it has its own", f.OwnLidar.Metres, f.OwnLidar.Degrees)
	}
	return words
}

// trained returns the mode and the time of history in training, as far as the
// manifest has them.
func trained(h *model.History) string {
	text := ""
	for _, word := range []string{h.Mode, h.Time} {
		if word != "" {
			text += ", " + word
		}
	}
	return text
}
