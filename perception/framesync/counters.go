package framesync

// Reason is why a delivery was dropped. It is the error that the delivery is
// settled with.
type Reason int

// The reasons. Their names are stable: metrics and status messages use them.
const (
	UnknownCamera      Reason = iota // a frame of a camera that is not in the rig
	Duplicate                        // a second frame of a camera with the same capture time, number or key frame
	OutOfOrder                       // a frame of a set that has left, or of an earlier one
	NoPose                           // no ego pose for its time came before the deadline
	PoseNotFinite                    // an ego pose with NaN, infinity or a zero quaternion, or a frame that has one
	PoseConflict                     // a second, different ego pose for one time
	BeforeCalibration                // a frame before the first usable calibration
	InvalidCalibration               // a calibration that perception.Rig.Validate refuses
	ClockJump                        // a time far from that of the frames before it; never of a recording's key frame
	Unfinished                       // a frame of a set that Discard dropped

	reasons
)

var reasonNames = [reasons]string{
	"unknown_camera", "duplicate", "out_of_order", "no_pose", "pose_not_finite", "pose_conflict",
	"before_calibration", "invalid_calibration", "clock_jump", "unfinished",
}

// String returns the reason's stable name.
func (r Reason) String() string { return reasonNames[r] }

// Error returns the name as an error text.
func (r Reason) Error() string { return "framesync: dropped: " + reasonNames[r] }

// Counters count deliveries and sets since New.
type Counters struct {
	Frames     uint64          // that arrived
	Poses      uint64          // that arrived
	Sets       uint64          // that left
	Incomplete uint64          // of Sets, those that lacked a camera
	Dropped    [reasons]uint64 // frames, poses and calibrations, by Reason
}

// Drops calls yield with each reason's name and count, in the order of the
// reasons, zeros included.
func (c *Counters) Drops(yield func(reason string, n uint64) bool) {
	for r, n := range c.Dropped {
		if !yield(reasonNames[r], n) {
			return
		}
	}
}
