package framesync

import "time"

// Trouble is what is wrong, if anything is. Its zero value means that all is well.
type Trouble struct {
	Cause string // a stable word for metrics, one of the Cause constants; "" if all is well
	Words string // numbers and what would be right, without the camera's name
}

// The causes of trouble.
const (
	CauseMissing     = "missing"      // a camera sends nothing
	CauseLate        = "late"         // a camera's frames come after their sets have left
	CauseSlow        = "slow"         // a camera sends fewer frames than the rig has beats
	CauseSpread      = "spread"       // captures are farther apart than sync.spread
	CauseClockOffset = "clock_offset" // a camera's clock differs from the others'
	CauseTimeBack    = "time_back"    // time went back
	CauseTimeAhead   = "time_ahead"   // time jumped ahead
	CauseUnit        = "unit"         // a capture time is missing, or in another unit than microseconds
	CauseStuck       = "stuck"        // a camera repeats one capture time
	CauseFewCameras  = "few_cameras"  // sets have fewer cameras than sync.min_share asks for
	CauseNoPose      = "no_pose"      // no ego pose has come, or none any more
	CausePoseLate    = "pose_late"    // ego poses come after the sets that need them have left
	CausePoseClock   = "pose_clock"   // ego poses have another clock than the frames
	CausePoseGap     = "pose_gap"     // ego poses are farther apart than sync.pose_gap
)

// CameraHealth is what is known of one camera.
type CameraHealth struct {
	Name     string
	Frames   uint64          // that arrived
	Gaps     uint64          // frames lost before they arrived, by their numbers
	Dropped  [reasons]uint64 // frames, by Reason
	Captured time.Time       // capture time of the latest frame; zero before the first
	Arrived  time.Time       // when that came
	Period   time.Duration   // between its frames; 0 if unknown
	Offset   time.Duration   // of its clock, against the rig's median; 0 if unknown
	Late     time.Duration   // by which its latest frame missed its set; 0 if it did not
	Missing  int             // sets in a row that left without it
	Trouble  Trouble
}

// PoseHealth is what is known of the ego poses.
type PoseHealth struct {
	Poses   uint64        // that arrived
	Newest  time.Time     // time of the latest pose; zero before the first
	Arrived time.Time     // when that came
	Period  time.Duration // between poses; 0 if unknown
	Trouble Trouble
}

// Health is the state of the input. Its texts change only if the trouble does, or
// by their numbers.
type Health struct {
	Cameras []CameraHealth // by the rig's cameras
	Poses   PoseHealth
	Period  time.Duration // between sets; 0 if unknown
	Spread  time.Duration // of the captures of the latest sets
	Trouble Trouble       // of the rig as a whole
}

// Health returns the state of the input. The caller owns it.
func (s *Sync) Health() Health {
	var h Health
	if s.rig != nil {
		h.Cameras = make([]CameraHealth, len(s.rig.Cameras))
		for i := range h.Cameras {
			h.Cameras[i].Name = s.rig.Cameras[i].Name
		}
	}
	h.Poses.Poses = s.counters.Poses
	return h
}
