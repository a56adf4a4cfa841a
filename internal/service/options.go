package service

import (
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
	StatusPeriod time.Duration `yaml:"status_period"` // between status messages, and between log lines about drops
	Drain        time.Duration `yaml:"drain"`         // time to finish after Run's context is done
	Stall        time.Duration `yaml:"stall"`         // duration of a step from which the service is unhealthy

	Sync     framesync.Options `yaml:"-"`
	Lossless bool              `yaml:"-"` // for recordings: wait instead of dropping, deadlines in the frames' own time
	Log      *slog.Logger      `yaml:"-"` // default slog.Default
}

// Defaults returns the defaults.
func Defaults() Options {
	return Options{
		Queue:        2,
		StatusPeriod: time.Second,
		Drain:        10 * time.Second,
		Stall:        30 * time.Second,
		Sync:         framesync.Defaults(),
		Log:          slog.Default(),
	}
}

// Bounds returns what the options must satisfy, without those of Sync.
func (o Options) Bounds() []option.Bound {
	return []option.Bound{
		option.Within("queue", o.Queue, 1, 1024),
		{Name: "rate", OK: o.Rate == 0 || o.Rate >= 0.1 && o.Rate <= 100, Want: "0 for the sets' own, or 0.1 to 100 Hz", Got: o.Rate},
		option.Positive("status_period", o.StatusPeriod),
		option.Positive("drain", o.Drain),
		option.Positive("stall", o.Stall),
	}
}

func (o Options) filled() Options {
	o = option.Fill(o, Defaults())
	o.Sync.StreamTime = o.Lossless
	return o
}
