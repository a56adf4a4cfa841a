package perception

import (
	"strings"
	"time"

	"github.com/solofusion/solofusion/geom"
)

// Class is one of the nuScenes detection classes, in the order of the reference's
// labels. It is an index into [Classes].
type Class uint8

// The classes.
const (
	Car Class = iota
	Truck
	ConstructionVehicle
	Bus
	Trailer
	Barrier
	Motorcycle
	Bicycle
	Pedestrian
	TrafficCone
)

// Classes are the nuScenes names of the classes.
var Classes = [...]string{
	Car: "car", Truck: "truck", ConstructionVehicle: "construction_vehicle", Bus: "bus", Trailer: "trailer",
	Barrier: "barrier", Motorcycle: "motorcycle", Bicycle: "bicycle", Pedestrian: "pedestrian", TrafficCone: "traffic_cone",
}

// String returns the class's nuScenes name.
func (c Class) String() string { return Classes[c] }

// Words returns the class's name with spaces, as in a text.
func (c Class) Words() string { return strings.ReplaceAll(c.String(), "_", " ") }

// ParseClass returns the class of that name.
func ParseClass(name string) (Class, bool) {
	for i, n := range Classes {
		if n == name {
			return Class(i), true
		}
	}
	return 0, false
}

// Detection is one object, in the model's frame at its set's time.
type Detection struct {
	Class    Class
	Score    float32
	Center   geom.Vec3  // of the box, metres
	Size     geom.Vec3  // width, length, height, metres
	Yaw      float64    // of the length axis about z, from x; radians in (-pi, pi]
	Velocity [2]float64 // metres a second over ground, along that frame's x and y
}

// Result is the detections of one FrameSet and the account of their making.
type Result struct {
	Rig            string // its name
	Time           time.Time
	KeyFrame       string               // of the set, its identity in the source; "" if it has none
	GlobalFromEgo  geom.Pose            // at Time
	EgoFromModel   geom.Pose            // places the frame of the detections
	EgoFromLidar   *geom.Pose           // nil if the rig has no lidar
	Detections     []Detection          // by descending score within each task
	Captured       map[string]time.Time // of each camera used
	Missing        []string             // cameras without a usable image
	Rejected       map[string]string    // why, for those of Missing whose image came but could not be used
	Damaged        map[string]string    // what is wrong, for cameras whose image was used though it is damaged; nil if there are none
	Suspect        map[string]string    // what is odd, for cameras whose image came and may not show what is there; nil if there are none
	HistoryDepth   int                  // earlier frames that the result rests on
	HistoryAge     time.Duration        // of the oldest of them, by capture times
	Outside        []string             // what of the cameras' calibration and of the sets' rate the model's training never saw; shared
	Reset          string               // why history started anew with this frame; "" if it did not
	Model          string               // name and short digest of the bundle
	Quantisation   string               // of the head, "none" if it is float32
	StageDurations map[string]time.Duration
}
