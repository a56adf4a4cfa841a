package synth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// token names a row: 32 hexadecimal digits that depend on its parts only.
func token(parts ...any) string {
	h := sha256.Sum256([]byte(fmt.Sprintln(parts...)))
	return hex.EncodeToString(h[:16])
}

// tables are the thirteen of nuScenes v1.0; rows keep the originals' order of
// fields.
type tables struct {
	attribute, category, visibility []namedRow
	log                             []logRow
	maps                            []mapRow
	sensor                          []sensorRow
	calibratedSensor                []calibratedRow
	egoPose                         []egoPoseRow
	sample                          []sampleRow
	sampleData                      []sampleDataRow
	scene                           []sceneRow
	instance                        []instanceRow
	annotation                      []annotationRow
}

type namedRow struct {
	Token       string `json:"token"`
	Name        string `json:"name,omitempty"`
	Level       string `json:"level,omitempty"`
	Description string `json:"description"`
}

type logRow struct {
	Token        string `json:"token"`
	Logfile      string `json:"logfile"`
	Vehicle      string `json:"vehicle"`
	DateCaptured string `json:"date_captured"`
	Location     string `json:"location"`
}

type mapRow struct {
	Category  string   `json:"category"`
	Token     string   `json:"token"`
	Filename  string   `json:"filename"`
	LogTokens []string `json:"log_tokens"`
}

type sensorRow struct {
	Token    string `json:"token"`
	Channel  string `json:"channel"`
	Modality string `json:"modality"`
}

type calibratedRow struct {
	Token           string      `json:"token"`
	SensorToken     string      `json:"sensor_token"`
	Translation     [3]float64  `json:"translation"`
	Rotation        [4]float64  `json:"rotation"`
	CameraIntrinsic [][]float64 `json:"camera_intrinsic"`
}

type egoPoseRow struct {
	Token       string     `json:"token"`
	Timestamp   int64      `json:"timestamp"`
	Rotation    [4]float64 `json:"rotation"`
	Translation [3]float64 `json:"translation"`
}

type sampleRow struct {
	Token      string `json:"token"`
	Timestamp  int64  `json:"timestamp"`
	SceneToken string `json:"scene_token"`
	Prev       string `json:"prev"`
	Next       string `json:"next"`
}

type sampleDataRow struct {
	Token                 string `json:"token"`
	SampleToken           string `json:"sample_token"`
	EgoPoseToken          string `json:"ego_pose_token"`
	CalibratedSensorToken string `json:"calibrated_sensor_token"`
	Timestamp             int64  `json:"timestamp"`
	Fileformat            string `json:"fileformat"`
	IsKeyFrame            bool   `json:"is_key_frame"`
	Height                int    `json:"height"`
	Width                 int    `json:"width"`
	Filename              string `json:"filename"`
	Prev                  string `json:"prev"`
	Next                  string `json:"next"`
}

type sceneRow struct {
	Token            string `json:"token"`
	LogToken         string `json:"log_token"`
	NbrSamples       int    `json:"nbr_samples"`
	FirstSampleToken string `json:"first_sample_token"`
	LastSampleToken  string `json:"last_sample_token"`
	Name             string `json:"name"`
	Description      string `json:"description"`
}

type instanceRow struct {
	Token                string `json:"token"`
	CategoryToken        string `json:"category_token"`
	NbrAnnotations       int    `json:"nbr_annotations"`
	FirstAnnotationToken string `json:"first_annotation_token"`
	LastAnnotationToken  string `json:"last_annotation_token"`
}

type annotationRow struct {
	Token           string     `json:"token"`
	SampleToken     string     `json:"sample_token"`
	InstanceToken   string     `json:"instance_token"`
	VisibilityToken string     `json:"visibility_token"`
	AttributeTokens []string   `json:"attribute_tokens"`
	Translation     [3]float64 `json:"translation"`
	Size            [3]float64 `json:"size"`
	Rotation        [4]float64 `json:"rotation"`
	Prev            string     `json:"prev"`
	Next            string     `json:"next"`
	NumLidarPts     int        `json:"num_lidar_pts"`
	NumRadarPts     int        `json:"num_radar_pts"`
}

const lidarChannel = "LIDAR_TOP"

var categories = []string{
	"human.pedestrian.adult", "human.pedestrian.child", "human.pedestrian.wheelchair", "human.pedestrian.stroller",
	"human.pedestrian.personal_mobility", "human.pedestrian.police_officer", "human.pedestrian.construction_worker",
	"animal", "vehicle.car", "vehicle.motorcycle", "vehicle.bicycle", "vehicle.bus.bendy", "vehicle.bus.rigid",
	"vehicle.truck", "vehicle.construction", "vehicle.emergency.ambulance", "vehicle.emergency.police", "vehicle.trailer",
	"movable_object.barrier", "movable_object.trafficcone", "movable_object.pushable_pullable", "movable_object.debris",
	"static_object.bicycle_rack",
}

var attributes = []string{
	"vehicle.moving", "vehicle.stopped", "vehicle.parked", "cycle.with_rider", "cycle.without_rider",
	"pedestrian.sitting_lying_down", "pedestrian.standing", "pedestrian.moving",
}

// newTables fills what all drives share.
func newTables() *tables {
	t := &tables{}
	for _, c := range categories {
		t.category = append(t.category, namedRow{Token: token("category", c), Name: c})
	}
	for _, a := range attributes {
		t.attribute = append(t.attribute, namedRow{Token: token("attribute", a), Name: a})
	}
	for i, l := range []string{"0-40", "40-60", "60-80", "80-100"} {
		t.visibility = append(t.visibility, namedRow{Token: fmt.Sprint(i + 1), Level: "v" + l, Description: "percent of the whole object that is visible"})
	}
	for _, m := range mounts {
		t.sensor = append(t.sensor, sensorRow{token("sensor", m.name), m.name, "camera"})
	}
	t.sensor = append(t.sensor, sensorRow{token("sensor", lidarChannel), lidarChannel, "lidar"})
	return t
}

// write stores the tables below dir.
func (t *tables) write(dir string) error {
	for _, table := range []struct {
		name string
		rows any
	}{
		{"attribute", t.attribute}, {"calibrated_sensor", t.calibratedSensor}, {"category", t.category}, {"ego_pose", t.egoPose},
		{"instance", t.instance}, {"log", t.log}, {"map", t.maps}, {"sample", t.sample}, {"sample_annotation", t.annotation},
		{"sample_data", t.sampleData}, {"scene", t.scene}, {"sensor", t.sensor}, {"visibility", t.visibility},
	} {
		if err := writeJSON(filepath.Join(dir, Version, table.name+".json"), table.rows); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("synth: table %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, append(b, '\n'))
}

func writeFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	return nil
}
