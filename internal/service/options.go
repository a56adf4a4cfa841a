package service

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Options configure a Service. Fields that are zero take their default. Tags are
// the keys of the configuration.
type Options struct {
	Queue        int           `yaml:"queue"`         // largest number of sets that wait for the detector
	Rate         float64       `yaml:"rate"`          // of results, Hz; 0 for the sets' own
	StatusPeriod time.Duration `yaml:"status_period"` // between status messages
	StaleAfter   time.Duration `yaml:"stale_after"`   // without results until they are said to have stopped; the shortest hold of a trouble
	Drain        time.Duration `yaml:"drain"`         // time to finish after Run's context is done
	Stall        time.Duration `yaml:"stall"`         // duration of a step from which the service is unhealthy
	Overlap      bool          `yaml:"overlap"`       // a set is looked at while the one before is finished: more sets, each a little later

	Sync     framesync.Options `yaml:"-"`
	Lossless bool              `yaml:"-"` // for recordings: wait instead of dropping, deadlines in the frames' own time
	Log      *slog.Logger      `yaml:"-"` // default slog.Default
	Rig      string            `yaml:"-"` // label of all metrics
	Version  string            `yaml:"-"` // of the program
	Link     Link              `yaml:"-"` // of the source; nil if it has none
	Trace    func(*Way)        `yaml:"-"` // called with each set's way once it has a result or is lost; nil for none
}

// Link is a source's connection.
type Link interface {
	Down() error  // why nothing can come, nil if something can
	Waiting() int // messages that wait for the service
}

// Defaults returns the defaults.
func Defaults() Options {
	return Options{
		Queue:        1,
		StatusPeriod: time.Second,
		StaleAfter:   3 * time.Second,
		Drain:        10 * time.Second,
		Stall:        30 * time.Second,
		Sync:         framesync.Defaults(),
		Log:          slog.Default(),
	}
}

// leastRate has an interval over which history goes on, however the sets lie about its
// beats: see MaxGap of the pipeline's options.
const leastRate = 0.25

// Bounds returns what the options must satisfy, without those of Sync.
func (o Options) Bounds() []option.Bound {
	return []option.Bound{
		option.Within("queue", o.Queue, 1, 1024),
		{Name: "rate", OK: o.Rate == 0 || o.Rate >= leastRate && o.Rate <= 100, Want: fmt.Sprintf("0 for the sets' own, or %g to 100 Hz: history begins anew after a longer gap", leastRate), Got: o.Rate},
		option.Between("status_period", o.StatusPeriod, 10*time.Millisecond, time.Hour),
		option.Between("stale_after", o.StaleAfter, 2*pulse, time.Hour),
		option.Between("drain", o.Drain, time.Millisecond, time.Hour),
		option.Between("stall", o.Stall, pulse, 24*time.Hour),
	}
}

// limits returns those of the state. Results that are asked for at a low rate are not late
// before the second is missing.
func (o Options) limits() limits {
	l := limits{o.StaleAfter, o.Stall}
	if o.Rate > 0 {
		l.stale = max(l.stale, time.Duration(2/o.Rate*float64(time.Second)))
	}
	return l
}

func (o Options) filled() Options {
	o = option.Fill(o, Defaults())
	o.Sync.StreamTime = o.Lossless
	return o
}
