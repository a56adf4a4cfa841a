// Package demo demonstrates the whole service: it renders a drive, sends its images
// over an embedded NATS server to the service, receives the detections, grades them
// with the nuScenes metric and draws them.
//
//	d, err := demo.Run(ctx, detector, demo.Options{Out: "out/demo", Frames: 20, Seed: 1000, …})
//	err = d.Write(os.Stdout) // a table, and the paths of the files
package demo
