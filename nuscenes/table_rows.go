package nuscenes

import (
	"encoding/json"

	"github.com/solofusion/solofusion/geom"
)

// Row is a row as it stands in a table's file: with tokens in place of
// pointers, and with the fields that reading leaves out. Fields are written in
// the order of the originals. A [Writer] takes rows.
type Row interface {
	Table() string // name of the table, for example sample_data
}

// List is a list that is written as [], not as null, if it has no elements.
type List[T any] []T

// MarshalJSON writes the list.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// CategoryRow is a row of category.json.
type CategoryRow struct {
	Token       string `json:"token"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// AttributeRow is a row of attribute.json.
type AttributeRow struct {
	Token       string `json:"token"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// VisibilityRow is a row of visibility.json.
type VisibilityRow struct {
	Token       string `json:"token"`
	Level       string `json:"level"`
	Description string `json:"description"`
}

// LogRow is a row of log.json.
type LogRow struct {
	Token    string `json:"token"`
	File     string `json:"logfile"`
	Vehicle  string `json:"vehicle"`
	Date     string `json:"date_captured"`
	Location string `json:"location"`
}

// MapRow is a row of map.json, which only nuscenes-devkit reads.
type MapRow struct {
	Category  string       `json:"category"`
	Token     string       `json:"token"`
	Filename  string       `json:"filename"`
	LogTokens List[string] `json:"log_tokens"`
}

// SensorRow is a row of sensor.json.
type SensorRow struct {
	Token    string `json:"token"`
	Channel  string `json:"channel"`
	Modality string `json:"modality"`
}

// CalibrationRow is a row of calibrated_sensor.json.
type CalibrationRow struct {
	Token       string           `json:"token"`
	SensorToken string           `json:"sensor_token"`
	Translation geom.Vec3        `json:"translation"`
	Rotation    [4]float64       `json:"rotation"`         // w, x, y, z: ego from sensor
	Intrinsics  List[[3]float64] `json:"camera_intrinsic"` // three rows; none for sensors other than cameras
}

// EgoPoseRow is a row of ego_pose.json.
type EgoPoseRow struct {
	Token       string     `json:"token"`
	Timestamp   Timestamp  `json:"timestamp"`
	Rotation    [4]float64 `json:"rotation"` // w, x, y, z: global from ego
	Translation geom.Vec3  `json:"translation"`
}

// SceneRow is a row of scene.json.
type SceneRow struct {
	Token            string `json:"token"`
	LogToken         string `json:"log_token"`
	Samples          int    `json:"nbr_samples"`
	FirstSampleToken string `json:"first_sample_token"`
	LastSampleToken  string `json:"last_sample_token"`
	Name             string `json:"name"`
	Description      string `json:"description"`
}

// SampleRow is a row of sample.json.
type SampleRow struct {
	Token      string    `json:"token"`
	Timestamp  Timestamp `json:"timestamp"`
	SceneToken string    `json:"scene_token"`
	Prev       string    `json:"prev"` // tokens; "" at the scene's ends
	Next       string    `json:"next"`
}

// SampleDataRow is a row of sample_data.json.
type SampleDataRow struct {
	Token            string    `json:"token"`
	SampleToken      string    `json:"sample_token"` // of a sweep: of a sample close in time
	EgoPoseToken     string    `json:"ego_pose_token"`
	CalibrationToken string    `json:"calibrated_sensor_token"`
	Timestamp        Timestamp `json:"timestamp"`
	Format           string    `json:"fileformat"` // jpg or pcd
	KeyFrame         bool      `json:"is_key_frame"`
	Height           int       `json:"height"`
	Width            int       `json:"width"`
	Filename         string    `json:"filename"`
	Prev             string    `json:"prev"`
	Next             string    `json:"next"`
}

// InstanceRow is a row of instance.json.
type InstanceRow struct {
	Token                string `json:"token"`
	CategoryToken        string `json:"category_token"`
	Annotations          int    `json:"nbr_annotations"`
	FirstAnnotationToken string `json:"first_annotation_token"`
	LastAnnotationToken  string `json:"last_annotation_token"`
}

// AnnotationRow is a row of sample_annotation.json.
type AnnotationRow struct {
	Token           string       `json:"token"`
	SampleToken     string       `json:"sample_token"`
	InstanceToken   string       `json:"instance_token"`
	VisibilityToken string       `json:"visibility_token"`
	AttributeTokens List[string] `json:"attribute_tokens"`
	Translation     geom.Vec3    `json:"translation"`
	Size            geom.Vec3    `json:"size"`     // width, length, height
	Rotation        [4]float64   `json:"rotation"` // w, x, y, z: global from box
	Prev            string       `json:"prev"`
	Next            string       `json:"next"`
	LidarPoints     int          `json:"num_lidar_pts"`
	RadarPoints     int          `json:"num_radar_pts"`
}

// Table returns category.
func (CategoryRow) Table() string { return "category" }

// Table returns attribute.
func (AttributeRow) Table() string { return "attribute" }

// Table returns visibility.
func (VisibilityRow) Table() string { return "visibility" }

// Table returns log.
func (LogRow) Table() string { return "log" }

// Table returns map.
func (MapRow) Table() string { return "map" }

// Table returns sensor.
func (SensorRow) Table() string { return "sensor" }

// Table returns calibrated_sensor.
func (CalibrationRow) Table() string { return "calibrated_sensor" }

// Table returns ego_pose.
func (EgoPoseRow) Table() string { return "ego_pose" }

// Table returns scene.
func (SceneRow) Table() string { return "scene" }

// Table returns sample.
func (SampleRow) Table() string { return "sample" }

// Table returns sample_data.
func (SampleDataRow) Table() string { return "sample_data" }

// Table returns instance.
func (InstanceRow) Table() string { return "instance" }

// Table returns sample_annotation.
func (AnnotationRow) Table() string { return "sample_annotation" }
