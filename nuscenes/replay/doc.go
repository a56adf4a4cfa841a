// Package replay turns recorded scenes into the detector's events, and its
// results into rows of a nuScenes results file.
//
//	source, err := replay.NewSource(ds, ds.Scenes, replay.Options{Cameras: cameras})
//	rows, err := replay.NewRows(ds.Samples)
//	for {
//		d, err := source.Next(ctx) // as from a live vehicle
//		...                        // detect
//		err = rows.Publish(ctx, moment)
//	}
//	err = rows.Results().WriteFile("results.json")
//
// [Source] sends, for each sample of each scene in order: the rig if it
// differs from the last one sent, then the cameras' images by capture time, each
// with the ego pose that its row names, and with its sample as the key frame: token,
// time and pose. Nothing is looked up by time, so that times may repeat, be zero, or
// lie hours apart; [Source] refuses only times that cannot be in microseconds. Scenes
// are separated by a reset, and so are samples of a scene where time does not go on.
// An image whose file is absent is counted, logged and left out; a sample without any
// image sends nothing. A source can resume after any sample, and then sends what it
// would have sent from there on.
//
// With Options.Live the same scenes come as the vehicle sent them: ego poses and images
// by time, the images without key frames and without poses of their own, so that
// whoever takes them must join them by their times.
//
// [Inject] wraps any source and adds faults to it: cameras that fail, frames that
// are lost, reordered or have a wrong capture time. The same seed gives the same
// faults.
//
// [Pace] wraps any source and delivers its frames in real time, or at a multiple
// of it.
//
// [Rows] collects the results: it finds the sample of each result by its token
// and moves boxes from the lidar frame to the global one. [Usage] counts what became
// of the images.
package replay
