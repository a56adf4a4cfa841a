// Package bench measures the detector's stages on this machine.
//
//	sets, err := bench.Render(ctx, 12, progress)   // a drive of full-size images
//	r := bench.NewReport(&bundle.Manifest, 6)
//	d, err := pipeline.New(bundle, pipeline.Options{Observer: r})
//	err = r.Measure(d, sets)
//	err = r.WriteTable(os.Stdout)
//
// A report has, for each stage, the median milliseconds of a frame of all
// cameras, its share of the frame, its allocations and, if the manifest gives
// them, the bytes and floating-point operations that it cannot do without.
package bench
