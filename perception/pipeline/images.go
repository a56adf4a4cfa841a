package pipeline

import (
	"errors"

	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/stereo"
	"github.com/solofusion/solofusion/tensor"
)

// errMissing marks a camera of which no image came.
var errMissing = errors.New("no image")

// decodeImage prepares the image of one camera in its own row. It runs for
// several cameras at once.
func (p *Pipeline) decodeImage(i int) {
	c := &p.cameras[i]
	image := p.frame.set.Frames[c.index]
	if image == nil {
		p.faults[i] = errMissing
		return
	}
	p.faults[i] = c.prep.Image(row(p.encoder.inputs["images"], i), image.Image)
}

// use takes camera i into the set: its image and numbers in the next row, its
// place and its view.
func (p *Pipeline) use(i int) {
	f, c, n := &p.frame, &p.cameras[i], p.used()
	if n != i {
		images := p.encoder.inputs["images"]
		copy(row(images, n), row(images, i))
	}
	image := f.set.Frames[c.index]
	globalFromCamera, lidarFromCamera := c.poses(f.set, image)
	c.numbers(row(p.encoder.inputs["cameras"], n), lidarFromCamera)
	f.places = append(f.places, lift.Camera{
		LidarFromCamera: lidarFromCamera,
		Intrinsics:      c.Intrinsics,
		Augment:         c.augment,
	})
	view := stereo.View{GlobalFromCamera: globalFromCamera, Intrinsics: c.Intrinsics, Augment: c.augment}
	if p.matcher != nil {
		view.Features = row(p.encoder.outputs["stereo_features"], n)
	}
	f.views = append(f.views, view)
	f.result.Captured[c.Name] = image.Captured
}

// keepViews copies the set's views for the next one.
func (p *Pipeline) keepViews() {
	p.previous = p.previous[:0]
	for i, v := range p.frame.views {
		kept := row(p.kept, i)
		copy(kept, v.Features)
		v.Features = kept
		p.previous = append(p.previous, v)
	}
}

// used is the number of cameras with a usable image.
func (p *Pipeline) used() int { return len(p.frame.views) }

// encoded returns what the encoder made of the set's images.
func (p *Pipeline) encoded(name string) *tensor.F32 { return p.usedRows(p.encoder.outputs[name]) }

func (p *Pipeline) usedDepth() *tensor.F32 { return p.usedRows(p.depth) }

// cut names the first n rows of an array.
type cut struct {
	of *tensor.F32
	n  int
}

// usedRows returns the rows of t that belong to the set's images. It allocates
// for the first set with that many.
func (p *Pipeline) usedRows(t *tensor.F32) *tensor.F32 {
	c := cut{t, p.used()}
	if p.cuts[c] == nil {
		p.cuts[c] = rows(c.of, c.n)
	}
	return p.cuts[c]
}

// row returns the values of t at index i of its first axis.
func row(t *tensor.F32, i int) []float32 {
	n := len(t.Data) / t.Shape[0]
	return t.Data[i*n:][:n:n]
}

// rows returns the part of t that has the first n indices of its first axis.
func rows(t *tensor.F32, n int) *tensor.F32 {
	shape := append([]int{n}, t.Shape[1:]...)
	return tensor.From(t.Data[:tensor.Size(shape)], shape...)
}
