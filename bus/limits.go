package bus

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/perception"
)

// Limits are what a source takes of one rig. What is over them is dropped, counted as
// over_limit, and said. Fields that are zero take their default.
type Limits struct {
	Cameras    int `yaml:"cameras"`     // of a calibration
	ImageBytes int `yaml:"image_bytes"` // of one image as it is sent
	FrameRate  int `yaml:"frame_rate"`  // frames a second of one camera
	PoseRate   int `yaml:"pose_rate"`   // ego poses a second
}

// DefaultLimits returns the defaults.
func DefaultLimits() Limits {
	return Limits{Cameras: perception.MaxCameras, ImageBytes: 32 << 20, FrameRate: 240, PoseRate: 2000}
}

// Bounds returns what the limits must satisfy.
func (l Limits) Bounds() []option.Bound {
	return []option.Bound{
		option.Within("cameras", l.Cameras, 1, perception.MaxCameras),
		option.Within("image_bytes", l.ImageBytes, 1024, 64<<20),
		option.Within("frame_rate", l.FrameRate, 1, 10_000),
		option.Within("pose_rate", l.PoseRate, 1, 100_000),
	}
}

// maxRates is the largest number of cameras whose rates are measured. Names come from
// outside: those beyond share one rate.
const maxRates = 256

// gate applies limits to events. The zero value has none. It is one goroutine's.
type gate struct {
	limits Limits
	poses  allowance
	frames map[string]*allowance // by camera
}

func newGate(l Limits) *gate { return &gate{limits: l, frames: map[string]*allowance{}} }

// admit returns an error that names the limit that ev is over, nil if it is over none.
func (g *gate) admit(ev perception.Event, now time.Time) error {
	l := &g.limits
	switch e := ev.(type) {
	case *perception.Rig:
		if n := len(e.Cameras); n > l.Cameras {
			return fmt.Errorf("the calibration has %d cameras, limits.cameras is %d", n, l.Cameras)
		}
	case perception.EgoPose:
		if !g.poses.take(l.PoseRate, now) {
			return fmt.Errorf("more than %d poses in a second, limits.pose_rate", l.PoseRate)
		}
	case *perception.Frame:
		if n := len(e.Image); n > l.ImageBytes {
			return fmt.Errorf("the image has %d bytes, limits.image_bytes is %d", n, l.ImageBytes)
		}
		if !g.of(e.Camera).take(l.FrameRate, now) {
			return fmt.Errorf("more than %d frames of the camera in a second, limits.frame_rate", l.FrameRate)
		}
	}
	return nil
}

func (g *gate) of(camera string) *allowance {
	a := g.frames[camera]
	if a == nil && len(g.frames) >= maxRates {
		camera = ""
		a = g.frames[camera]
	}
	if a == nil {
		a = &allowance{}
		g.frames[camera] = a
	}
	return a
}

// allowance lets a number of events pass in a second, and as many at once after a
// pause, such as a reconnection's.
type allowance struct {
	left float64
	at   time.Time // of left; zero before the first event
}

func (a *allowance) take(rate int, now time.Time) bool {
	most := float64(rate)
	if a.at.IsZero() {
		a.left = most
	} else {
		a.left = min(most, a.left+most*now.Sub(a.at).Seconds())
	}
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
