package preprocess

import (
	"errors"
	"fmt"

	"github.com/solofusion/solofusion/geom"
)

// Config is the network's input.
type Config struct {
	Width, Height int        // pixels
	ResizeExtra   float64    // added to Width / source width for the scale
	CropH         float64    // share of the height below the crop
	Mean, Std     [3]float32 // of RGB in [0, 1]
}

// Crop places the network's image in a source image that was scaled to Width x
// Height: its first pixel is at (Left, Top) there. What lies outside is black.
type Crop struct {
	Scale         float64
	Width, Height int
	Left, Top     int
}

// Crop returns the crop of a source image of that size.
func (c *Config) Crop(width, height int) Crop {
	s := float64(c.Width)/float64(width) + c.ResizeExtra
	w, h := int(float64(width)*s), int(float64(height)*s)
	return Crop{
		Scale:  s,
		Width:  w,
		Height: h,
		Left:   max(0, w-c.Width) / 2,
		Top:    int((1-c.CropH)*float64(h)) - c.Height,
	}
}

// Matrix returns the transform A of [u, v, d, 1] from source to network
// pixels. Its scale is exact: the rounding of the scaled size is not in it.
func (c Crop) Matrix() geom.Mat4 {
	return geom.Mat4{
		c.Scale, 0, 0, -float64(c.Left),
		0, c.Scale, 0, -float64(c.Top),
		0, 0, 1, 0,
		0, 0, 0, 1,
	}
}

// maxPixels bounds what is given to the decoder, below its own limit.
const maxPixels = 1 << 28

func (c *Config) check(width, height int) error {
	switch {
	case c.Width <= 0 || c.Height <= 0:
		return fmt.Errorf("preprocess: network image of %d x %d pixels", c.Width, c.Height)
	case width <= 0 || height <= 0 || width > maxPixels/height:
		return fmt.Errorf("preprocess: source image of %d x %d pixels, want 1 to %d in all", width, height, maxPixels)
	case c.Std[0] <= 0 || c.Std[1] <= 0 || c.Std[2] <= 0:
		return errors.New("preprocess: std is not positive")
	}
	if crop := c.Crop(width, height); crop.Width < 1 || crop.Height < 1 {
		return fmt.Errorf("preprocess: source image of %d x %d pixels scales to nothing", width, height)
	}
	return nil
}
