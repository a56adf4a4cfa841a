package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/solofusion/solofusion/internal/whole"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/nuscenes/eval/figure"
)

type evalCmd struct {
	Results        string   `arg:"" help:"Results file in nuScenes' submission format." placeholder:"RESULTS"`
	Dataset        string   `required:"" help:"Folder of the data set, which holds the version's folder." placeholder:"DIR"`
	DatasetVersion string   `help:"Folder of the tables, for example v1.0-mini; not needed if there is only one." placeholder:"V"`
	Split          string   `help:"Official split, all, or a custom one: a name in the data set's own splits.json. If not given, the one that the results answer." placeholder:"S"`
	Splits         string   `help:"File of custom splits instead, a JSON object of name to scene names." placeholder:"FILE"`
	Scenes         []string `help:"Only these scenes of the split." placeholder:"SCENE"`
	Samples        string   `help:"Only these samples of the split: a file of tokens, one a line or a JSON list." placeholder:"FILE"`
	Out            string   `help:"Folder for metrics_summary.json and metrics_details.json, as the devkit writes them." placeholder:"DIR"`
	JSON           string   `name:"json" help:"File for the whole report; - prints it in place of the tables." placeholder:"OUT"`
	Plots          string   `help:"Folder for pictures of the summary and of each class's curves." placeholder:"DIR"`
	By             []string `help:"Also grade parts of the data, by ${breakdowns}; or scenes, by a field of scene or log: FIELD for each value, FIELD:WORD/WORD for each word." placeholder:"WHAT"`
	Compare        string   `help:"Other results for the same samples: print the differences from them and their intervals." placeholder:"OTHER"`
	Resamples      int      `default:"1000" help:"Resamples for the 95 % intervals, 1000 if not given; 0 for none." placeholder:"N"`
	Seed           uint64   `default:"1" help:"Seed of the resamples." placeholder:"N"`
	MinNDS         float64  `name:"min-nds" help:"Exit with 1 if NDS is below." placeholder:"X"`
	MinMAP         float64  `name:"min-map" help:"Exit with 1 if mAP is below." placeholder:"X"`
}

const maxResamples = 1_000_000

func (c *evalCmd) Help() string {
	return `Grades detections with the nuScenes detection metric (detection_cvpr_2019),
with the same numbers as nuscenes-devkit 1.2.0, and prints their 95 % intervals,
which come from resampling the scenes. Hints on standard error name likely
mistakes in conventions. See docs/evaluation.md.

Examples:

  solofusion eval results.json --dataset data/nuscenes --dataset-version v1.0-trainval \
    --split val --out metrics --plots plots
  solofusion eval new.json --dataset data/nuscenes --dataset-version v1.0-trainval \
    --split val --compare old.json --by distance,visibility --min-nds 0.25
  solofusion eval results.json --dataset data/nuscenes --by location,description:night/rain
  solofusion eval results.json --dataset data/nuscenes --samples night.txt`
}

func (c *evalCmd) Validate() error {
	if c.Resamples < 0 || c.Resamples > maxResamples {
		return fmt.Errorf("--resamples is %d, want 0 to %d", c.Resamples, maxResamples)
	}
	for _, least := range []struct {
		flag  string
		value float64
	}{{"--min-nds", c.MinNDS}, {"--min-map", c.MinMAP}} {
		if !(least.value >= 0 && least.value <= 1) { // NaN, too
			return fmt.Errorf("%s is %g, want 0 to 1", least.flag, least.value)
		}
	}
	return nil
}

