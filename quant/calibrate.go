package quant

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// Calibration says how statistics are gathered.
type Calibration struct {
	Frames   int                   // that are taken, at least one for each stratum
	File     string                // of the statistics, from which they go on; "" for none
	Run      Run                   // its Progress is not called
	Progress func(done, total int) // of drives under conditions; may be nil
}

// Calibrate runs a float32 bundle over the drives and returns the statistics of its values.
// The error says so if a value is not finite, or if there is no drive with as many frames as the
// history has, of which values may depend.
func Calibrate(ctx context.Context, b *model.Bundle, drives []Drive, o Calibration) (*Statistics, error) {
	s := newStatistics(b, drives, o.Frames)
	if o.File != "" {
		if err := s.load(o.File); err != nil {
			return nil, err
		}
	}
	if err := enough(b, drives); err != nil {
		return nil, err
	}
	c, err := newCalibrator(b, s, o, len(drives))
	if err != nil {
		return nil, err
	}
	defer c.close()
	total := len(drives) * len(conditions)
	for i, condition := range conditions {
		for j, d := range drives {
			if err := c.run(ctx, d, condition); err != nil {
				return nil, err
			}
			if o.Progress != nil {
				o.Progress(i*len(drives)+j+1, total)
			}
		}
	}
	if s.Images == 0 {
		return nil, fmt.Errorf("quant: no image of the recording can be used (%s): want one of the model's kind of vehicle", cmp.Or(s.Rejected, "none came"))
	}
	return s, nil
}

// enough returns an error if no drive fills the history.
func enough(b *model.Bundle, drives []Drive) error {
	longest, want := 0, b.Manifest.History.Frames+1
	for _, d := range drives {
		longest = max(longest, len(d.Scene.Samples))
	}
	if longest < want {
		return fmt.Errorf("quant: the longest of %d drives has %d samples, want one of %d at least, which fill the history", len(drives), longest, want)
	}
	return nil
}

// calibrator is a detector whose graphs' inputs are probed.
type calibrator struct {
	detector *pipeline.Detector
	probes   probes
	stats    *Statistics
	file     string
	quota    int // frames of a stratum
	share    int // of a stratum's, that a drive may give
	deepest  int
	taking   bool
	fault    error // of a probe
}

func newCalibrator(b *model.Bundle, s *Statistics, o Calibration, drives int) (*calibrator, error) {
	deepest := b.Manifest.History.Frames
	n := len(strata(deepest))
	c := &calibrator{stats: s, file: o.File, deepest: deepest, quota: max(1, (o.Frames+n-1)/n)}
	c.share = (c.quota + drives - 1) / drives
	var err error
	if c.probes, err = newProbes(b, o.Run.Threads); err != nil {
		return nil, err
	}
	c.detector, err = pipeline.New(b, pipeline.Options{Threads: o.Run.Threads, Kernels: o.Run.Kernels, Feed: c.feed})
	if err != nil {
		c.probes.close()
		return nil, err
	}
	return c, nil
}

func (c *calibrator) close() {
	c.probes.close()
	_ = c.detector.Close()
}

// feed probes a graph if the set under way is taken.
func (c *calibrator) feed(g model.Graph, inputs onnx.Tensors) {
	if c.taking && c.fault == nil {
		c.fault = c.probes[g].take(inputs, c.stats.Of[g], &c.stats.Stack)
	}
}

// run goes through a drive under a condition, and keeps the statistics.
func (c *calibrator) run(ctx context.Context, d Drive, under condition) error {
	key := string(under) + ": " + d.Scene.Token
	if c.stats.isDone(key) {
		return nil
	}
	m, given, depth := c.detector.NewMemory(), map[stratum]int{}, -1
	err := d.each(ctx, under, func(index int, set *perception.FrameSet) error {
		depth++
		if c.full(under) {
			return errFull
		}
		at := stratum{under, min(depth, c.deepest)}
		if c.taking = c.wants(at, given[at], index+d.number()); c.taking {
			given[at]++
			c.stats.Frames[at.String()]++
		}
		r, err := c.detector.Step(m, set)
		if err == nil && c.taking {
			c.account(r)
		}
		return errors.Join(err, c.fault)
	})
	if err != nil && !errors.Is(err, errFull) {
		return fmt.Errorf("quant: scene %s, %s: %w", d.Scene.Name, under, err)
	}
	c.stats.Done = append(c.stats.Done, key)
	return c.stats.save(c.file)
}

var errFull = errors.New("all frames of the condition are taken")

// account counts the images of a frame that is taken.
func (c *calibrator) account(r *perception.Result) {
	c.stats.Images += len(r.Captured)
	for camera, why := range r.Rejected {
		c.stats.Rejected = camera + ": " + why
	}
}

// wants reports whether a frame is taken: its stratum has not enough, nor has its drive
// given its share. Of frames with all of the history each third is, so that they differ.
func (c *calibrator) wants(s stratum, given, turn int) bool {
	if c.stats.Frames[s.String()] >= c.quota || given >= c.share {
		return false
	}
	for _, d := range depths(c.deepest) {
		if d == s.depth {
			return d < c.deepest || turn%3 == 0
		}
	}
	return false
}

// full reports whether all strata of a condition have enough frames.
func (c *calibrator) full(under condition) bool {
	for _, d := range depths(c.deepest) {
		if c.stats.Frames[stratum{under, d}.String()] < c.quota {
			return false
		}
	}
	return true
}
