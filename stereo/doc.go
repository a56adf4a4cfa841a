// Package stereo finds depth by matching the current images' features against
// an earlier frame's: the short-term, fine part of SOLOFusion (arXiv
// 2210.02443; model spec, section 3).
//
// For every pixel of the coarse map the K most promising depth bins of the
// monocular estimate are kept apart by a Gaussian and tested: the points at
// these depths are projected into the previous frame's cameras, the descriptors
// there are correlated with the pixel's own, and a small network turns the
// correlations into logits that correct the monocular ones.
//
//	m, err := stereo.New(cfg, weights, with) // the kernels and the pool
//	var past stereo.Past                     // one rig's
//	…
//	m.Step(&past, stereo.Frame{Views: views, Before: 0}, monoLogits, depth) // depth: N h w D, probabilities
//	samples := m.Samples()                    // N h w K, the bins that were tested
//
// Maps are channels last: [camera][row][column][channel]. A coarse pixel covers
// a block of pixels of the stereo map. Pixels are those of the network's input
// image, with the centre of stereo pixel x at stride·x + stride/2. Geometry is
// float64, from the current camera to the previous one directly, so that the
// size of global coordinates costs no precision.
//
// The cost is that of the points that are seen. A previous camera is left out where it
// sees nothing of a view, or of a coarse pixel; no cost volume is ever in memory. The
// descriptors of the past are kept in the order that the kernels want (see
// internal/kernel), from which Save restores the one in which they came.
//
// A [Matcher] has the weights and the buffers, and serves any number of rigs. What
// is remembered of a rig is its [Past], some earlier frames. Which of them a frame is
// matched against and which stay is the caller's choice; the first frame of a
// sequence is matched against itself. A camera without an image is left out of
// the views. Results do not depend on the number of goroutines, and Step does not
// allocate once it has seen the largest number of cameras.
package stereo
