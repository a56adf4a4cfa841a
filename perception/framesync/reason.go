package framesync

// Reason is why a delivery was dropped.
type Reason int

// The reasons. Their names are stable: metrics and status messages use them.
const (
	UnknownCamera      Reason = iota // a frame of a camera that is not in the rig
	Duplicate                        // a second frame of a camera with the same capture time or key frame
	OutOfOrder                       // a frame older than one of its camera, or of a key frame that has left
	NoPose                           // no ego pose for its time came before the deadline
	PoseNotFinite                    // an ego pose with NaN, infinity or a quaternion that is no rotation, or a frame that has one
	PoseConflict                     // a second, different ego pose for one time
	BeforeCalibration                // a frame before the first usable calibration
	InvalidCalibration               // a calibration that perception.Rig.Validate refuses
	ClockJump                        // a time far from that of the frames before it, which nothing confirmed
	Unfinished                       // a frame of a set that Discard dropped
	Surplus                          // a frame between beats
	Late                             // a frame whose set has left
	Spread                           // a frame too far from the other cameras' for their set
	ClockOffset                      // a frame of a camera whose clock differs from the others'
	Unit                             // a frame or pose whose time is missing, or in another unit than microseconds
	FewCameras                       // a frame of a set with fewer cameras than MinShare
	Crowded                          // a frame of the emptiest set when more than Pending wait

	reasons
)

var reasonNames = [reasons]string{
	"unknown_camera", "duplicate", "out_of_order", "no_pose", "pose_not_finite", "pose_conflict",
	"before_calibration", "invalid_calibration", "clock_jump", "unfinished",
	"surplus", "late", "spread", "clock_offset", "unit", "few_cameras", "crowded",
}

// String returns the reason's stable name.
func (r Reason) String() string { return reasonNames[r] }

// Error returns the name as an error text.
func (r Reason) Error() string { return "framesync: dropped: " + reasonNames[r] }

// Drop is the error that a dropped delivery is settled with. It unwraps to its
// Reason.
type Drop struct {
	Reason Reason
	Camera string // "" if the delivery is of no camera
	Words  string // numbers, and what would be right; may be ""
}

// Error returns reason, camera and words.
func (d *Drop) Error() string {
	text := d.Reason.Error()
	for _, part := range []string{d.Camera, d.Words} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

// Unwrap returns the Reason.
func (d *Drop) Unwrap() error { return d.Reason }
