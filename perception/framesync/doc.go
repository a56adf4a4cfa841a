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
// # Sets
//
// Frames that name a key frame are grouped by it. A set of a key frame is complete when
// every camera of the rig has a frame in it and all its poses are known. It leaves at
// once, and incomplete sets before it leave with it; an incomplete set leaves at its
// deadline, counted from the arrival of its first frame.
//
// Other frames make one set at each beat of the rig. The beat is the upper median of
// the living cameras' periods, so that one fast camera does not set the pace, and
// a camera lives while its silence is shorter than two periods and the deadline. A set
// takes from each camera the frame nearest to its instant, the median of the captures,
// no two farther apart than Spread. What lies between beats is surplus, unless every
// camera has a frame there: uneven periods are no reason to lose a set.
//
// A set leaves when every camera's frame is in it and all poses are known, or when no
// other frame can come, or at its deadline, but not before its beat is due. A set with
// fewer than half of the living cameras is not worth a beat: it waits a period longer
// for a fuller one, which takes its place. At the start of a stream it waits for
// 1.2 s, until the periods are known. A set with a smaller share of the rig's cameras
// than MinShare is dropped; by default, one camera is enough if the others are gone. If
// more than Pending sets wait, the emptiest that is not worth a beat goes, the oldest of
// those; if all are worth one, or will be when frames on their way have come, the first
// leaves before its time.
// docs/adr/0012-beats.md has the reasons, with pictures.
//
// # Poses
//
// The pose of a frame is its own, if it has one, and the pose of a set is that of
// its key frame, or of its latest frame. Otherwise the pose of a time is the one sent for
// exactly that time. Without one, it is interpolated between its neighbours if they are
// at most PoseGap apart. A source that has exact poses sends them before the frames they
// are for. A frame still without a pose at its set's deadline is dropped; if none of the set
// has one, there is no set, and its beat is left to the frames that wait. Poses that
// come at the pace of time, but more than a second before the frames of their time, have
// another clock, and none of them is used.
//
// # Time
//
// Each camera has a time line: stamps that go on by no more than the arrivals did and
// Jump. A frame off its line is held. If most of the cameras that send have one, time has
// jumped: the held frames begin a sequence, whose first set says so, and nothing is lost.
// This takes as long as it takes most cameras to send a frame: at most one period. So it
// has if nothing but held frames comes for a beat and the deadline, since a publisher may
// wait for their result; a frame ahead must have a pose for that. If the camera's next
// frame goes on from the held one, its own clock has jumped. If it does not, the held
// frame is dropped. If no frame can become part of a set for a beat and the deadline, or
// most cameras are far from the sets, a sequence begins as well: frames of a valid rig
// with poses lead to a set within two beats (1.2 s at the start of a stream, if that is
// longer) and the deadline, whatever came before. Poses follow the frames to a new line,
// or go there after three in a row; those of the old line are forgotten.
//
// Cameras' clocks are compared with each other, by the frames that came when those
// of a set did. A camera whose clock differs from the rig's median by more than Deadline
// is off: none of its frames is used until the difference is gone. It is found after two
// sets. One that is behind but fits the sets' instants is late, not off. Until then, and
// for single frames, a window takes none that came earlier than the others of its time by
// more than Deadline, or later: at some rates such frames fall together with those of
// another instant. It takes three to tell, of the window's cameras and the set before.
//
// Stamps that are missing, negative, beyond the year 2200 or in seconds, milliseconds or
// nanoseconds are refused and named, camera by camera; any zero of the time will do. A
// stamp that could be of this century in seconds or milliseconds must first go on
// as microseconds do: such a stream loses a frame of each camera. A unit that only the
// pace of the stamps gives away is found with each camera's second frame. Sequence
// numbers only say what was lost on the way; two frames of a camera with one capture
// time are duplicates.
//
// A recording in stream time has no arrivals: nothing is compared with them, and the
// times of key frames are right. Live key frames with an identity come from recordings too:
// their times may be anything that goes on.
//
// # Accounts
//
// Every frame either becomes part of a set or is dropped and counted under its
// [Reason], as are poses and calibrations that cannot be used. Every delivery is
// settled once: with a [Drop] if it is dropped, with nil at once if it is a pose, a
// calibration or a reset, and by the caller, with [Set.Settle], if it is a frame
// of a set. A pose or a frame off its line is settled when it is known what it is.
// [Sync.Health] says what is wrong, in numbers and with what would be right.
package framesync
