package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
)

type evalCmd struct {
	Results        string  `arg:"" help:"Results file in nuScenes' submission format." placeholder:"RESULTS"`
	Dataset        string  `required:"" help:"Folder of the data set, which holds the version's folder." placeholder:"DIR"`
	DatasetVersion string  `required:"" help:"Folder of the tables, for example v1.0-mini." placeholder:"V"`
	Split          string  `default:"all" help:"Official split, all, or a name in the data set's own splits.json." placeholder:"S"`
	Out            string  `help:"Folder for metrics_summary.json and metrics_details.json, as the devkit writes them." placeholder:"DIR"`
	JSON           string  `name:"json" help:"File for the summary alone; - prints it in place of the table." placeholder:"OUT"`
	MinNDS         float64 `name:"min-nds" help:"Exit with 1 where NDS is below." placeholder:"X"`
	MinMAP         float64 `name:"min-map" help:"Exit with 1 where mAP is below." placeholder:"X"`
}

func (c *evalCmd) Help() string {
	return `Grades detections with the nuScenes detection metric (detection_cvpr_2019),
number for number as nuscenes-devkit 1.2.0 does, and prints a table.

Example:

  solofusion eval results.json --dataset data/nuscenes --dataset-version v1.0-mini \
    --split mini_val --out metrics --min-nds 0.25`
}

func (c *evalCmd) Run(ctx context.Context) error {
	start := time.Now()
	ds, split, results, err := c.read()
	if err != nil {
		return err
	}
	cfg := eval.CVPR2019()
	frames, err := eval.Frames(ds, split, results, cfg)
	if err != nil {
		return err
	}
	metrics := eval.Evaluate(cfg, frames)
	if err := c.report(metrics, results, time.Since(start)); err != nil {
		return err
	}
	return c.gate(metrics)
}

// read reads the truth and the results, both at a time.
func (c *evalCmd) read() (ds *nuscenes.Dataset, split nuscenes.Split, results *nuscenes.Results, err error) {
	var group errgroup.Group
	group.Go(func() (err error) {
		results, err = nuscenes.ReadResults(c.Results)
		return err
	})
	ds, split, err = nuscenes.OpenTruth(c.Dataset, c.DatasetVersion, nuscenes.Part{Split: c.Split})
	return ds, split, results, cmp.Or(err, group.Wait())
}

// report writes what was asked for.
func (c *evalCmd) report(metrics *eval.Metrics, results *nuscenes.Results, took time.Duration) error {
	if c.Out != "" {
		if err := metrics.WriteFiles(c.Out, results.Meta, took); err != nil {
			return err
		}
	}
	switch summary := append(metrics.Summary(results.Meta, took), '\n'); c.JSON {
	case "":
		return metrics.WriteTable(os.Stdout)
	case "-":
		_, err := os.Stdout.Write(summary)
		return err
	default:
		if err := os.WriteFile(c.JSON, summary, 0o644); err != nil {
			return fmt.Errorf("eval: %w", err)
		}
		return metrics.WriteTable(os.Stdout)
	}
}

// gate fails where the metrics are below the wanted ones.
func (c *evalCmd) gate(metrics *eval.Metrics) error {
	if metrics.NDS < c.MinNDS {
		return fmt.Errorf("eval: NDS %.4f is below the wanted %g", metrics.NDS, c.MinNDS)
	}
	if metrics.MeanAP < c.MinMAP {
		return fmt.Errorf("eval: mAP %.4f is below the wanted %g", metrics.MeanAP, c.MinMAP)
	}
	return nil
}
