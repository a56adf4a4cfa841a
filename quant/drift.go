package quant

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// Only returns the options that leave all graphs but one float32.
func Only(b *model.Bundle, g model.Graph) (Options, error) {
	o := Options{Keep: Keep{}}
	for _, name := range model.Graphs() {
		list, err := layers(b, name, nil)
		if err != nil {
			return o, fmt.Errorf("model: %s: %w", name, err)
		}
		for _, l := range list {
			if name != g {
				o.Keep = o.Keep.with(name, l.Name)
			}
		}
	}
	return o, nil
}

// Apart is how far the stacks of two bundles are apart in a set: the root of the squared
// difference over that of the first one's values.
type Apart struct{ Newest, Oldest float64 } // slots of the stack

// Drift goes through a drive with two bundles, whose planes are resampled in each set, and returns
// how far apart what their heads read is, set by set.
func Drift(ctx context.Context, a, b *model.Bundle, d Drive, o Run) (all []Apart, err error) {
	want, err := newStackObserver(a, o)
	if err != nil {
		return nil, err
	}
	got, err := newStackObserver(b, o)
	if err != nil {
		return nil, errors.Join(err, want.Close())
	}
	defer func() { err = errors.Join(err, want.Close(), got.Close()) }()
	m, n := want.NewMemory(), got.NewMemory()
	err = d.each(ctx, recorded, func(_ int, set *perception.FrameSet) error {
		if _, err := want.Step(m, set); err != nil {
			return err
		}
		if _, err := got.Step(n, set); err != nil {
			return err
		}
		slot := a.Manifest.Features.Context
		width := (a.Manifest.History.Frames + 1) * slot
		all = append(all, Apart{
			Newest: apart(got.values, want.values, width, 0, slot),
			Oldest: apart(got.values, want.values, width, width-slot, width),
		})
		return nil
	})
	return all, err
}

// apart compares the channels from and to of arrays whose last axis has that many.
func apart(got, want []float32, width, from, to int) float64 {
	return math.Sqrt(noise(channels(got, width, from, to), channels(want, width, from, to)))
}

// channels returns the numbers of some channels.
func channels(data []float32, width, from, to int) (some []float32) {
	for at := 0; at < len(data); at += width {
		some = append(some, data[at+from:at+to]...)
	}
	return some
}

// stackObserver is a detector in recursive mode that keeps what its head has read last.
type stackObserver struct {
	*pipeline.Detector
	values []float32
}

func newStackObserver(b *model.Bundle, o Run) (s *stackObserver, err error) {
	s = new(stackObserver)
	s.Detector, err = pipeline.New(b, pipeline.Options{Threads: o.Threads, Kernels: o.Kernels, History: "recursive", Observer: s})
	return s, err
}

// Begin implements [pipeline.Observer].
func (*stackObserver) Begin(string) {}

// End implements [pipeline.Observer].
func (s *stackObserver) End(stage string, outputs func() []pipeline.Output) {
	if stage != pipeline.History {
		return
	}
	for _, out := range outputs() {
		if out.Name == pipeline.Stack {
			s.values = append(s.values[:0], out.Values().Data...)
		}
	}
}
