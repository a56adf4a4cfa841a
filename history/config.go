package history

import (
	"fmt"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
)

// Mode selects when planes are resampled.
type Mode int

const (
	Recursive Mode = iota // at every frame that they are back
	Direct                // once, from the frame in which they were seen
)

var modes = [...]string{Recursive: "recursive", Direct: "direct"}

// String returns the mode's name.
func (m Mode) String() string { return modes[m] }

// ParseMode returns the mode of that name.
func ParseMode(name string) (Mode, error) {
	for i, n := range modes {
		if n == name {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("history: mode %q, want recursive or direct", name)
}

// Clock selects what a plane's age is.
type Clock int

const (
	Counted  Clock = iota // the frame's place among the earlier ones times the period
	Measured              // seconds between capture times
)

var clocks = [...]string{Counted: "counted", Measured: "measured"}

// String returns the clock's name.
func (c Clock) String() string { return clocks[c] }

// ParseClock returns the clock of that name.
func ParseClock(name string) (Clock, error) {
	for i, n := range clocks {
		if n == name {
			return Clock(i), nil
		}
	}
	return 0, fmt.Errorf("history: time %q, want counted or measured", name)
}

// Config has the numbers of the model, and the modes.
type Config struct {
	Grid         geom.Grid // of a plane, in the model's frame
	Channels     int       // of a cell
	Frames       int       // in the history, T; with 0 the stack is the current plane as it is
	Period       float64   // seconds between counted frames
	Mode         Mode
	Clock        Clock
	Storage      Storage
	KeepFeatures bool // for Features: keep the planes as they came, too
}

// Weights are the time convolution's, its batch norm folded; not looked at if
// there is no history.
type Weights struct {
	Weight []float32 // C x C, row major, one row for each output: the feature columns
	Age    []float32 // C: the age's column, per second
	Bias   []float32 // C
}

func (c *Config) validate() error {
	switch {
	case c.width() < 1 || c.height() < 1 || c.Channels < 1:
		return fmt.Errorf("history: grid x %v, y %v with %d channels has no cells", c.Grid.X, c.Grid.Y, c.Channels)
	case c.Frames < 0:
		return fmt.Errorf("history: %d frames, want 0 or more", c.Frames)
	case !(c.Period > 0):
		return fmt.Errorf("history: period of %v s, want a positive number", c.Period)
	}
	return nil
}

// width and height of a plane, cells.
func (c *Config) width() int  { return c.Grid.X.Cells() }
func (c *Config) height() int { return c.Grid.Y.Cells() }

// size is the number of values of a plane.
func (c *Config) size() int { return c.Grid.Cells() * c.Channels }

func (w *Weights) validate(channels int) error {
	for _, p := range []struct {
		name      string
		got, want int
	}{
		{"weight", len(w.Weight), channels * channels}, {"age", len(w.Age), channels}, {"bias", len(w.Bias), channels},
	} {
		if p.got != p.want {
			return fmt.Errorf("history: time.%s has %d numbers, want %d", p.name, p.got, p.want)
		}
	}
	return nil
}

// affine maps (x, y) to (xx x + xy y + x1, yx x + yy y + y1).
type affine struct{ xx, xy, x1, yx, yy, y1 float64 }

// line returns where the cells of row y go.
func (a *affine) line(y int) kernel.Line {
	v := float64(y)
	return kernel.Line{X: float64(a.xy*v) + a.x1, Y: float64(a.yy*v) + a.y1, DX: a.xx, DY: a.yx}
}

// cells returns the map from current cells to past ones. Cell i stands for
// origin + cell · i metres at z = 1, as in the reference.
func (c *Config) cells(pastFromCurrent geom.Pose) affine {
	r, t := pastFromCurrent.R, pastFromCurrent.T
	x, y := c.Grid.X, c.Grid.Y
	return affine{
		xx: r[0],
		xy: r[1] * y.Step() / x.Step(),
		x1: (float64(r[0]*x.Min()) + float64(r[1]*y.Min()) + r[2] + t[0] - x.Min()) / x.Step(),
		yx: r[3] * x.Step() / y.Step(),
		yy: r[4],
		y1: (float64(r[3]*x.Min()) + float64(r[4]*y.Min()) + r[5] + t[1] - y.Min()) / y.Step(),
	}
}
