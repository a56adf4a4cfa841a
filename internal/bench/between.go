package bench

import (
	"time"

	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/model"
)

// Between runs the stages between a model's graphs on that many frames, with random
// tensors in place of what the graphs make, and reports on them.
func Between(m *model.Manifest, cameras, frames int, machine Machine, with compute.Resources) (*Report, error) {
	stages, err := newWorkload(m, cameras, with).all()
	if err != nil {
		return nil, err
	}
	r := &Report{Machine: machine, Model: m.Name + " with random tensors", Cameras: cameras, Frames: frames - WarmUp}
	r.measure(stages, frames)
	return r, nil
}

// measure runs the stages on the frames, the first ones uncounted.
func (r *Report) measure(stages []*stage, frames int) {
	measured := map[*stage]*series{}
	for _, s := range stages {
		r.list(s, s.beside, measured)
	}
	for frame := range frames {
		total := 0.0
		for _, s := range stages {
			ms, _ := s.measure(frame, measured)
			if !s.beside {
				total += ms
			}
		}
		if frame >= WarmUp {
			r.frames = append(r.frames, total)
		}
	}
	for s, m := range measured {
		if s.cost != nil {
			c := s.cost()
			m.cost = &c
		}
	}
}

// list makes the series of a stage and of its parts.
func (r *Report) list(s *stage, beside bool, measured map[*stage]*series) {
	m := &series{name: s.name, kernels: s.kernels, beside: beside}
	measured[s] = m
	r.stages = append(r.stages, m)
	for _, p := range s.parts {
		r.list(p, true, measured)
	}
}

// measure runs a stage on a frame, and returns its milliseconds and allocations.
func (s *stage) measure(frame int, measured map[*stage]*series) (ms, allocs float64) {
	if s.ready != nil {
		s.ready(frame)
	}
	if s.run != nil {
		before, began := mallocs(), time.Now()
		s.run(frame)
		ms = milliseconds(time.Since(began))
		allocs = float64(mallocs() - before)
	}
	for _, p := range s.parts {
		t, a := p.measure(frame, measured)
		ms, allocs = ms+t, allocs+a
	}
	if frame >= WarmUp {
		measured[s].add(ms, allocs)
	}
	return ms, allocs
}
