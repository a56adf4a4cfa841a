package synth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/nuscenes"
)

// token names a row: 32 hexadecimal digits that depend on its parts only.
func token(parts ...any) string {
	h := sha256.Sum256([]byte(fmt.Sprintln(parts...)))
	return hex.EncodeToString(h[:16])
}

// tables are the rows of all drives. They are kept until the end, since rows
// name the ones that follow them.
type tables struct {
	attribute        []nuscenes.AttributeRow
	category         []nuscenes.CategoryRow
	visibility       []nuscenes.VisibilityRow
	log              []nuscenes.LogRow
	maps             []nuscenes.MapRow
	sensor           []nuscenes.SensorRow
	calibratedSensor []nuscenes.CalibrationRow
	egoPose          []nuscenes.EgoPoseRow
	sample           []nuscenes.SampleRow
	sampleData       []nuscenes.SampleDataRow
	scene            []nuscenes.SceneRow
	instance         []nuscenes.InstanceRow
	annotation       []nuscenes.AnnotationRow
}

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
		t.category = append(t.category, nuscenes.CategoryRow{Token: token("category", c), Name: c})
	}
	for _, a := range attributes {
		t.attribute = append(t.attribute, nuscenes.AttributeRow{Token: token("attribute", a), Name: a})
	}
	for i, l := range []string{"0-40", "40-60", "60-80", "80-100"} {
		t.visibility = append(t.visibility, nuscenes.VisibilityRow{Token: fmt.Sprint(i + 1), Level: "v" + l, Description: "percent of the whole object that is visible"})
	}
	for _, m := range mounts {
		t.sensor = append(t.sensor, nuscenes.SensorRow{Token: token("sensor", m.name), Channel: m.name, Modality: "camera"})
	}
	t.sensor = append(t.sensor, nuscenes.SensorRow{Token: token("sensor", nuscenes.LidarTop), Channel: nuscenes.LidarTop, Modality: "lidar"})
	return t
}

// write stores the tables below dir, and the split of all drives.
func (t *tables) write(dir string) error {
	w, err := nuscenes.Create(dir, Version)
	if err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	var names []string
	for _, scene := range t.scene {
		names = append(names, scene.Name)
	}
	w.Splits(map[string][]string{"all": names})
	add(w, t.attribute)
	add(w, t.calibratedSensor)
	add(w, t.category)
	add(w, t.egoPose)
	add(w, t.instance)
	add(w, t.log)
	add(w, t.maps)
	add(w, t.sample)
	add(w, t.annotation)
	add(w, t.sampleData)
	add(w, t.scene)
	add(w, t.sensor)
	add(w, t.visibility)
	if err := w.Close(); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	return nil
}

func add[T nuscenes.Row](w *nuscenes.Writer, rows []T) {
	for _, row := range rows {
		w.Add(row)
	}
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
