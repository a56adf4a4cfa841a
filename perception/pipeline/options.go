package pipeline

import (
	"fmt"
	"runtime"
	"time"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/onnx"
)

// Options are a Pipeline's; zero values stand for the defaults.
type Options struct {
	History      history.Mode  // default history.Recursive, as in training
	Time         history.Clock // default history.Counted, as in training
	MaxGap       time.Duration // between sets, above which history starts anew; default 5 s
	Providers    []string      // ONNX Runtime's, in order of preference; default cpu
	Threads      int           // default the processors that Go uses
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
