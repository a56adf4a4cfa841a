package pipeline

import (
	"errors"
	"slices"
	"sync"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/tensor"
)

// front is the stages that need nothing but a set's images, with the buffers of one set
// under way.
type front struct {
	reader  *reader
	encoder *encoder

	views    views
	features features
}

// fronts are a detector's: a second one, for the set that is looked at while another is
// finished. Its buffers are made when it is first used. The zero value has none.
type fronts struct {
	all  []*front
	lock sync.Mutex
	free sync.Cond // of idle
	idle []*front  // the first one last: it is taken first
}

const underWay = 2 // sets, at most

func (s *fronts) fill(d *Detector) {
	s.free.L = &s.lock
	for range underWay {
		s.all = append(s.all, &front{
			reader:  newReader(d.with.Pool),
			encoder: &encoder{session: d.networks.sessions[model.ImageEncoder], known: d.options.Encodings, feed: d.options.Feed},
		})
	}
	s.idle = slices.Clone(s.all)
}

// take returns a front that no set has, and waits for one.
func (s *fronts) take() *front {
	s.lock.Lock()
	defer s.lock.Unlock()
	for len(s.idle) == 0 {
		s.free.Wait()
	}
	last := len(s.idle) - 1
	f := s.idle[last]
	s.idle = s.idle[:last]
	return f
}

func (s *fronts) give(f *front) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.idle = append(s.idle, f)
	s.free.Signal()
}

func (s *fronts) close() error {
	var all []error
	for _, f := range s.all {
		all = append(all, f.encoder.close())
	}
	return errors.Join(all...)
}

// views are the cameras that a set has usable images of.
type views struct {
	images  *tensor.F32   // N 3 H W
	cameras []*camera     // of the rig
	own     []geom.Camera // at their captures, in the model's frame of the set
}

// features are what the image encoder makes of the images.
type features struct {
	context *tensor.F32 // N h w C
	mono    *tensor.F32 // N h w D, logits
	stereo  *tensor.F32 // N sh sw S; nil in a model without stereo
	depth   *tensor.F32 // N h w D, room for what becomes of mono
}

// look is the algorithm's first half.
func (w *front) look(m *Memory, f *frame) (stage string, err error) {
	views, err := w.view(f, m) // encoded images → network images, cameras in their places
	if err != nil {
		return Preprocess, err
	}
	return ImageEncoder, w.encode(f, views) // → context, monocular logits, stereo features
}

// view decodes the cameras' images and takes the usable ones into the views.
func (w *front) view(f *frame, m *Memory) (*views, error) {
	began, cameras := f.begin(Preprocess), f.rig.cameras
	if err := w.encoder.reserve(len(cameras)); err != nil {
		return nil, err
	}
	w.reader.read(w.encoder.inputs["images"], m, f)
	v := &w.views
	v.cameras, v.own = v.cameras[:0], v.own[:0]
	for i := range cameras {
		if w.account(f, i, cameras[i].Name) {
			w.take(v, i, &cameras[i], f)
		}
	}
	v.images = w.encoder.rows(w.encoder.inputs["images"], len(v.cameras))
	f.end(Preprocess, began, v)
	return v, nil
}

// account writes what is to be said of a camera's image into the result, and reports
// whether the image is used.
func (w *front) account(f *frame, i int, camera string) (used bool) {
	fault, report, r := w.reader.faults[i], &w.reader.reports[i], f.result
	used = fault == nil
	if !used && fault != errMissing {
		r.Rejected[camera] = fault.Error()
	}
	if used && report.Damage != "" {
		remark(&r.Damaged, camera, report.Damage)
	}
	if report.Suspect != "" {
		remark(&r.Suspect, camera, report.Suspect)
	}
	return used
}

func remark(words *map[string]string, camera, text string) {
	if *words == nil {
		*words = map[string]string{}
	}
	(*words)[camera] = text
}

// take takes the image in row i into the next row of the views.
func (w *front) take(v *views, i int, c *camera, f *frame) {
	images, n := w.encoder.inputs["images"], len(v.cameras)
	if n != i {
		copy(row(images, n), row(images, i))
	}
	image := f.set.Frames[c.index]
	own := f.own(c, image.GlobalFromEgo)
	c.numbers(row(w.encoder.inputs["cameras"], n), own.Pose)
	v.cameras, v.own = append(v.cameras, c), append(v.own, own)
	f.result.Captured[c.Name] = image.Captured
}

// encode makes the features of the views.
func (w *front) encode(f *frame, v *views) error {
	began, n := f.begin(ImageEncoder), len(v.cameras)
	if n > 0 {
		if err := w.encoder.run(n); err != nil {
			return err
		}
	}
	x := &w.features
	*x = features{
		context: w.encoder.output("context", n), mono: w.encoder.output("mono_logits", n),
		depth: w.encoder.rows(w.encoder.depth, n),
	}
	if w.encoder.outputs["stereo_features"] != nil {
		x.stereo = w.encoder.output("stereo_features", n)
	}
	f.end(ImageEncoder, began, x)
	return nil
}

func (v *views) outputs() []Output { return []Output{{Name: "images", Values: as(v.images)}} }

func (x *features) outputs() []Output {
	all := []Output{perCamera("context", as(x.context)), perCamera("mono_logits", as(x.mono))}
	if x.stereo != nil {
		all = append(all, perCamera("stereo_features", as(x.stereo)))
	}
	return all
}
