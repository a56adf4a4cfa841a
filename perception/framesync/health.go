package framesync

import (
	"fmt"
	"time"
)

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
	CauseCrowded     = "crowded"      // more sets wait for frames or poses than sync.pending
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
	Arrived  time.Time       // when its latest frame came, used or not
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

// Health returns the state of the input as of the latest Push or Advance. The caller
// owns it.
func (s *Sync) Health() Health {
	h := Health{
		Cameras: make([]CameraHealth, len(s.cameras)),
		Poses: PoseHealth{
			Poses: s.counters.Poses, Newest: s.poses.newest, Arrived: s.poses.arrived(),
			Period: s.poses.periods.median(), Trouble: s.poseTrouble,
		},
		Period: s.beat.period, Spread: s.beat.span, Trouble: s.trouble(),
	}
	for i := range s.cameras {
		h.Cameras[i] = s.cameraHealth(i)
	}
	return h
}

func (s *Sync) cameraHealth(i int) CameraHealth {
	c := &s.cameras[i]
	return CameraHealth{
		Name: s.rig.Cameras[i].Name, Frames: c.frames, Gaps: c.gaps, Dropped: c.dropped,
		Captured: c.stamp, Arrived: c.heard, Period: c.periods.median(), Offset: c.offsets.median(),
		Late: c.late, Missing: c.missing, Trouble: s.cameraTrouble(c),
	}
}

// newsTime is how long a jump of the time is reported, and that too many sets waited.
const newsTime = 5 * time.Second

// trouble returns what is wrong with the rig as a whole.
func (s *Sync) trouble() Trouble {
	switch {
	case s.stepped.Cause != "" && s.time.Sub(s.steppedAt) <= newsTime:
		return s.stepped
	case s.few.Cause != "":
		return s.few
	case s.crowded > 0 && s.time.Sub(s.crowdedAt) <= newsTime:
		return Trouble{CauseCrowded, fmt.Sprintf("%d sets wait for frames or poses, sync.pending is %d: they leave before sync.deadline, %v, or not at all", s.crowded, s.options.Pending, s.options.Deadline)}
	case s.beat.scattered >= 3:
		return Trouble{CauseSpread, fmt.Sprintf("captures spread over %s, sync.spread is %v", length(s.beat.span), s.options.Spread)}
	}
	return Trouble{}
}

// cameraTrouble returns what is wrong with a camera, the likeliest cause first.
func (s *Sync) cameraTrouble(c *camera) Trouble {
	switch {
	case !s.sends(c):
		return s.silent(c)
	case c.unit != "":
		return Trouble{CauseUnit, c.unit}
	case c.repeats > 1:
		return Trouble{CauseStuck, fmt.Sprintf("repeats the capture time %.6f, %d times", float64(c.stamp.UnixMicro())/1e6, c.repeats)}
	case c.off:
		return Trouble{CauseClockOffset, s.offsetWords(c)}
	case c.missing == 0 && s.lives(c):
		return Trouble{}
	case !s.lives(c):
		return s.useless(c)
	case c.late > 0:
		return Trouble{CauseLate, s.lateWords(c)}
	case c.apart != 0:
		return Trouble{CauseSpread, s.apartWords(c)}
	case s.sendsLess(c):
		return Trouble{CauseSlow, "sends " + s.rates(c)}
	}
	return Trouble{}
}

// silent is the trouble of a camera that sends nothing.
func (s *Sync) silent(c *camera) Trouble {
	switch {
	case s.starts(c):
		return Trouble{}
	case c.heard.IsZero():
		return Trouble{CauseMissing, "no frame has come"}
	}
	return Trouble{CauseMissing, "no frame since " + clockTime(c.heard)}
}

// useless is the trouble of a camera that sends, but nothing that can be used.
func (s *Sync) useless(c *camera) Trouble {
	switch {
	case s.starts(c):
		return Trouble{}
	case c.came.IsZero():
		return Trouble{CauseMissing, fmt.Sprintf("none of its %d frames could be used", c.frames)}
	}
	return Trouble{CauseMissing, "no frame that could be used since " + clockTime(c.came)}
}

// starts reports whether the rig does not wait for the camera yet: since the stream began
// it has had no time to send a frame that can be used.
func (s *Sync) starts(c *camera) bool {
	return c.came.IsZero() && (s.start.IsZero() || s.time.Sub(s.start) <= patience)
}

func (s *Sync) offsetWords(c *camera) string {
	d, way := c.offsets.median(), "ahead of"
	if d < 0 {
		way = "behind"
	}
	return fmt.Sprintf("its clock is %s %s the other cameras', or their ways differ by more than sync.deadline, %v", length(d), way, s.options.Deadline)
}

// oddWords is of a frame that came earlier than the others of its time by d, or later.
func (s *Sync) oddWords(d time.Duration) string {
	way := "before"
	if d < 0 {
		way = "after"
	}
	return fmt.Sprintf("came %s %s the other cameras' frames of its time; sync.deadline is %v", length(d), way, s.options.Deadline)
}

func (s *Sync) lateWords(c *camera) string {
	words := fmt.Sprintf("arrives %s after its set left", length(c.late))
	switch {
	case !c.early:
		return words + fmt.Sprintf("; sync.deadline is %v", s.options.Deadline)
	case s.sendsLess(c):
		return words + ", which did not wait for it: it sends " + s.rates(c)
	}
	return words + ", which did not wait for it"
}

// sendsLess reports whether the camera's rate is below the rig's.
func (s *Sync) sendsLess(c *camera) bool {
	return s.beat.period > 0 && 4*c.periods.median() > 5*s.beat.period
}

// rates writes the camera's rate beside the rig's.
func (s *Sync) rates(c *camera) string {
	return rate(c.periods.median()) + ", the rig " + rate(s.beat.period)
}

func (s *Sync) apartWords(c *camera) string {
	end := "after the first of its set"
	if c.apart < 0 {
		end = "before the last of its set"
	}
	return fmt.Sprintf("captured %s %s; sync.spread is %v", length(c.apart), end, s.options.Spread)
}
