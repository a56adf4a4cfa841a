package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/rewrite"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type modelOptimizeCmd struct {
	Bundle string `arg:"" default:"default" help:"Folder of a bundle, or default." placeholder:"BUNDLE"`
	Out    string `required:"" help:"Folder of the new bundle; it may be BUNDLE's own." placeholder:"DIR"`
	Float  bool   `help:"Take a quantised head back to float32 first; its weights stay rounded to 8 bits."`
}

func (c *modelOptimizeCmd) Help() string {
	return `Writes a bundle with faster graphs of the same function. Outputs differ by the order
of float32 sums alone, which is checked on made-up numbers before anything is written.
The manifest keeps its provenance and lists what was rewritten.

The 8-bit parts of a quantised head stay as they are, since moving a rounding would
change results; with --float it becomes a float32 head and all of it is rewritten. A
bundle in DIR is replaced in one step, or not at all.

Example:

  solofusion model optimize path/to/bundle --out path/to/faster`
}

func (c *modelOptimizeCmd) Run(ctx context.Context) error {
	if err := model.CheckOut(c.Out); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	b, err := model.Open(c.Bundle)
	if err != nil {
		return err
	}
	if c.Float {
		if b, err = inFloat(b); err != nil {
			return err
		}
	}
	faster, kept, err := optimized(b)
	if err != nil {
		return err
	}
	if err := pipeline.Compare(b, faster, exactness); err != nil {
		return fmt.Errorf("the rewritten graphs are not the same function, so nothing is written: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := faster.Write(c.Out); err != nil {
		return err
	}
	for _, g := range kept {
		fmt.Fprintf(os.Stderr, "optimize: the 8-bit parts of %s stay as they are: --float takes them back to float32 and rewrites them, too\n", g)
	}
	return writeRewrites(os.Stdout, faster, len(b.Manifest.Rewrites), c.Out)
}

// exactness is by which share of its largest value an output may differ: sums of a
// thousand products in another order differ by a few times 1e-7.
const exactness = 1e-5

// optimized returns the bundle with its graphs rewritten, and the names of those that
// keep parts of 8 bits.
func optimized(b *model.Bundle) (faster *model.Bundle, kept []model.Graph, err error) {
	m, files := b.Manifest, b.Files()
	m.Rewrites = slices.Clone(m.Rewrites)
	for _, name := range model.Graphs() {
		g, err := graph.Parse(b.Graph(name))
		if err != nil {
			return nil, nil, fmt.Errorf("model: %s: %w", name, err)
		}
		if rewrite.IsQuantised(g) {
			kept = append(kept, name)
		}
		done, err := rewrite.Exact(g)
		if err == nil && len(done) > 0 {
			files[string(name)], err = g.Bytes()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("model: %s: %w", name, err)
		}
		for _, d := range done {
			m.Rewrites = append(m.Rewrites, model.Rewrite{Graph: name, Name: d.Name, Count: d.Count})
		}
	}
	faster, err = model.New(m, files)
	return faster, kept, err
}

// inFloat returns the bundle with a float32 head, itself if it has one.
func inFloat(b *model.Bundle) (*model.Bundle, error) {
	if b.Manifest.Head.Input.Type == "float32" {
		return b, nil
	}
	g, err := graph.Parse(b.Graph(model.DetectHead))
	if err == nil {
		err = rewrite.Unquantise(g)
	}
	files := b.Files()
	if err == nil {
		files[string(model.DetectHead)], err = g.Bytes()
	}
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", model.DetectHead, err)
	}
	m := b.Manifest
	m.Head.Input = model.Input{Type: "float32"}
	m.Quantisation = map[string]any{"method": "none", "weights_rounded_by": m.Quantisation}
	return model.New(m, files)
}

// writeRewrites prints what was rewritten in a bundle, but for the first so many.
func writeRewrites(w io.Writer, b *model.Bundle, before int, folder string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range b.Manifest.Rewrites[before:] {
		fmt.Fprintf(t, "%s\t%s\t%d\n", r.Graph, r.Name, r.Count)
	}
	if len(b.Manifest.Rewrites) == before {
		fmt.Fprintln(t, "nothing to rewrite")
	}
	fmt.Fprintf(t, "%s is in %s\n", b.ID(), folder)
	return t.Flush()
}
