// Package history keeps the bird's-eye planes of past frames and gives the head
// its input: the long-term, coarse part of SOLOFusion (arXiv 2210.02443;
// model spec, section 5).
//
// A [Ring] is one rig's history: T planes with the poses of their grids. A
// [Convolution] has the weights and the buffers, and serves any number of rings.
// Its Step aligns a ring's planes with the current frame, appends their age
// through the time convolution, writes current and past planes side by side, and
// then replaces the oldest plane by the current one.
//
//	c, err := history.New(cfg, weights, with) // the kernels and the pool
//	ring := c.NewRing()
//	…
//	reach := c.Step(ring, history.Frame{Feature: bev, GlobalFromGrid: pose, Time: t, First: start}, history.Stack{U8: input, Scale: s})
//	// input: 1 Y X (T+1)·C, current frame first, then the past from the newest
//
// The time convolution is 1x1 over the C channels and the age. Resampling is
// linear, so its feature columns W commute with it: W f is what is stored, one
// product for each frame, and age · w + bias, ReLU and quantisation are applied
// on reading.
//
// Modes. Recursive resamples the stored planes at every step, so that a plane
// of age n has been resampled n times: what released weights were trained with.
// Direct keeps the planes as they came and resamples each once, from where it
// was seen. Ages are counted in frames times the period, as the reference has
// it, or measured between capture times.
//
// A model without history has no time convolution: with no frames the stack is
// the current plane as it is, negative values included.
//
// At a sequence's first frame every slot is a copy of the current plane. Poses
// enter as float64 and meet only in products of one frame with another. Results
// do not depend on the number of goroutines; Step does not allocate.
package history
