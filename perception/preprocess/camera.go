package preprocess

import (
	"errors"
	"fmt"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess/internal/codec"
	"github.com/solofusion/solofusion/perception/preprocess/internal/kernel"
)

// Camera prepares the images of one calibrated camera. It is immutable: several
// goroutines may use it, each with its own Scratch.
type Camera struct {
	Placing Placing // of the image on the canvas
	Crop    Crop    // of the canvas

	config      Config
	source      geom.Size // of the image
	kernel      kernel.Kernels
	x, y        taps // for the network's columns and rows that the image covers
	left, top   int  // where in the network's image these begin
	first, rows int  // source rows that y reads
	level       kernel.Levels
}

// Scratch are the buffers of one image under way. The zero value is ready; it
// grows to the largest image that it has seen.
type Scratch struct {
	pixels codec.Buffer // of the decoded image
	scaled []uint8      // the rows that are read after the horizontal pass, BGR
	row    []uint8      // one row after both passes
}

func (s *Scratch) reserve(columns, rows int) {
	if len(s.row) < 3*columns {
		s.row = make([]uint8, 3*columns)
	}
	if len(s.scaled) < 3*columns*rows {
		s.scaled = make([]uint8, 3*columns*rows)
	}
}

// NewCamera returns a Camera for images as the picture says, or an error that
// names the number that is out of range. What the image does not cover of the
// network's is black.
func NewCamera(c Config, p Picture, with compute.Resources) (*Camera, error) {
	c.Options = option.Fill(c.Options, Defaults())
	if err := c.check(p); err != nil {
		return nil, err
	}
	cam := &Camera{Placing: c.Place(p), Crop: c.Crop(), config: c, source: p.Size}
	cam.kernel, _ = kernel.Table.Take(with.Kernels)
	cam.sample()
	if rows := len(cam.y.start); rows > 0 {
		cam.first = int(cam.y.start[0])
		cam.rows = int(cam.y.start[rows-1]) + cam.y.n - cam.first
	}
	for ch := range cam.level {
		for v := range cam.level[ch] {
			cam.level[ch][v] = (float32(v)/255 - c.Mean[ch]) / c.Std[ch]
		}
	}
	return cam, nil
}

// Kernels returns the kernel set that cameras run with these resources.
func Kernels(with compute.Resources) isa.Set {
	_, set := kernel.Table.Take(with.Kernels)
	return set
}

// sample makes the coefficients of the network's columns and rows. The canvas is
// stretched to the crop's whole number of pixels, as the reference does, which the
// crop's matrix leaves out.
func (c *Camera) sample() {
	canvas, at := c.config.Source, c.Placing
	x := axis{
		step:  float64(canvas.Width) / float64(c.Crop.Size.Width) / at.Scale,
		start: -at.Left / at.Scale, length: c.source.Width,
	}
	y := axis{
		step:  float64(canvas.Height) / float64(c.Crop.Size.Height) / at.Scale,
		start: -at.Top / at.Scale, length: c.source.Height,
	}
	c.left, c.x = x.taps(c.Crop.Left, c.config.Size.Width)
	c.top, c.y = y.taps(c.Crop.Top, c.config.Size.Height)
}

// View returns the share of what an image of the source size covers of the network's
// image that this camera's image covers.
func (c *Camera) View() float64 {
	canvas := axis{step: float64(c.config.Source.Width) / float64(c.Crop.Size.Width), length: c.config.Source.Width}
	_, columns := canvas.inside(c.Crop.Left, c.config.Size.Width)
	canvas = axis{step: float64(c.config.Source.Height) / float64(c.Crop.Size.Height), length: c.config.Source.Height}
	_, rows := canvas.inside(c.Crop.Top, c.config.Size.Height)
	return float64(len(c.x.start)*len(c.y.start)) / float64(max(1, columns*rows))
}

// Image decodes an image and writes the network's input: planes R, G, B of
// Height x Width. The error says what is wrong with the image, or what the options do
// not let through, in words for a result's reader; dst is then undefined. The report holds in both cases.
func (c *Camera) Image(dst []float32, encoded []byte, layout perception.Layout, s *Scratch) (Report, error) {
	if c.View() == 0 {
		return Report{}, errors.New("no part of the image is in the network's view, so far from it is its principal point or horizon")
	}
	image, err := codec.Decode(encoded, layout, c.source, c.config.Options.Damaged == Reject, &s.pixels)
	if err != nil {
		return Report{}, err
	}
	report := c.judge(&image)
	if c.config.Options.Blank == Absent && report.Blank {
		return report, errors.New("image is " + report.Suspect)
	}
	c.Pixels(dst, image.BGR, s)
	return report, nil
}

// Pixels writes the network's input from decoded pixels: rows of interleaved
// B, G, R of the calibrated size. It panics if the lengths disagree.
func (c *Camera) Pixels(dst []float32, bgr []uint8, s *Scratch) {
	width, plane := c.config.Size.Width, c.config.Size.Pixels()
	if len(dst) != 3*plane || len(bgr) != 3*c.source.Pixels() {
		panic(fmt.Sprintf("preprocess: %d values from %d bytes for %d x %d", len(dst), len(bgr), c.source.Width, c.source.Height))
	}
	columns, rows := len(c.x.start), len(c.y.start)
	if columns*rows < plane {
		c.black(dst)
	}
	s.reserve(columns, c.rows)
	stride, scaledStride := 3*c.source.Width, 3*columns
	for y := range c.rows {
		c.kernel.Horizontal(s.scaled[y*scaledStride:][:scaledStride], bgr[(c.first+y)*stride:][:stride], c.x.start, c.x.coef)
	}
	row := s.row[:scaledStride]
	for y, start := range c.y.start {
		n := c.y.n
		c.kernel.Vertical(row, s.scaled[(int(start)-c.first)*scaledStride:][:n*scaledStride], c.y.coef[n*y:][:n])
		at := dst[(c.top+y)*width+c.left:]
		c.kernel.Normalise(at[:columns], at[plane:][:columns], at[2*plane:][:columns], row, &c.level)
	}
}

func (c *Camera) black(dst []float32) {
	plane := len(dst) / 3
	for i := range dst {
		dst[i] = c.level[i/plane][0]
	}
}
