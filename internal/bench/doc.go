// Package bench measures the detector's stages against this machine's limits.
//
//	machine := bench.NewMachine(with, threads, bench.Thorough()) // with its limits
//
//	m, err := bench.ManifestOf(bench.SizeR50)      // the published model's numbers
//	r, err := bench.Between(m, 6, 12, machine, with) // the stages between the networks, random tensors
//	r.Machine.MeasureAgain(with, bench.Thorough())
//	err = r.WriteTable(os.Stdout)
//
//	var o bench.Observer
//	sets, err := bench.Render(ctx, 12, progress)   // a drive of full-size images
//	d, err := pipeline.New(bundle, pipeline.Options{Observer: &o})
//	r, err = bench.Detector(d, &o, bundle, sets, machine) // all stages
//
// A report has, for each stage, the median milliseconds of a frame of all
// cameras, its share of the frame and its allocations. Of a stage that needs a known number
// of bytes and of arithmetic operations, it has these, the limit that would bind it
// if nothing else did, and the share of that limit that the stage reaches. A share may
// exceed one where data stays in the caches.
package bench
