// Package framesync assembles camera frames into time-aligned frame sets.
//
// It is a state machine without a clock: the caller hands it deliveries together
// with the time, asks for the next deadline, and comes back then. The same
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
// Frames that name a key time are grouped by it; others are grouped by capture
// time, at most Spread apart, one of each camera. Spread must therefore be
// shorter than the cameras' period.
//
// A set is complete when every camera of the rig has a frame in it and all its
// poses are known; it leaves at once, and incomplete sets before it leave with
// it, so that sets always go out in order of time. An incomplete set leaves at
// its deadline, counted from its first frame's arrival, with what there is.
//
// A pose is the one sent for exactly that time or, failing that, lies between
// the neighbours in time, if they are at most PoseGap apart. A source that has
// exact poses sends them before the frames they are for. A frame still without
// a pose at its set's deadline is dropped.
//
// Nothing is lost silently: every frame and pose either gets into a set or is
// counted under the [Reason] for which it was dropped. Every delivery is settled
// once: what is dropped with its Reason, what leads to no result of its own when
// it is taken, and a set's frames by whoever takes the [Set].
package framesync
