// Package perception is the vocabulary of the detector: what goes in and what
// comes out. It has types and their invariants, and no algorithm.
//
// A [Rig] is a vehicle's calibrated cameras. A camera delivers a [Frame], an
// encoded image with the time and the ego pose of its capture. The frames of
// one instant make a [FrameSet], which package framesync assembles and package
// pipeline turns into a [Result]: the [Detection] list of that instant, with
// the account of what it was made from.
//
//	images ─▶ framesync ─▶ FrameSet ─▶ pipeline.Step ─▶ Result
//	                                     preprocess, stereo, lift, history, decode
//
// A [Source] gives a [Delivery]: an event, the place in the source that it came
// from, and a function that is called once with what the event led to. A [Sink] takes
// a [Moment]: a set together with its result.
//
// Frames of reference. Detections are in the model's frame at the set's time, in
// metres: a place above the ground under the rear axle that the model names, with
// axes that it names; nuScenes' LIDAR_TOP with x right, y forward, z up as a rule. It
// is the same on every vehicle, whatever lidar that has. Times are UTC instants of
// microsecond resolution.
package perception
