package synth

import (
	"fmt"
	"math"
	"runtime"
)

// Version is the tables' folder and the version to open them by.
const Version = "v1.0-synth"

// keyRate is the rate of key frames, which nuScenes fixes.
const keyRate = 2.0

// Options are what to render.
type Options struct {
	Seed   uint64
	Drives int     // at least 1
	Frames int     // key frames of each drive, at least 1
	Rate   float64 // images of each camera per second; a multiple of 2, 0 meaning 2
	Window *Window // nil for full images of 1600 x 900
	Depth  bool    // also write depth/<CAM>/<name>.png
	Jobs   int     // goroutines; 0 meaning GOMAXPROCS
}

// Window has images rendered as if they had been resized by Scale and cropped
// at (Left, Top): a pixel o shows the full image's (o+Left+1/2)/Scale - 1/2.
// The tables describe these images: their size and their intrinsics.
type Window struct {
	Width, Height int
	Scale         float64
	Left, Top     int
}

// ParseWindow reads WIDTHxHEIGHT@SCALE+LEFT+TOP.
func ParseWindow(s string) (*Window, error) {
	var w Window
	if _, err := fmt.Sscanf(s, "%dx%d@%g+%d+%d", &w.Width, &w.Height, &w.Scale, &w.Left, &w.Top); err != nil {
		return nil, fmt.Errorf("synth: window %q is not WIDTHxHEIGHT@SCALE+LEFT+TOP, for example 352x128@0.24+16+88", s)
	}
	if err := w.validate(); err != nil {
		return nil, err
	}
	return &w, nil
}

func (w *Window) validate() error {
	switch {
	case w.Width <= 0 || w.Height <= 0 || w.Width > 4*imageWidth || w.Height > 4*imageHeight:
		return fmt.Errorf("synth: window size %d x %d is not between 1 x 1 and %d x %d", w.Width, w.Height, 4*imageWidth, 4*imageHeight)
	case !(w.Scale > 0) || w.Scale > 4:
		return fmt.Errorf("synth: window scale %g is not between 0 and 4", w.Scale)
	}
	return nil
}

// size is the images' size, that of full ones without a window.
func (w *Window) size() (width, height int) {
	if w == nil {
		return imageWidth, imageHeight
	}
	return w.Width, w.Height
}

// withDefaults puts in what zero values mean.
func (o Options) withDefaults() Options {
	if o.Rate == 0 {
		o.Rate = keyRate
	}
	if o.Jobs == 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	return o
}

// Validate returns an error saying which option cannot be, and what could.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch per := o.Rate / keyRate; {
	case o.Drives < 1 || o.Frames < 1:
		return fmt.Errorf("synth: %d drives of %d frames: both must be at least 1", o.Drives, o.Frames)
	case !(per >= 1) || per > 50 || per != math.Trunc(per):
		return fmt.Errorf("synth: rate %g Hz is not a multiple of %g between %g and %g", o.Rate, keyRate, keyRate, 50*keyRate)
	case o.Jobs < 1:
		return fmt.Errorf("synth: %d jobs: must be at least 1", o.Jobs)
	}
	if o.Window != nil {
		return o.Window.validate()
	}
	return nil
}
