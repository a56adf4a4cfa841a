package perception

import (
	"time"

	"github.com/solofusion/solofusion/geom"
)

// Frame is one image of one camera.
type Frame struct {
	Camera        string
	Captured      time.Time
	KeyTime       time.Time // of the key frame it belongs to; zero if the source has none
	Sequence      uint64    // counts the camera's images, to tell duplicates and gaps
	Image         []byte    // encoded, JPEG or PNG; never modified
	GlobalFromEgo geom.Pose // at Captured; framesync fills it in from the ego poses
}

// FrameSet is what a rig saw at one instant.
type FrameSet struct {
	Rig           *Rig
	Time          time.Time // the key frame's: a lidar sweep's, or the latest capture's
	GlobalFromEgo geom.Pose // at Time
	Frames        []*Frame  // one for each camera of Rig, in its order; nil if missing
	NewSequence   string    // why history must not reach back beyond this set; "" if it may
	Cursor        string    // of its latest delivery: after it the source resumes behind this set
}

// Missing returns the names of the cameras without an image.
func (s *FrameSet) Missing() []string {
	var names []string
	for i, f := range s.Frames {
		if f == nil {
			names = append(names, s.Rig.Cameras[i].Name)
		}
	}
	return names
}
