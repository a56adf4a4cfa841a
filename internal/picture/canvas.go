package picture

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gocv.io/x/gocv"
)

// fine is how much larger everything is drawn than it is stored, so that edges
// are smooth.
const fine = 2

// canvas is drawn on in pixels of the stored picture.
type canvas struct{ mat gocv.Mat }

type point struct{ x, y float64 }

func newCanvas(width, height int, ground color.RGBA) *canvas {
	scalar := gocv.NewScalar(float64(ground.B), float64(ground.G), float64(ground.R), 0)
	return &canvas{gocv.NewMatWithSizeFromScalar(scalar, fine*height, fine*width, gocv.MatTypeCV8UC3)}
}

func (c *canvas) close() { c.mat.Close() }

// part is the canvas of a rectangle; the caller closes it.
func (c *canvas) part(left, top, width, height int) *canvas {
	return &canvas{c.mat.Region(image.Rect(fine*left, fine*top, fine*(left+width), fine*(top+height)))}
}

// save reduces the picture to its size and writes it; the name's ending is
// the format.
func (c *canvas) save(file string) error {
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(c.mat, &small, image.Pt(c.mat.Cols()/fine, c.mat.Rows()/fine), 0, 0, gocv.InterpolationArea)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	if !gocv.IMWrite(file, small) {
		return fmt.Errorf("picture: %s could not be written", file)
	}
	return nil
}

// show fills the canvas with an image file and returns the image's width.
func (c *canvas) show(file string) (width int, err error) {
	source := gocv.IMRead(file, gocv.IMReadColor)
	defer source.Close()
	if source.Empty() {
		return 0, fmt.Errorf("picture: %s is no image that can be read", file)
	}
	sized := gocv.NewMat()
	defer sized.Close()
	gocv.Resize(source, &sized, image.Pt(c.mat.Cols(), c.mat.Rows()), 0, 0, gocv.InterpolationArea)
	sized.CopyTo(&c.mat)
	return source.Cols(), nil
}

// pixel is the drawn pixel of p; far outside it stays countable.
func pixel(p point) image.Point {
	round := func(x float64) int { return int(math.Round(max(-20000, min(20000, fine*x)))) }
	return image.Pt(round(p.x), round(p.y))
}

func thick(width float64) int { return max(1, int(math.Round(fine*width))) }

func (c *canvas) line(a, b point, ink color.RGBA, width float64) {
	gocv.Line(&c.mat, pixel(a), pixel(b), ink, thick(width))
}

func (c *canvas) ring(center point, radius float64, ink color.RGBA, width float64) {
	gocv.CircleWithParams(&c.mat, pixel(center), int(math.Round(fine*radius)), ink, thick(width), gocv.LineAA, 0)
}

// dot is a square of one stored pixel.
func (c *canvas) dot(p point, ink color.RGBA) {
	at := pixel(p)
	gocv.Rectangle(&c.mat, image.Rectangle{at, at.Add(image.Pt(fine-1, fine-1))}, ink, -1)
}

func (c *canvas) outline(corners []point, ink color.RGBA, width float64) {
	for i := range corners {
		c.line(corners[i], corners[(i+1)%len(corners)], ink, width)
	}
}

// fill lays a colour over a polygon; cover is from 0 to 1.
func (c *canvas) fill(corners []point, ink color.RGBA, cover float64) {
	pixels := make([]image.Point, len(corners))
	bounds := image.Rectangle{}
	for i, p := range corners {
		pixels[i] = pixel(p)
		bounds = bounds.Union(image.Rectangle{pixels[i], pixels[i].Add(image.Pt(1, 1))})
	}
	bounds = bounds.Intersect(image.Rect(0, 0, c.mat.Cols(), c.mat.Rows()))
	if bounds.Empty() {
		return
	}
	under := c.mat.Region(bounds)
	defer under.Close()
	over := under.Clone()
	defer over.Close()
	vector := gocv.NewPointsVectorFromPoints([][]image.Point{pixels})
	defer vector.Close()
	gocv.FillPolyWithParams(&over, vector, ink, gocv.LineAA, 0, image.Pt(-bounds.Min.X, -bounds.Min.Y))
	gocv.AddWeighted(over, cover, under, 1-cover, 0, &under)
}

// Sizes of text, as factors of the font's 22 pixels.
const (
	tiny   = 0.36
	normal = 0.5
	large  = 0.8
)

const font = gocv.FontHersheySimplex

// write puts text with its lower left at p and returns its width.
func (c *canvas) write(p point, text string, size float64, ink color.RGBA) float64 {
	weight := 1
	if size > tiny {
		weight = 2
	}
	gocv.PutTextWithParams(&c.mat, text, pixel(p), font, fine*size, ink, weight, gocv.LineAA, false)
	return width(text, size)
}

func width(text string, size float64) float64 {
	return float64(gocv.GetTextSize(text, font, fine*size, 1).X) / fine
}
