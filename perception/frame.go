package perception

import (
	"time"

	"github.com/solofusion/solofusion/geom"
)

// Frame is one image of one camera.
type Frame struct {
	Camera        string
	Captured      time.Time
	Key           *KeyFrame       // that it belongs to; nil if the source has none
	Sequence      uint64          // counts the camera's images, to tell how many were lost
	Image         []byte          // encoded as Layout says; never modified
	Layout        Layout          // zero for a JPEG or PNG file
	Arrived       time.Time       // when the service took it; zero before, and without spans in a recording
	OwnPose       *geom.Transform // global from ego at capture; nil if the source sends ego poses by time instead
	GlobalFromEgo geom.Pose       // at capture; framesync fills it in from OwnPose or the ego poses
}

// KeyFrame is an instant at which a source assembled the images of all cameras, for
// example a sample of a recording. It is immutable.
type KeyFrame struct {
	ID            string // identity in the source, for example a sample's token; "" if it has only a time
	Time          time.Time
	GlobalFromEgo *geom.Transform // at Time; nil if the source sends ego poses by time instead
}

// Same reports whether both are the same key frame. None is the same as nil.
func (k *KeyFrame) Same(other *KeyFrame) bool {
	return k != nil && other != nil && k.ID == other.ID && k.Time.Equal(other.Time)
}

// FrameSet is what a rig saw at one instant.
type FrameSet struct {
	Rig           *Rig
	Time          time.Time // the key frame's: a lidar sweep's, or the latest capture's
	GlobalFromEgo geom.Pose // at Time
	Frames        []*Frame  // one for each camera of Rig, in its order; nil if missing
	KeyFrame      string    // identity of its key frame in the source; "" if it has none
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
