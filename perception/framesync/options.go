package framesync

import (
	"time"

	"github.com/solofusion/solofusion/internal/option"
)

// Options configure a Sync. Fields that are zero take their
// default. Tags name the settings.
type Options struct {
	Spread   time.Duration `yaml:"spread"`    // largest difference of capture times within a set
	Deadline time.Duration `yaml:"deadline"`  // from a set's first frame until it leaves incomplete
	PoseGap  time.Duration `yaml:"pose_gap"`  // largest distance of two poses to interpolate between
	Jump     time.Duration `yaml:"jump"`      // largest leap ahead of a camera's time from frame to frame, beyond that of the arrivals
	MinShare float64       `yaml:"min_share"` // smallest share of the rig's cameras in a set; a set with fewer is dropped
	Pending  int           `yaml:"pending"`   // largest number of pending sets; if there are more the emptiest goes or the first leaves
	Poses    int           `yaml:"poses"`     // largest number of ego poses kept

	// StreamTime counts deadlines in the frames' own time and ignores the
	// caller's, so that a recording gives the same sets at any speed. The times of
	// key frames are trusted: no leap is a fault of the clock. A source sends a
	// perception.Reset where they go back.
	StreamTime bool `yaml:"-"`
}

// Defaults returns the defaults.
func Defaults() Options {
	return Options{
		Spread:   60 * time.Millisecond,
		Deadline: 150 * time.Millisecond,
		PoseGap:  200 * time.Millisecond,
		Jump:     10 * time.Second,
		MinShare: 0.01,
		Pending:  16,
		Poses:    4096,
	}
}

// Bounds returns what the options must satisfy.
func (o Options) Bounds() []option.Bound {
	return []option.Bound{
		option.Between("spread", o.Spread, time.Millisecond, time.Hour),
		option.Between("deadline", o.Deadline, time.Millisecond, time.Hour),
		option.Between("pose_gap", o.PoseGap, time.Millisecond, time.Hour),
		option.Between("jump", o.Jump, time.Millisecond, 24*time.Hour),
		{Name: "min_share", OK: o.MinShare > 0 && o.MinShare <= 1, Want: "a share above 0, at most 1", Got: o.MinShare},
		option.Within("pending", o.Pending, 1, 1024),
		option.Within("poses", o.Poses, 2, 1<<20),
	}
}
