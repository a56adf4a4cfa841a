package pipeline

import (
	"fmt"
	"runtime"
	"time"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
)

// AsModel leaves the mode or the time of history to the bundle, which records how
// it was trained.
const AsModel = "model"

// Options are a Detector's; zero values stand for the defaults.
type Options struct {
	History      string        // recursive, direct or AsModel, which is the default
	Time         string        // counted, measured or AsModel, which is the default
	MaxGap       time.Duration // between sets, above which history starts anew; default 5 s
	Providers    []string      // ONNX Runtime's, in order of preference; default cpu
	Threads      int           // default the processors that Go uses
	Kernels      isa.Set       // default generic
	Observer     Observer      // may be nil
	KeepFeatures bool          // show the observer the aligned history; costs its resampling once more
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxGap == 0 {
		o.MaxGap = 5 * time.Second
	}
	if len(o.Providers) == 0 {
		o.Providers = []string{"cpu"}
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.MaxGap < 0 || o.Threads < 0 {
		return o, fmt.Errorf("pipeline: gap %v and %d threads must not be negative", o.MaxGap, o.Threads)
	}
	return o, onnx.CheckProviders(o.Providers)
}

// modes returns how history is aligned and timed: as the options have it, else as
// the manifest has it, else as in the reference.
func (o *Options) modes(m *model.History) (history.Mode, history.Clock, error) {
	mode, err := history.ParseMode(choose(o.History, m.Mode, history.Recursive.String()))
	if err != nil {
		return 0, 0, err
	}
	clock, err := history.ParseClock(choose(o.Time, m.Time, history.Counted.String()))
	return mode, clock, err
}

func choose(asked, trained, reference string) string {
	if asked != "" && asked != AsModel {
		return asked
	}
	if trained != "" {
		return trained
	}
	return reference
}