func (c *evalCmd) Run(ctx context.Context) error {
	start := time.Now()
	in, err := c.read()
	if err := cmp.Or(err, ctx.Err()); err != nil {
		return err
	}
	if c.JSON != "" && c.JSON != "-" {
		if err := whole.Check(c.JSON, append(in.dataset.Files(), c.Results, c.Compare, c.Splits, c.Samples)...); err != nil {
			return fmt.Errorf("eval: --json %w", err)
		}
	}
	cfg := eval.CVPR2019()
	frames, err := eval.Frames(in.dataset, in.split, in.results, cfg)
	if err != nil {
		return c.offerSplit(in, err)
	}
	metrics := eval.Evaluate(cfg, frames)
	report := &eval.Report{
		Metrics: metrics, Split: in.split.Name, Samples: len(frames), Resamples: c.Resamples,
		Note: eval.Note(frames), Hints: metrics.Hints(frames), Meta: in.results.Meta, Took: time.Since(start),
	}
	report.Spread = metrics.Bootstrap(c.Resamples, c.Seed)
	if err := c.compare(report, in, cfg); err != nil {
		return err
	}
	for _, by := range c.breakdowns() {
		report.Breakdowns = append(report.Breakdowns, metrics.Breakdown(by, frames))
	}
	for _, by := range in.by {
		report.Conditions = append(report.Conditions, metrics.Conditions(by.name, by.conditions, frames, c.Resamples, c.Seed))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.write(report); err != nil {
		return err
	}
	return c.gate(metrics)
}

// evalInput is the data set and the results to grade; other is nil without --compare.
type evalInput struct {
	dataset        *nuscenes.Dataset
	split          nuscenes.Split
	results, other *nuscenes.Results
	by             []byField
}

// byField is the conditions that one --by selects.
type byField struct {
	name       string
	conditions []nuscenes.Condition
}

// read reads the truth and the results in parallel, and chooses what is graded.
func (c *evalCmd) read() (in evalInput, err error) {
	version, err := versionOf(c.Dataset, c.DatasetVersion)
	if err != nil {
		return in, err
	}
	var group errgroup.Group
	group.Go(func() (err error) {
		if in.results, err = nuscenes.ReadResults(c.Results); err == nil && c.Compare != "" {
			in.other, err = nuscenes.ReadResults(c.Compare)
		}
		return err
	})
	in.dataset, in.split, err = nuscenes.OpenTruth(c.Dataset, version,
		nuscenes.Part{Split: cmp.Or(c.Split, "all"), File: c.Splits, Scenes: c.Scenes})
	if in.dataset != nil {
		warnOfFindings(in.dataset)
	}
	if err := cmp.Or(err, group.Wait()); err != nil {
		return in, err
	}
	if err := c.chooseSamples(&in); err != nil {
		return in, err
	}
	warnOfAbsentScenes(in.dataset, in.split)
	return in, c.chooseConditions(&in)
}

// chooseSamples narrows the split to the wanted samples or, if no part is named, to
// the split that the results answer.
func (c *evalCmd) chooseSamples(in *evalInput) error {
	switch {
	case c.Samples != "":
		tokens, err := nuscenes.ReadTokens(c.Samples)
		if err != nil {
			return err
		}
		if in.split, err = in.split.Only(in.dataset, tokens); err != nil {
			return fmt.Errorf("eval: --samples %s: %w", c.Samples, err)
		}
		in.split.Name += ", only samples of " + c.Samples
	case c.Split == "" && len(c.Scenes) == 0:
		if split, ok := in.dataset.Answered(in.results, c.Splits); ok && split.Name != in.split.Name {
			in.split = split
			fmt.Fprintf(os.Stderr, "eval: no --split is given: %s answers split %s, which is graded\n", c.Results, split.Name)
		}
	}
	return nil
}

// offerSplit adds to an error about samples the split that the results answer.
func (c *evalCmd) offerSplit(in evalInput, err error) error {
	var wrong *eval.SamplesError
	if !errors.As(err, &wrong) || c.Samples != "" || len(c.Scenes) > 0 {
		return err
	}
	if split, ok := in.dataset.Answered(in.results, c.Splits); ok {
		return fmt.Errorf("%w; it answers split %s, want --split %s", err, split.Name, split.Name)
	}
	return err
}

// breakdowns returns those that --by selects, sorted.
func (c *evalCmd) breakdowns() []string {
	return slices.DeleteFunc(c.sortedBy(), func(by string) bool { return !slices.Contains(eval.Breakdowns, by) })
}

func (c *evalCmd) sortedBy() []string { return slices.Compact(slices.Sorted(slices.Values(c.By))) }

// chooseConditions sorts the split's scenes by the fields that --by names.
func (c *evalCmd) chooseConditions(in *evalInput) error {
	for _, by := range c.sortedBy() {
		if slices.Contains(eval.Breakdowns, by) {
			continue
		}
		conditions, err := in.dataset.Conditions(in.split, by)
		if err != nil {
			return fmt.Errorf("eval: --by %s: want some of %s, or a field of scene or log: %w", by, strings.Join(eval.Breakdowns, ", "), err)
		}
		in.by = append(in.by, byField{by, conditions})
	}
	return nil
}

// compare grades the other results, if there are any, and adds the differences to the
// report.
func (c *evalCmd) compare(report *eval.Report, in evalInput, cfg eval.Config) error {
	if in.other == nil {
		return nil
	}
	frames, err := eval.Frames(in.dataset, in.split, in.other, cfg)
	if err != nil {
		return err
	}
	report.Other = c.Compare
	report.Comparison = report.Compare(eval.Evaluate(cfg, frames), c.Resamples, c.Seed)
	return nil
}

// write writes the files and tables that the flags select.
func (c *evalCmd) write(report *eval.Report) error {
	if c.Out != "" {
		if err := report.WriteFiles(c.Out, report.Meta, report.Took); err != nil {
			return err
		}
	}
	if c.Plots != "" {
		if err := figure.Write(c.Plots, report.Metrics, report.Spread); err != nil {
			return err
		}
	}
	if report.Note != "" {
		fmt.Fprintf(os.Stderr, "note: %s\n", report.Note)
	}
	for _, h := range report.Hints {
		fmt.Fprintf(os.Stderr, "hint: %s: %s\n", h.Name, h.Text)
	}
	switch c.JSON {
	case "":
		return report.WriteTable(os.Stdout)
	case "-":
		_, err := fmt.Printf("%s\n", report.JSON())
		return err
	default:
		if err := whole.Write(whole.File{Path: c.JSON, Write: whole.Text(append(report.JSON(), '\n'))}); err != nil {
			return fmt.Errorf("eval: %w", err)
		}
		return report.WriteTable(os.Stdout)
	}
}

// gate returns an error if a metric is below its wanted value.
func (c *evalCmd) gate(metrics *eval.Metrics) error {
	if c.MinNDS > 0 && !(metrics.NDS >= c.MinNDS) {
		return fmt.Errorf("eval: NDS %.4f is below the wanted %g", metrics.NDS, c.MinNDS)
	}
	if c.MinMAP > 0 && !(metrics.MeanAP >= c.MinMAP) {
		return fmt.Errorf("eval: mAP %.4f is below the wanted %g", metrics.MeanAP, c.MinMAP)
	}
	return nil
}
