package quant

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// Loss is how much of what a float32 bundle finds its 8-bit form loses.
type Loss struct {
	Boxes int // sure ones of the float32 bundle
	Lost  int // of them, without a box of their class near in the other's result
	Sets  int
}

// What is sure, and what is near.
const (
	sure = 0.3 // score
	near = 0.5 // metres
)

// Share returns the share of the boxes that is lost, 0 if there are none.
func (l Loss) Share() float64 { return float64(l.Lost) / float64(max(l.Boxes, 1)) }

// String returns the loss in words.
func (l Loss) String() string {
	if l.Boxes == 0 {
		return fmt.Sprintf("unknown: no box above %g was found in %d sets", sure, l.Sets)
	}
	return fmt.Sprintf("%.2f %% of %d boxes above %g have none of their class within %g m, in %d sets", 100*l.Share(), l.Boxes, sure, near, l.Sets)
}

// Run says how bundles are run.
type Run struct {
	Threads  int
	Kernels  isa.Set
	Progress func(done, total int) // of drives; may be nil
}

// found is what is found in each set of drives.
type found []inSet

type inSet struct {
	before int // sets of the drive
	boxes  []perception.Detection
}

// detect returns what a bundle finds in the drives under a condition.
func detect(ctx context.Context, b *model.Bundle, drives []Drive, c condition, o Run) (all found, err error) {
	d, err := pipeline.New(b, pipeline.Options{Threads: o.Threads, Kernels: o.Kernels})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for i, drive := range drives {
		m, before := d.NewMemory(), 0
		err := drive.each(ctx, c, func(_ int, set *perception.FrameSet) error {
			r, err := d.Step(m, set)
			if err == nil {
				all = append(all, inSet{before, r.Detections})
				before++
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("quant: scene %s: %w", drive.Scene.Name, err)
		}
		if o.Progress != nil {
			o.Progress(i+1, len(drives))
		}
	}
	return all, nil
}

// missed compares what two bundles find in the same sets.
func missed(float, eight found) (l Loss) {
	l.Sets = len(float)
	for i := range float {
		boxes := float[i].boxes
		for j := range boxes {
			if boxes[j].Score < sure {
				continue
			}
			l.Boxes++
			if !hasNear(eight[i].boxes, &boxes[j]) {
				l.Lost++
			}
		}
	}
	return l
}

// hasNear reports whether a box of the same class is near.
func hasNear(boxes []perception.Detection, want *perception.Detection) bool {
	for i := range boxes {
		b := &boxes[i]
		if b.Class == want.Class && math.Hypot(b.Center[0]-want.Center[0], b.Center[1]-want.Center[1]) <= near {
			return true
		}
	}
	return false
}
