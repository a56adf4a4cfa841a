// Package quant makes 8-bit graphs of a bundle's float32 ones, with a recording in
// nuScenes' format that shows how large their values get.
//
//	float, err := quant.Float(b)              // and the faster form of its graphs
//	stats, err := quant.Calibrate(ctx, float, drives, quant.Calibration{Frames: 96})
//	eight, err := quant.Quantise(float, stats, quant.Options{})
//	loss, err := quant.Loss(ctx, float, eight, others)
//
// Calibration runs the service's own pipeline over drives in order, so that the history
// fills as in use. A recurrent detector's values depend on how many frames it remembers, as a
// diffusion model's depend on the time step; as there (Q-Diffusion, arXiv 2302.04304,
// section 4), the frames that set the ranges are spread equally over that: strata of the
// history's depth, in drives as recorded, with a camera missing, and with frames lost.
// Of each tensor a histogram is kept, whose size does not depend on the number of
// frames.
package quant
