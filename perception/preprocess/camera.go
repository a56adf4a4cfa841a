package preprocess

import (
	"fmt"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/perception/preprocess/internal/kernel"
)

// Camera prepares the images of one size. Its methods use its buffers: one call
// at a time, but different Cameras may run at once.
type Camera struct {
	Crop Crop

	config        Config
	width, height int             // of the source
	x, y          taps            // for the columns and rows of the crop that exist
	left, top     int             // where in the crop these begin
	first, rows   int             // source rows that y reads
	scaled        []uint8         // those rows after the horizontal pass, BGR
	row           []uint8         // one row after both passes
	level         [3][256]float32 // of R, G and B: the network's value of a byte
}

// NewCamera returns a Camera for source images of that size.
func NewCamera(c Config, width, height int) (*Camera, error) {
	if err := c.check(width, height); err != nil {
		return nil, err
	}
	crop := c.Crop(width, height)
	cam := &Camera{Crop: crop, config: c, width: width, height: height}
	var columns, rows int
	cam.left, columns = overlap(crop.Left, c.Width, crop.Width)
	cam.top, rows = overlap(crop.Top, c.Height, crop.Height)
	cam.x = newTaps(width, crop.Width, crop.Left+cam.left, columns)
	cam.y = newTaps(height, crop.Height, crop.Top+cam.top, rows)
	if rows > 0 {
		cam.first = int(cam.y.start[0])
		cam.rows = int(cam.y.start[rows-1]) + cam.y.n - cam.first
	}
	cam.scaled = make([]uint8, cam.rows*3*columns)
	cam.row = make([]uint8, 3*columns)
	for ch := range cam.level {
		for v := range cam.level[ch] {
			cam.level[ch][v] = (float32(v)/255 - c.Mean[ch]) / c.Std[ch]
		}
	}
	return cam, nil
}

// overlap returns how many of the n crop pixels that begin at offset lie inside
// size, and the first of them.
func overlap(offset, n, size int) (first, count int) {
	first = min(max(0, -offset), n)
	return first, max(0, min(n, size-offset)-first)
}

// Image decodes an image and writes the network's input: planes R, G, B of
// Height x Width. The error says what is wrong with the image; dst is then
// undefined.
func (c *Camera) Image(dst []float32, encoded []byte) error {
	w, h, err := inspect(encoded)
	if err != nil {
		return fmt.Errorf("preprocess: %w", err)
	}
	if w != c.width || h != c.height {
		return fmt.Errorf("preprocess: image of %d x %d pixels, calibrated for %d x %d", w, h, c.width, c.height)
	}
	m, err := gocv.IMDecode(encoded, gocv.IMReadColor|gocv.IMReadIgnoreOrientation)
	if err != nil {
		return fmt.Errorf("preprocess: %w", err)
	}
	defer m.Close()
	if m.Cols() != w || m.Rows() != h || m.Type() != gocv.MatTypeCV8UC3 {
		return fmt.Errorf("preprocess: image cannot be decoded")
	}
	bgr, err := m.DataPtrUint8()
	if err != nil {
		return fmt.Errorf("preprocess: %w", err)
	}
	c.Pixels(dst, bgr)
	return nil
}

// Pixels writes the network's input from decoded pixels: rows of interleaved
// B, G, R of the calibrated size.
func (c *Camera) Pixels(dst []float32, bgr []uint8) {
	plane := c.config.Width * c.config.Height
	if len(dst) != 3*plane || len(bgr) != 3*c.width*c.height {
		panic(fmt.Sprintf("preprocess: %d values from %d bytes for %d x %d", len(dst), len(bgr), c.width, c.height))
	}
	if 3*len(c.y.start)*len(c.x.start) < 3*plane {
		c.black(dst)
	}
	stride, scaledStride := 3*c.width, len(c.row)
	for y := range c.rows {
		kernel.Horizontal(c.scaled[y*scaledStride:][:scaledStride], bgr[(c.first+y)*stride:][:stride], c.x.start, c.x.coef)
	}
	for y, start := range c.y.start {
		n := c.y.n
		kernel.Vertical(c.row, c.scaled[(int(start)-c.first)*scaledStride:][:n*scaledStride], c.y.coef[n*y:][:n])
		c.normalise(dst[(c.top+y)*c.config.Width+c.left:], plane)
	}
}

// normalise writes c.row to a row of each of the planes; dst begins at the
// row's first pixel in the first plane.
func (c *Camera) normalise(dst []float32, plane int) {
	n := len(c.row) / 3
	r, g, b := dst[:n], dst[plane:][:n], dst[2*plane:][:n]
	for x := range r {
		p := (*[3]uint8)(c.row[3*x:])
		r[x], g[x], b[x] = c.level[0][p[2]], c.level[1][p[1]], c.level[2][p[0]]
	}
}

func (c *Camera) black(dst []float32) {
	plane := len(dst) / 3
	for i := range dst {
		dst[i] = c.level[i/plane][0]
	}
}
