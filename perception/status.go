package perception

import "time"

// State is what a service is doing.
type State string

// The states in their usual order. A service that runs moves between Running
// and Degraded, in which its latest result lacks a camera.
const (
	Starting State = "starting" // loading, connecting
	Waiting  State = "waiting"  // for a calibration and frames
	Running  State = "running"
	Degraded State = "degraded"
	Draining State = "draining" // finishing what it has, taking nothing new
)

// Status is a service's account of itself.
type Status struct {
	Time      time.Time // when it was made
	State     State
	Model     string            // name and short digest of the bundle; "" before the first result
	LastError string            // "" if there was none
	ErrorTime time.Time         // of LastError
	Outside   []string          // what of the cameras' calibration and of the sets' rate the model's training never saw, in the last result
	Counts    map[string]uint64 // by stable names, for example drop.duplicate
}
