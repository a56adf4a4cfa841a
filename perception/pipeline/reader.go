package pipeline

import (
	"errors"

	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/perception"
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

	images  *tensor.F32 // of the read under way
	cameras []camera
	set     *perception.FrameSet
	part    func(camera int)
}

func newReader(pool *parallel.Pool) *reader {
	r := &reader{pool: pool}
	r.part = r.readOne
	return r
}

// read prepares each camera's image in its own row of images, and leaves what is
// wrong with it in faults.
func (r *reader) read(images *tensor.F32, cameras []camera, set *perception.FrameSet) {
	if missing := len(cameras) - len(r.faults); missing > 0 {
		r.faults = append(r.faults, make([]error, missing)...)
		r.scratch = append(r.scratch, make([]preprocess.Scratch, missing)...)
	}
	r.images, r.cameras, r.set = images, cameras, set
	r.pool.Run(len(cameras), r.part)
	r.images, r.cameras, r.set = nil, nil, nil
}

func (r *reader) readOne(i int) {
	c := &r.cameras[i]
	image := r.set.Frames[c.index]
	if image == nil {
		r.faults[i] = errMissing
		return
	}
	r.faults[i] = c.prep.Image(row(r.images, i), image.Image, &r.scratch[i])
}
