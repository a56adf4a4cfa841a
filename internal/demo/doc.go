// Package demo shows the whole path at work: it renders a drive, sends its images
// over an embedded NATS server to the service, takes the detections from there,
// grades them with the nuScenes metric and draws them.
//
//	d, err := demo.Run(ctx, detector, demo.Options{Out: "out/demo", Frames: 20, Seed: 1000, …})
//	err = d.Write(os.Stdout) // a table, and where the files are
package demo
