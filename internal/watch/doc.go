// Package watch shows a service's messages as they come: each result as one line, each
// change of the service's state, the beginning and the end of each trouble, and the rates
// from time to time.
//
//	w := watch.New(os.Stdout, watch.Options{Score: 0.3})
//	err := w.Run(ctx, results, statuses)
//
//	captured     cams latency past boxes
//	12:03:11.450  6/6  412 ms    8    12  car 0.93 12 m ahead; 7 car, 3 pedestrian …
//	12:03:11.950  5/6  561 ms    8    11  no CAM_BACK; car 0.91 12 m ahead; 7 car …
//
// Captured is the result's time, UTC. Cams are the cameras used, of those of the rig.
// Latency is the time from there to the arrival here; that of a recording with its own
// times is unknown. Past is the number of earlier frames that the result rests on.
// Boxes are those of at least Score.
//
// If nothing comes, Run says so, and what to look at. With Options.JSON each message is
// one JSON object in a line: see [Record].
package watch
