package pipeline

import (
	"errors"

	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/perception/preprocess"
	"github.com/solofusion/solofusion/tensor"
)

// errMissing marks a camera of which no image came.
var errMissing = errors.New("no image")

// reader decodes the images of a set, several at once.
type reader struct {
	pool    *parallel.Pool
	scratch []preprocess.Scratch // of each camera
	faults  []error              // of each camera's image in the last set; nil if it is usable
	reports []preprocess.Report  // on each camera's image in the last set

	images *tensor.F32 // of the read under way
	memory *Memory
	frame  *frame
	part   func(camera int)
}

func newReader(pool *parallel.Pool) *reader {
	r := &reader{pool: pool}
	r.part = r.readOne
	return r
}

// read prepares each camera's image in its own row of images, and leaves what is
// to be said of it in faults and reports.
func (r *reader) read(images *tensor.F32, m *Memory, f *frame) {
	cameras := len(f.rig.cameras)
	if missing := cameras - len(r.faults); missing > 0 {
		r.faults = append(r.faults, make([]error, missing)...)
		r.reports = append(r.reports, make([]preprocess.Report, missing)...)
		r.scratch = append(r.scratch, make([]preprocess.Scratch, missing)...)
	}
	r.images, r.memory, r.frame = images, m, f
	r.pool.Run(cameras, r.part)
	r.images, r.memory, r.frame = nil, nil, nil
}

func (r *reader) readOne(i int) {
	c := &r.frame.rig.cameras[i]
	image := r.frame.set.Frames[c.index]
	r.reports[i] = preprocess.Report{}
	if image == nil {
		r.faults[i] = errMissing
		return
	}
	words, frozen := r.memory.still[i].take(image)
	report, fault := c.prep.Image(row(r.images, i), image.Image, image.Layout, &r.scratch[i])
	if fault == nil && words != "" && !report.Blank {
		report.Suspect = words
		recorded := image.Key != nil // of a recording, which is shown as it is
		if frozen && !recorded && r.memory.detector.options.Images.Frozen == preprocess.Absent {
			fault = errors.New("image is " + words)
		}
	}
	r.reports[i], r.faults[i] = report, fault
}
