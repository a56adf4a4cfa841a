package perception

import (
	"slices"
	"strings"
	"time"
)

// State is what a service is doing.
type State string

// The states in their usual order.
const (
	Starting State = "starting" // loading, connecting
	Waiting  State = "waiting"  // no results come; Status.WaitingFor has the reason
	Running  State = "running"  // results come, and nothing is wrong with what they rest on
	Degraded State = "degraded" // results come, with a trouble that degrades
	Draining State = "draining" // finishing what it has, taking nothing new
)

// States are all states.
var States = [...]State{Starting, Waiting, Running, Degraded, Draining}

// What a service in the state Waiting waits for.
const (
	ForServer      = "server"      // the connection to the server is lost
	ForCalibration = "calibration" // no usable one has come
	ForFrames      = "frames"      // none arrive
	ForPoses       = "poses"       // none come for the times of the frames
	ForSets        = "sets"        // frames and poses arrive, but do not make a set
	ForDetector    = "detector"    // sets leave, but lead to no result
)

// Waits are all that a service waits for, in the order in which a result needs it.
var Waits = [...]string{ForServer, ForCalibration, ForFrames, ForPoses, ForSets, ForDetector}

// Status is a service's account of itself.
type Status struct {
	Time         time.Time // when it was made
	Version      string    // of the program
	State        State
	WaitingFor   string    // "" unless State is Waiting
	Since        time.Time // State and WaitingFor are as they are
	Ready        bool      // whether frames that arrive give results, as far as is known
	Words        string    // state and reason in one line
	Troubles     []Trouble // that are present, by subject and cause
	Cameras      []CameraStatus
	Poses        PoseStatus
	LastResult   time.Time         // when it was published; zero before the first
	HistoryDepth int               // of the last result
	Model        string            // name and short digest of the bundle; "" before the first result
	LastError    string            // "" if there was none
	ErrorTime    time.Time         // of LastError
	Outside      []string          // what of the cameras' calibration and of the sets' rate the model's training never saw, in the last result
	Counts       map[string]uint64 // by stable names, for example drop.duplicate
}

// Trouble is one thing that is wrong.
type Trouble struct {
	Subject  string    // a camera's name, or one of Parts
	IsCamera bool      // whether Subject is a camera
	Cause    string    // stable word, for example missing
	Words    string    // numbers, and what would be right
	Since    time.Time // it is there
	Count    uint64    // sets, images or messages that it cost so far
	Degrades bool      // whether it makes the state Degraded
}

// Parts are the subjects of troubles that are no camera's.
var Parts = [...]string{"poses", "sync", "detector", "results", "status", "history", "input", "source"}

// Title returns the trouble's name: CAM_BACK missing, pose late. A camera that is named as
// a part is told from it: camera sync missing.
func (t *Trouble) Title() string {
	cause := strings.ReplaceAll(t.Cause, "_", " ")
	one := strings.TrimSuffix(t.Subject, "s")
	switch {
	case !t.IsCamera && strings.Contains(cause, one):
		return cause
	case t.IsCamera && slices.ContainsFunc(Parts[:], func(p string) bool { return strings.TrimSuffix(p, "s") == one }):
		return "camera " + t.Subject + " " + cause
	}
	return t.Subject + " " + cause
}

// CameraStatus is what one camera does.
type CameraStatus struct {
	Name     string
	State    string        // "used", "waiting" before its first frame, or the cause of its first trouble that degrades
	Words    string        // of that trouble
	Age      time.Duration // since its last frame arrived; negative before the first
	Captured time.Time     // of its last frame
	Frames   uint64        // that arrived
	Period   time.Duration // between its frames
	Offset   time.Duration // of its captures from those of the other cameras
}

// PoseStatus is what the ego poses do.
type PoseStatus struct {
	Newest time.Time     // the latest time
	Age    time.Duration // since the last arrived; negative before the first
	Poses  uint64        // that arrived
}
