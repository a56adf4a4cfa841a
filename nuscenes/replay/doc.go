// Package replay turns recorded scenes into the detector's events, and its
// results into rows of a nuScenes results file.
//
//	source, err := replay.NewSource(ds, ds.Scenes, replay.Options{Cameras: cameras})
//	rows, err := replay.NewRows(ds.Samples)
//	for {
//		d, err := source.Next(ctx) // what a live vehicle would have sent
//		...                        // detect
//		err = rows.Publish(ctx, moment)
//	}
//	err = rows.Results().WriteFile("results.json")
//
// [Source] sends, for each sample of each scene in order: the rig where it
// differs from the last one sent, the ego poses at the cameras' capture times
// and at the key time, then the cameras' images by capture time. Scenes are
// separated by a reset. An image whose file is absent is counted, said, and
// left out; a sample without any image sends nothing. A source can resume after
// any sample, and then sends what it would have sent from there on.
//
// [Inject] wraps any source and adds the faults of the road to it: cameras
// that fail, frames that are lost, late, or stamped wrongly. They depend on the seed
// alone.
//
// [Pace] wraps any source so that its frames come no sooner than on the road.
//
// [Rows] is the way back: it finds the sample of each result by its key time
// and turns boxes from the lidar frame to the global one.
package replay
