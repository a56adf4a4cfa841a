// Package framesync assembles camera frames into time-aligned frame sets.
//
// It is a state machine without a clock: the caller pushes deliveries together
// with the time, reads the next deadline, and calls Advance then. The same
// events at the same times give the same sets.
//
//	s := framesync.New(framesync.Options{})
//	for d := range deliveries {
//		sets := s.Push(d, now())
//		...
//		if at, ok := s.Deadline(); ok {
//			// call s.Advance(at) at that time unless an event comes before
//		}
//	}
//	sets := s.Flush() // at the end
//
// Frames that name a key frame are grouped by it; others are grouped by capture
// time, at most Spread apart, one of each camera. Spread must therefore be
// shorter than the cameras' period.
//
// A set is complete when every camera of the rig has a frame in it and all its
// poses are known. It leaves at once, and incomplete sets before it leave with
// it, so that sets always leave in order of time. An incomplete set leaves at
// its deadline, counted from the arrival of its first frame.
//
// The pose of a frame is its own, if it has one, and the pose of a set is that of
// its key frame. Otherwise the pose of a time is the one sent for exactly that time.
// Without one, it is interpolated between its neighbours if they are at most PoseGap apart. A source that has
// exact poses sends them before the frames they are for. A frame still without
// a pose at its set's deadline is dropped.
//
// Every frame either becomes part of a set or is dropped and counted under its
// [Reason], as are poses and calibrations that cannot be used. Every delivery is
// settled once: with its Reason if it is dropped, with nil at once if it is a pose,
// a calibration or a reset, and by the caller, with [Set.Settle], if it is a frame
// of a set.
package framesync
