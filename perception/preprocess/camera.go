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

	config    Config
	source    geom.Size // of the image
	kernel    kernel.Kernels
	whole     sampling  // of the image
	reduced   *sampling // of the image reduced by reduction; nil if it is not
	reduction int
	left, top int // where in the network's image the image begins
	level     *kernel.Levels
}

// Scratch are the buffers of one image under way. The zero value is ready; it
// grows to the largest image that it has seen.
type Scratch struct {
	pixels     codec.Buffer // of the decoded image
	scaled     []uint8      // source rows begin to end after the horizontal pass, BGR
	begin, end int
	row        []uint8 // one row after both passes
}

// band is the number of source rows of a horizontal pass: as many as the longest vector has
// bytes, and few enough that the rows are still in the cache when they are read.
const band = 64

func (s *Scratch) reserve(columns, taps int) {
	if len(s.row) < 3*columns {
		s.row = make([]uint8, 3*columns)
	}
	if len(s.scaled) < 3*columns*(taps+band) {
		s.scaled = make([]uint8, 3*columns*(taps+band))
	}
	s.begin, s.end = 0, 0
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
	cam.level = cam.kernel.NewLevels(c.Mean, c.Std)
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
	var columns, rows int
	c.left, columns = x.inside(c.Crop.Left, c.config.Size.Width)
	c.top, rows = y.inside(c.Crop.Top, c.config.Size.Height)
	first := [2]int{c.Crop.Left + c.left, c.Crop.Top + c.top}
	c.whole, c.reduction = newSampling(x, y, first, columns, rows), 1
	if c.config.Options.Preprocess == Fast {
		c.reduction = reduction(min(x.step, y.step))
	}
	if c.reduction > 1 {
		s := newSampling(x.reduced(c.reduction), y.reduced(c.reduction), first, columns, rows)
		c.reduced = &s
	}
}

// reduction returns by how much an image may be reduced before it is scaled by 1/step.
func reduction(step float64) int {
	r := 8
	for float64(r) > max(step, 1) {
		r /= 2
	}
	return r
}

// View returns the share of what an image of the source size covers of the network's
// image that this camera's image covers.
func (c *Camera) View() float64 {
	canvas := axis{step: float64(c.config.Source.Width) / float64(c.Crop.Size.Width), length: c.config.Source.Width}
	_, columns := canvas.inside(c.Crop.Left, c.config.Size.Width)
	canvas = axis{step: float64(c.config.Source.Height) / float64(c.Crop.Size.Height), length: c.config.Source.Height}
	_, rows := canvas.inside(c.Crop.Top, c.config.Size.Height)
	return float64(c.whole.columns*len(c.whole.y.start)) / float64(max(1, columns*rows))
}

// Image decodes an image and writes the network's input: planes R, G, B of
// Height x Width. The error says what is wrong with the image, or what the options do
// not let through, in words for a result's reader; dst is then undefined. The report holds in both cases.
func (c *Camera) Image(dst []float32, encoded []byte, layout perception.Layout, s *Scratch) (Report, error) {
	if c.View() == 0 {
		return Report{}, errors.New("no part of the image is in the network's view, so far from it is its principal point or horizon")
	}
	strict := c.config.Options.Damaged == Reject
	part := c.part()
	image, err := codec.DecodePart(encoded, layout, c.source, part, strict, &s.pixels)
	if err != nil {
		return Report{}, err
	}
	report := c.judge(c.seen(image, part.Rows))
	if report.Blank {
		if all := (codec.Rows{To: c.source.Height}); image.Rows != all || image.Size != c.source {
			if image, err = codec.Decode(encoded, layout, c.source, strict, &s.pixels); err != nil {
				return Report{}, err
			}
		}
		report = c.judge(&image)
	}
	if c.config.Options.Blank == Absent && report.Blank {
		return report, errors.New("image is " + report.Suspect)
	}
	by := &c.whole
	if image.Size != c.source {
		by = c.reduced
	}
	c.scale(dst, image.BGR, by, s)
	return report, nil
}

// seen returns an image of which no other rows are looked at, though some formats are
// decoded as a whole.
func (c *Camera) seen(image codec.Image, rows codec.Rows) *codec.Image {
	if image.Size == c.source {
		image.Rows = codec.Rows{From: max(image.Rows.From, rows.From), To: min(image.Rows.To, rows.To)}
	}
	return &image
}

// part returns what of the image is read. It is some of it if the view is not empty.
func (c *Camera) part() codec.Part {
	from, to := c.whole.rows()
	if c.reduced != nil {
		first, last := c.reduced.rows()
		from, to = min(from, first*c.reduction), max(to, min(last*c.reduction, c.source.Height))
	}
	return codec.Part{Rows: codec.Rows{From: from, To: to}, Reduction: c.reduction}
}

// Pixels writes the network's input from decoded pixels: rows of interleaved
// B, G, R of the calibrated size. It panics if the lengths disagree.
func (c *Camera) Pixels(dst []float32, bgr []uint8, s *Scratch) {
	if len(dst) != 3*c.config.Size.Pixels() || len(bgr) != 3*c.source.Pixels() {
		panic(fmt.Sprintf("preprocess: %d values from %d bytes for %d x %d", len(dst), len(bgr), c.source.Width, c.source.Height))
	}
	c.scale(dst, bgr, &c.whole, s)
}

// scale writes the network's input from an image of the sampling's size.
func (c *Camera) scale(dst []float32, bgr []uint8, by *sampling, s *Scratch) {
	width, plane, columns := c.config.Size.Width, c.config.Size.Pixels(), by.columns
	if columns*len(by.y.start) < plane {
		c.black(dst)
	}
	s.reserve(columns, by.y.n)
	row := s.row[:3*columns]
	for y, start := range by.y.start {
		c.kernel.Vertical(row, by.scaled(&c.kernel, bgr, int(start), s), by.y.coef[by.y.n*y:][:by.y.n])
		at := dst[(c.top+y)*width+c.left:]
		c.kernel.Normalise(at[:columns], at[plane:][:columns], at[2*plane:][:columns], row, c.level)
	}
}

func (c *Camera) black(dst []float32) {
	plane := len(dst) / 3
	for i := range dst {
		dst[i] = c.level.Value[i/plane][0]
	}
}
