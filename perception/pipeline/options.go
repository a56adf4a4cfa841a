package pipeline

import (
	"runtime"
	"strings"
	"time"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// AsModel leaves the mode or the time of history to the bundle, which records how
// it was trained.
const AsModel = "model"

// What the cells have that only cameras without an image look at.
const (
	Keep  = "keep"  // what was there, as long as the history reaches back
	Empty = "empty" // nothing, as the paper and its code have it
)

// Options are a Detector's. Fields that are zero take their default.
type Options struct {
	History      string        // recursive, direct or AsModel
	Time         string        // counted, measured or AsModel
	Storage      string        // of history's planes: float32, bfloat16 or int8
	Lost         string        // Keep or Empty: of lost images
	MaxGap       time.Duration // between sets, above which history starts anew
	Providers    []string      // ONNX Runtime's, in order of preference
	Device       int           // number of the GPU, for the providers that have one
	Threads      int           // 0 for the processors that Go uses
	Overlap      bool          // sets are looked at while others are finished: each half has half of the threads
	Kernels      isa.Set       // default generic
	Observer     Observer      // may be nil
	Feed         Feed          // may be nil
	Encodings    *Encodings    // not to encode an image twice; may be nil
	Images       preprocess.Options
	KeepFeatures bool // show the observer the aligned history; costs its resampling once more
}

// Defaults returns the defaults.
func Defaults() Options {
	return Options{History: AsModel, Time: AsModel, Storage: history.Float32.String(), Lost: Keep, MaxGap: 5 * time.Second, Providers: []string{"cpu"}, Kernels: isa.Generic, Images: preprocess.Defaults()}
}

// Bounds returns what the options must satisfy, without those of Images.
func (o Options) Bounds() []option.Bound {
	return []option.Bound{
		option.OneOf("history", o.History, AsModel, history.Recursive.String(), history.Direct.String()),
		option.OneOf("time", o.Time, AsModel, history.Counted.String(), history.Measured.String()),
		option.OneOf("storage", o.Storage, history.Float32.String(), history.BFloat16.String(), history.Int8.String()),
		option.OneOf("lost", o.Lost, Keep, Empty),
		option.Positive("max_gap", o.MaxGap),
		{Name: "providers", OK: onnx.CheckProviders(o.Providers) == nil, Want: "some of " + strings.Join(onnx.Providers[:], ", ") + ", each once", Got: o.Providers},
		{Name: "device", OK: o.Device >= 0 && o.Device < 64, Want: "the number of a GPU, 0 to 63", Got: o.Device},
		{Name: "threads", OK: o.Threads >= 0 && o.Threads <= 1024, Want: "0 for all cores, or 1 to 1024", Got: o.Threads},
	}
}

func (o Options) filled() (Options, error) {
	o = option.Fill(o, Defaults())
	o.Images = option.Fill(o.Images, preprocess.Defaults())
	if err := option.Check("pipeline", append(o.Bounds(), o.Images.Bounds()...)); err != nil {
		return o, err
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Overlap {
		o.Threads = (o.Threads + 1) / 2
	}
	return o, nil
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
	if asked != AsModel {
		return asked
	}
	if trained != "" {
		return trained
	}
	return reference
}
