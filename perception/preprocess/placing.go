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
	CenterY float64 // and row
	Horizon float64 // the row of the horizon straight ahead; NaN if the camera does not face it
}

// Seen are the numbers that training's cameras had, in pixels of images of the
// source size. Where nothing is known, every number counts as seen.
type Seen struct {
	Focal, CenterX, CenterY, Horizon geom.Spans
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
// length would then be none that training saw, it fills the canvas in its height, as a
// picture with other columns; or has training's pixels; or, if that does not bring a
// known focal length either, the size that brings the nearest one. The image stands
// in the middle and on the canvas's lower edge, as in the reference; or at another
// edge, as a picture that was cut at one side, if that is where the principal point's
// column or the horizon is one that training saw. If none is, the image is moved by as
// little as brings them there; and on to where training had the principal point's row,
// if the horizon allows it.
func (c *Config) Place(p Picture) Placing {
	width, height := float64(c.Source.Width), float64(c.Source.Height)
	w, h := float64(p.Size.Width), float64(p.Size.Height)
	at := Placing{Scale: c.scale(p)}
	wide, high := width-at.Scale*w, height-at.Scale*h // of the canvas, beside the image
	if at.Scale == width/w {
		wide, high = 0, height-h*width/w // to the bit
	}
	at.Left = first(c.Seen.CenterX, at.Scale*p.CenterX, wide/2, 0, wide)
	at.Left += shift(c.Seen.CenterX, at.Scale*p.CenterX+at.Left)
	if math.IsNaN(p.Horizon) {
		at.Top = first(c.Seen.CenterY, at.Scale*p.CenterY, high, 0)
	} else {
		at.Top = first(c.Seen.Horizon, at.Scale*p.Horizon, high, 0)
	}
	at.Top += c.rows(at.Scale*p.CenterY+at.Top, at.Scale*p.Horizon+at.Top)
	return at
}

// first returns the first offset that takes x to a number seen, or the first of all.
func first(seen geom.Spans, x float64, offsets ...float64) float64 {
	for _, by := range offsets {
		if seen.Contains(x + by) {
			return by
		}
	}
	return offsets[0]
}

// rows returns by how much an image must move for its principal point's row and its
// horizon.
func (c *Config) rows(center, horizon float64) float64 {
	if math.IsNaN(horizon) {
		return shift(c.Seen.CenterY, center)
	}
	first := shift(c.Seen.Horizon, horizon)
	both := first + shift(c.Seen.CenterY, center+first)
	if !c.Seen.Horizon.Contains(horizon + both) {
		return first
	}
	return both
}

// scale returns canvas pixels per pixel of the image.
func (c *Config) scale(p Picture) float64 {
	natural := float64(c.Source.Width) / float64(p.Size.Width)
	for _, scale := range []float64{natural, float64(c.Source.Height) / float64(p.Size.Height), 1} {
		if c.Seen.Focal.Contains(p.Focal * scale) {
			return scale
		}
	}
	return c.Seen.Focal.Nearest(p.Focal*natural) / p.Focal
}

// shift returns by how much x must move to be one of the numbers seen.
func shift(seen geom.Spans, x float64) float64 {
	if seen.Contains(x) {
		return 0
	}
	return seen.Nearest(x) - x
}

// Intrinsics returns those of the equivalent camera, in pixels of the canvas.
func (p Placing) Intrinsics(k geom.Mat3) geom.Mat3 {
	return geom.Mat3{p.Scale, 0, p.Left, 0, p.Scale, p.Top, 0, 0, 1}.Mul(k)
}
