package preprocess

import (
	"errors"
	"fmt"

	"github.com/solofusion/solofusion/geom"
)

// Config is the network's input, and the cameras that it was trained with.
type Config struct {
	Size        geom.Size
	Source      geom.Size  // of training's images
	ResizeExtra float64    // added to Width / source width for the scale
	CropH       float64    // share of the height below the crop
	Mean, Std   [3]float32 // of RGB in [0, 1]
	Seen        Seen
	Options     Options
}

// Crop places the network's image in a canvas that was scaled to Size: its first
// pixel is at (Left, Top) there.
type Crop struct {
	Scale     float64
	Size      geom.Size
	Left, Top int
}

// Crop returns the crop of the canvas, which is the same for every camera.
func (c *Config) Crop() Crop {
	s := float64(c.Size.Width)/float64(c.Source.Width) + c.ResizeExtra
	w, h := int(float64(c.Source.Width)*s), int(float64(c.Source.Height)*s)
	return Crop{
		Scale: s,
		Size:  geom.Size{Width: w, Height: h},
		Left:  max(0, w-c.Size.Width) / 2,
		Top:   int((1-c.CropH)*float64(h)) - c.Size.Height,
	}
}

// Matrix returns the transform A of [u, v, d, 1] from the canvas's to network
// pixels. Its scale is exact: the rounding of the scaled size is not in it.
func (c Crop) Matrix() geom.Mat4 {
	return geom.Mat4{
		c.Scale, 0, 0, -float64(c.Left),
		0, c.Scale, 0, -float64(c.Top),
		0, 0, 1, 0,
		0, 0, 0, 1,
	}
}

func (c *Config) check(p Picture) error {
	if err := c.Options.CheckSize(p.Size); err != nil {
		return fmt.Errorf("preprocess: %w", err)
	}
	switch {
	case c.Size.Width <= 0 || c.Size.Height <= 0:
		return fmt.Errorf("preprocess: network image of %d x %d pixels, want at least 1 x 1", c.Size.Width, c.Size.Height)
	case c.Source.Width <= 0 || c.Source.Height <= 0:
		return fmt.Errorf("preprocess: training's images of %d x %d pixels, want at least 1 x 1", c.Source.Width, c.Source.Height)
	case c.Std[0] <= 0 || c.Std[1] <= 0 || c.Std[2] <= 0:
		return errors.New("preprocess: std is not positive")
	}
	if crop := c.Crop(); crop.Size.Width < 1 || crop.Size.Height < 1 {
		return fmt.Errorf("preprocess: training's images of %d x %d pixels scale to nothing", c.Source.Width, c.Source.Height)
	}
	return nil
}
