package preprocess

import (
	"math"

	"github.com/solofusion/solofusion/geom"
)

// Picture is what of a camera's calibration decides where its image is placed, in
// pixels of that image.
type Picture struct {
	Size    geom.Size
	Focal   float64 // the focal length along the columns
	CenterX float64 // the principal point's column
	Horizon float64 // the row of the horizon straight ahead; NaN if the camera does not face it
}

// Seen are the numbers that training's cameras had, in pixels of images of the
// source size. Where nothing is known, every number counts as seen.
type Seen struct {
	Focal, CenterX, Horizon geom.Spans
}

// Placing puts a camera's image on the canvas, an image of the source size that
// an equivalent camera of training could have taken: a point (u, v) of the image
// is at (Scale u + Left, Scale v + Top) there.
type Placing struct {
	Scale     float64
	Left, Top float64
}

// Place returns where an image goes on the canvas. It fills the canvas in its
// width, so that the same picture at any resolution is placed alike. If the focal
// length would then be none that training saw, the nearest one that it saw decides
// the size. The image stands in the middle and on the canvas's lower edge, as in
// the reference; if that puts the principal point's column or the horizon where
// training never had them, the image is moved by as little as brings them there.
func (c *Config) Place(p Picture) Placing {
	width, height := float64(c.Source.Width), float64(c.Source.Height)
	at := Placing{
		Scale: width / float64(p.Size.Width),
		Top:   height - float64(p.Size.Height)*width/float64(p.Size.Width),
	}
	if focal := p.Focal * at.Scale; !c.Seen.Focal.Contains(focal) {
		at.Scale = c.Seen.Focal.Nearest(focal) / p.Focal
		at.Left = (width - at.Scale*float64(p.Size.Width)) / 2
		at.Top = height - at.Scale*float64(p.Size.Height)
	}
	at.Left += shift(c.Seen.CenterX, at.Scale*p.CenterX+at.Left)
	if !math.IsNaN(p.Horizon) {
		at.Top += shift(c.Seen.Horizon, at.Scale*p.Horizon+at.Top)
	}
	return at
}

// shift returns by how much x must move to be one of the numbers seen.
func shift(seen geom.Spans, x float64) float64 { return seen.Nearest(x) - x }

// Intrinsics returns those of the equivalent camera, in pixels of the canvas.
func (p Placing) Intrinsics(k geom.Mat3) geom.Mat3 {
	return geom.Mat3{p.Scale, 0, p.Left, 0, p.Scale, p.Top, 0, 0, 1}.Mul(k)
}
