package nuscenes

import (
	"math"
	"slices"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// LidarTop is the channel whose frame and time a sample's boxes refer to.
const LidarTop = "LIDAR_TOP"

// Timestamp is a time in microseconds since 1970.
type Timestamp int64

// Time returns the timestamp in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Log is the drive that a scene was cut from.
type Log struct {
	Token, File, Vehicle, Date, Location string

	faults *fault
}

// Scene is a sequence of some twenty seconds.
type Scene struct {
	Token, Name, Description string
	Log                      *Log      // empty if it is not known
	Samples                  []*Sample // in order of time

	first, last string
	declared    int // number of samples that the table states; 0 if it states none
	faults      *fault
}

// hardly is a time between key frames, in microseconds, that no camera reaches.
const hardly = 1000

// TooClose returns the mean time between key frames, if it is so short that the
// times must be in another unit than microseconds.
func (s *Scene) TooClose() (mean Timestamp, close bool) {
	n := Timestamp(len(s.Samples) - 1)
	if n < 1 {
		return 0, false
	}
	mean = (s.Samples[n].KeyTime() - s.Samples[0].KeyTime()) / n
	return mean, mean > 0 && mean < hardly
}

// Sample is an annotated instant of a scene, a key frame of all sensors.
type Sample struct {
	Token       string
	Timestamp   Timestamp
	Scene       *Scene
	Prev, Next  *Sample       // nil at the scene's ends
	Annotations []*Annotation // in the table's order

	keyFrames  []*SampleData // in the sensors' order
	stray      *SampleData   // a key frame that cannot be told whose it is
	fraction   float64       // of a microsecond, to add to Timestamp
	prev, next string
	unread     bool // what belongs to it is left out
	faults     *fault
}

// setTime sets the timestamp in microseconds and what rounding left of it.
func (s *Sample) setTime(rounded int64, rest float64) {
	s.Timestamp, s.fraction = Timestamp(rounded), rest
}

// seconds returns the timestamp as a number of seconds, as Python computes it.
func (s *Sample) seconds() float64 { return 1e-6 * (float64(s.Timestamp) + s.fraction) }

// Key returns the sample's key frame of a channel, nil if it has none.
func (s *Sample) Key(channel string) *SampleData {
	for _, data := range s.keyFrames {
		if data.Channel() == channel {
			return data
		}
	}
	return nil
}

// KeyFrames returns the sample's key frames in the order of the sensor table.
func (s *Sample) KeyFrames() []*SampleData { return slices.Clone(s.keyFrames) }

// Cameras returns the key frames of the sample's cameras in the order of the
// sensor table.
func (s *Sample) Cameras() []*SampleData {
	var cameras []*SampleData
	for _, data := range s.keyFrames {
		if data.Calibration.isCamera() {
			cameras = append(cameras, data)
		}
	}
	return cameras
}

// KeyTime returns the instant that the sample's boxes refer to: the lidar
// sweep's, or the sample's own if there is no lidar.
func (s *Sample) KeyTime() Timestamp {
	if lidar := s.Key(LidarTop); lidar != nil {
		return lidar.Timestamp
	}
	return s.Timestamp
}

// KeyPose returns the ego pose at the sample's key time, nil for a sample
// without any sensor data. Without a lidar it is that of the sensor nearest in
// time, the first in the sensors' order of several.
func (s *Sample) KeyPose() *EgoPose {
	key := s.Key(LidarTop)
	if key == nil {
		key = s.nearest()
	}
	if key == nil {
		return nil
	}
	return key.EgoPose
}

// nearest returns the key frame that is nearest in time to the sample, nil if there
// is none.
func (s *Sample) nearest() (nearest *SampleData) {
	for _, data := range s.keyFrames {
		if nearest == nil || s.away(data) < s.away(nearest) {
			nearest = data
		}
	}
	return nearest
}

func (s *Sample) away(data *SampleData) Timestamp {
	return max(data.Timestamp-s.Timestamp, s.Timestamp-data.Timestamp)
}

// SampleData is one sensor's measurement: a file, and where and when it was
// taken.
type SampleData struct {
	Token         string
	Sample        *Sample
	EgoPose       *EgoPose
	Calibration   *Calibration
	Timestamp     Timestamp
	KeyFrame      bool   // whether it belongs to its sample, or is a sweep in between
	Width, Height int    // pixels of an image, else 0
	Filename      string // below the data set's folder
	Invalid       bool   // whether the data set says that the file is not to be used
	Prev, Next    *SampleData

	pose, prev, next string
	faults           *fault
}

// Channel returns the name of the sensor, for example CAM_FRONT.
func (d *SampleData) Channel() string { return d.Calibration.Sensor.Channel }

// Sweeps returns the sensor's measurements between the previous key frame and
// d, in order of time, without either.
func (d *SampleData) Sweeps() []*SampleData {
	var n int
	for p := d.Prev; p != nil && !p.KeyFrame; p = p.Prev {
		n++
	}
	sweeps := make([]*SampleData, n)
	for p := d.Prev; n > 0; p = p.Prev {
		n--
		sweeps[n] = p
	}
	return sweeps
}

// EgoPose is where the vehicle was at a time.
type EgoPose struct {
	Token         string
	Timestamp     Timestamp
	GlobalFromEgo geom.Transform

	faults *fault
}

// Calibration is a sensor as mounted on one vehicle.
type Calibration struct {
	Token         string
	Sensor        *Sensor
	EgoFromSensor geom.Transform
	Intrinsics    *geom.Mat3 // nil for sensors other than cameras

	faults *fault
}

// isCamera reports whether the sensor is a camera: by its modality, or if that is not
// known by whether it has intrinsics.
func (c *Calibration) isCamera() bool {
	m := c.Sensor.Modality
	return m == "camera" || m == "" && c.Intrinsics != nil
}

// Sensor is a place on a vehicle with a sensor.
type Sensor struct {
	Token, Channel, Modality string

	order  int
	faults *fault
}

// Category is a kind of object.
type Category struct {
	Token, Name string

	faults *fault
}

// Attribute is a property of an object that may change in time.
type Attribute struct {
	Token, Name string

	faults *fault
}

// Visibility is the share of an object that the cameras see.
type Visibility struct {
	Token, Level string

	faults *fault
}

// Instance is one object through its scene.
type Instance struct {
	Token    string
	Category *Category

	faults *fault
}

// Annotation is the true box of an object in a sample.
type Annotation struct {
	Token       string
	Sample      *Sample
	Instance    *Instance
	Visibility  *Visibility  // nil if unknown
	Attributes  []*Attribute // none, or one as a rule
	Center      geom.Vec3    // global frame
	Size        geom.Vec3    // width, length, height
	Rotation    geom.Quat    // global from box; the box's length is along its x axis
	LidarPoints int          // in the box; below 0 if not counted
	RadarPoints int
	Prev, Next  *Annotation // of the same object

	prev, next string
	faults     *fault
}

// Class returns the detection class of the annotated object, and false if
// the detection task leaves its category out.
func (a *Annotation) Class() (perception.Class, bool) {
	return DetectionClass(a.Instance.Category.Name)
}

// maxVelocityGap is how far apart, in seconds, two annotations of an object may
// be to give its velocity.
const maxVelocityGap = 1.5

// Velocity returns the object's velocity in the global frame from its places
// in the samples before and after, or in one of them and its own; the time between them
// may be at most 3 and 1.5 seconds. If there is no such sample, all components are NaN.
func (a *Annotation) Velocity() geom.Vec3 {
	first, last, gap := a, a, maxVelocityGap
	if a.Prev != nil {
		first = a.Prev
	}
	if a.Next != nil {
		last = a.Next
	}
	if a.Prev != nil && a.Next != nil {
		gap *= 2
	}
	seconds := float64(last.Sample.seconds()) - float64(first.Sample.seconds())
	if first == last || seconds > gap {
		return geom.Vec3{math.NaN(), math.NaN(), math.NaN()}
	}
	moved := last.Center.Sub(first.Center)
	return geom.Vec3{moved[0] / seconds, moved[1] / seconds, moved[2] / seconds}
}
