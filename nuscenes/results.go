package nuscenes

import (
	"encoding/json"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// Results is the content of a results file in submission format.
type Results struct {
	File    string          // that they were read from, "" for none
	Meta    json.RawMessage // an object: which inputs were used
	Samples []SampleResult  // in the file's order
}

// SampleResult is the boxes of a sample.
type SampleResult struct {
	Token string // the sample's
	Boxes []Box
}

// Box is one detected object, in the global frame.
type Box struct {
	Class     perception.Class
	Attribute BoxAttribute
	Score     float64
	Center    geom.Vec3
	Size      geom.Vec3  // width, length, height
	Rotation  geom.Quat  // global from box
	Velocity  [2]float64 // both may be NaN
	Points    int        // lidar and radar points inside; -1 if the file has none
}

// CameraMeta is the meta object of results made from cameras alone.
func CameraMeta() json.RawMessage {
	return json.RawMessage(`{"use_camera":true,"use_lidar":false,"use_radar":false,"use_map":false,"use_external":false}`)
}
