// Package history keeps the bird's-eye planes of past frames and gives the head
// its input: the long-term, coarse part of SOLOFusion (arXiv 2210.02443;
// model spec, section 5).
//
// A [Ring] is one rig's history: planes with the poses of their grids and their
// times. A [Convolution] has the weights and the buffers, and serves any number of
// rings. Its Step aligns the planes of T earlier frames with the current one, appends
// their age through the time convolution, writes current and past planes side by side,
// and then takes the current plane into the ring. Which planes are stacked and which
// stay is the caller's choice, since a stream may be faster than the model.
//
//	c, err := history.New(cfg, weights, with) // the kernels and the pool
//	ring := c.NewRing()
//	…
//	reach := c.Step(ring, history.Frame{
//		Feature: bev, GlobalFromGrid: pose, Time: t,
//		Earlier: []int{0, 2, 4}, Keep: []int{0, 1, 2, 3, 4}, // of the ring's planes, newest first
//	}, history.Stack{U8: input, Scales: []float32{s}})
//	// input: 1 Y X (T+1)·C, current frame first, then the past from the newest
//
// The time convolution is 1x1 over the C channels and the age. Resampling is
// linear, so its feature columns W commute with it: W f is what is stored, one
// product for each frame, and age · w + bias, ReLU and quantisation are applied
// on reading.
//
// Modes. Recursive resamples the planes again and again, as released weights were
// trained: a plane that is n frames back has been resampled n times, or once more if
// several frames in a row see it n frames back. Direct keeps the planes as they
// came and resamples each once, from where it was seen. Ages are counted, the place
// in the stack times the period, as the reference has it, or measured between
// capture times.
//
// Cells of the current frame of which nothing was seen ([Frame.Lost], the views of cameras
// without an image) take what the newest plane has there, as if it stood still, in the
// stack and in the ring. It may be taken on from frame to frame; for how long is the
// caller's choice.
//
// A model without history has no time convolution: with no frames the stack is
// the current plane as it is, negative values included.
//
// If there are fewer than T earlier frames, the oldest stands for those that are
// absent, with its age, and the current one with age 0 if there is none. Poses
// enter as float64 and meet only in products of one frame with another. Results
// do not depend on the number of goroutines; Step does not allocate.
package history
