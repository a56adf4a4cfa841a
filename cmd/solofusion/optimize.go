package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/quant"
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
change its results; with --float it becomes a float32 head and all of it is rewritten. A
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
		if b, err = quant.Float(b); err != nil {
			return err
		}
	}
	faster, kept, err := quant.Optimise(b)
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
