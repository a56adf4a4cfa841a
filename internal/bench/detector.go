package bench

import (
	"time"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// Observer measures a detector's stages. It is the detector's observer.
type Observer struct {
	ahead  bool   // stages of two sets run side by side: nothing is measured
	before uint64 // allocations at the stage's beginning
	stages map[string]float64
}

// Begin implements [pipeline.Observer].
func (o *Observer) Begin(string) {
	if !o.ahead {
		o.before = mallocs()
	}
}

// End implements [pipeline.Observer].
func (o *Observer) End(stage string, _ func() []pipeline.Output) {
	if o.ahead {
		return
	}
	if o.stages == nil {
		o.stages = map[string]float64{}
	}
	o.stages[stage] = float64(mallocs() - o.before)
}

// Detector steps through the sets with a detector of that bundle and observer, and reports
// on all its stages; with Overlap it goes through them again, each set looked at while the
// one before is finished.
func Detector(d *pipeline.Detector, o *Observer, b *model.Bundle, sets []*perception.FrameSet, machine Machine) (r *Report, err error) {
	cameras := len(sets[0].Frames)
	r = &Report{Machine: machine, Model: b.ID(), Cameras: cameras, Frames: len(sets) - WarmUp, rate: true}
	mode, _ := d.Modes()
	known, kernels := costs(&b.Manifest, cameras, mode, d.Storage()), d.Kernels()
	for _, name := range pipeline.Stages {
		s := &series{name: name, kernels: kernels[name]}
		if c, ok := known[name]; ok {
			s.cost = &c
		}
		r.stages = append(r.stages, s)
	}
	forgetPeak()
	m := d.NewMemory()
	for i, set := range sets {
		result, err := d.Step(m, set)
		if err != nil {
			return nil, err
		}
		if i >= WarmUp {
			r.add(result.StageDurations, o.stages)
		}
	}
	r.peak = peakMemory()
	if d.Overlap() {
		o.ahead = true
		r.ahead, err = lookAhead(d, sets)
	}
	return r, err
}

// ahead is what frames take when each is looked at while the one before is finished.
type ahead struct {
	latencies []float64 // milliseconds
	fps       float64
}

// lookAhead steps through the sets so.
func lookAhead(d *pipeline.Detector, sets []*perception.FrameSet) (a ahead, err error) {
	type glance struct {
		*pipeline.Glance
		began time.Time
	}
	m, looked := d.NewMemory(), make(chan glance)
	go func() {
		defer close(looked)
		for _, set := range sets {
			began := time.Now()
			looked <- glance{d.Look(m, set), began}
		}
	}()
	var start time.Time
	n := 0
	for g := range looked {
		if _, failed := g.Finish(); failed != nil {
			err = failed
		}
		n++
		if n == WarmUp {
			start = time.Now()
		}
		if n > WarmUp {
			a.latencies = append(a.latencies, milliseconds(time.Since(g.began)))
		}
	}
	a.fps = float64(len(a.latencies)) / time.Since(start).Seconds()
	return a, err
}

// add takes a frame's numbers.
func (r *Report) add(times map[string]time.Duration, allocs map[string]float64) {
	frame := 0.0
	for _, s := range r.stages {
		ms := milliseconds(times[s.name])
		frame += ms
		s.add(ms, allocs[s.name])
	}
	r.frames = append(r.frames, frame)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
