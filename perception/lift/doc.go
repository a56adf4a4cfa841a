// Package lift turns depth distributions and image features into a bird's-eye
// plane (Lift-Splat as SOLOFusion has it; model spec, section 4).
//
// Every coarse pixel and depth bin is a point of space that carries the pixel's
// context vector, weighted by the bin's probability. The plane holds, for each
// cell of the grid, the sum over the points in it.
//
//	l, err := lift.New(cfg, with)           // the kernels and the pool
//	var table lift.Table                    // one rig's
//	…
//	l.Place(&table, cameras)                // where the points are; cheap if nothing moved
//	l.Splat(&table, depth, context, bevRaw) // N h w D, N h w C → 1 Y X C
//
// Which cell a point falls into depends on the calibration and, with capture
// times of their own, on the vehicle's motion between the exposures and the key
// frame. Place builds the table of all points, by pixel, whenever any of these
// numbers changed. A camera without an image is left out.
//
// A point's cell is found in float64, in the model's frame, by truncation towards
// zero: a coordinate up to one cell below the grid's lower bound falls into the
// first cell, as in the reference. A cell is summed by one goroutine, in the order of
// camera, column, row and depth, so the plane does not depend on their number. Neither
// method allocates once it has seen the largest number of cameras.
package lift
