package nuscenes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// tables are the linked rows, while they are read.
type tables struct {
	categories   index[Category]
	attributes   index[Attribute]
	visibilities index[Visibility]
	instances    index[Instance]
	sensors      index[Sensor]
	calibrations index[Calibration]
	poses        index[EgoPose]
	logs         index[Log]
	scenes       index[Scene]
	samples      index[Sample]
	data         index[SampleData]
	annotations  index[Annotation]
}

// read takes the steps in turn.
func (t *tables) read(dir, version string, steps ...func(folder string) error) error {
	folder := filepath.Join(dir, version)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("nuscenes: %s is no folder of tables%s", folder, versionsHint(dir))
	}
	for _, step := range steps {
		if err := step(folder); err != nil {
			return err
		}
	}
	return nil
}

func (t *tables) readObjects(folder string) (err error) {
	t.categories, err = readTable(folder, schema[Category]{
		name: "category", token: func(c *Category) *string { return &c.Token },
		fields: fields[Category]{{name: "name", read: func(r *pull.Reader, c *Category) { c.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.attributes, err = readTable(folder, schema[Attribute]{
		name: "attribute", token: func(a *Attribute) *string { return &a.Token },
		fields: fields[Attribute]{{name: "name", read: func(r *pull.Reader, a *Attribute) { a.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.visibilities, err = readTable(folder, schema[Visibility]{
		name: "visibility", token: func(v *Visibility) *string { return &v.Token },
		fields: fields[Visibility]{{name: "level", read: func(r *pull.Reader, v *Visibility) { v.Level = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.instances, err = readTable(folder, schema[Instance]{
		name: "instance", token: func(i *Instance) *string { return &i.Token },
		fields: fields[Instance]{{name: "category_token", read: func(r *pull.Reader, i *Instance) { i.Category = t.categories.ref(r) }}},
	})
	return err
}

func (t *tables) readSensors(folder string) (err error) {
	t.sensors, err = readTable(folder, schema[Sensor]{
		name: "sensor", token: func(s *Sensor) *string { return &s.Token },
		fields: fields[Sensor]{
			{name: "channel", read: func(r *pull.Reader, s *Sensor) { s.Channel = r.String() }},
			{name: "modality", read: func(r *pull.Reader, s *Sensor) { s.Modality = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	for i := range t.sensors.rows {
		t.sensors.rows[i].order = i
	}
	t.calibrations, err = readTable(folder, schema[Calibration]{
		name: "calibrated_sensor", token: func(c *Calibration) *string { return &c.Token },
		fields: fields[Calibration]{
			{name: "sensor_token", read: func(r *pull.Reader, c *Calibration) { c.Sensor = t.sensors.ref(r) }},
			{name: "translation", read: func(r *pull.Reader, c *Calibration) { c.EgoFromSensor.Translation = vector(r) }},
			{name: "rotation", read: func(r *pull.Reader, c *Calibration) { c.EgoFromSensor.Rotation = rotation(r) }},
			{name: "camera_intrinsic", read: func(r *pull.Reader, c *Calibration) { c.Intrinsics = intrinsics(r) }},
		},
	})
	if err != nil {
		return err
	}
	for i := range t.calibrations.rows {
		c := &t.calibrations.rows[i]
		if c.Sensor.Modality == "camera" && c.Intrinsics == nil {
			return t.calibrations.fail(i, c.Token, "camera_intrinsic", "is empty, want 3 x 3 numbers for the camera %s", c.Sensor.Channel)
		}
	}
	return nil
}

// intrinsics reads a 3 x 3 matrix, or nil from an empty array.
func intrinsics(r *pull.Reader) *geom.Mat3 {
	var k geom.Mat3
	rows := 0
	for i := range r.Array() {
		if i > 2 {
			r.Fail("has more than 3 rows, want 3 x 3 numbers")
			return nil
		}
		numbers(r, k[3*i:3*i+3])
		rows++
	}
	switch rows {
	case 0:
		return nil
	case 3:
		return &k
	}
	r.Fail("has %d rows, want 3 x 3 numbers", rows)
	return nil
}

func (t *tables) readSamples(folder string) (err error) {
	t.logs, err = readTable(folder, schema[Log]{
		name: "log", token: func(l *Log) *string { return &l.Token },
		fields: fields[Log]{
			{name: "logfile", read: func(r *pull.Reader, l *Log) { l.File = r.String() }},
			{name: "vehicle", read: func(r *pull.Reader, l *Log) { l.Vehicle = r.String() }},
			{name: "date_captured", read: func(r *pull.Reader, l *Log) { l.Date = r.String() }},
			{name: "location", read: func(r *pull.Reader, l *Log) { l.Location = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	t.scenes, err = readTable(folder, schema[Scene]{
		name: "scene", token: func(s *Scene) *string { return &s.Token },
		fields: fields[Scene]{
			{name: "log_token", read: func(r *pull.Reader, s *Scene) { s.Log = t.logs.ref(r) }},
			{name: "first_sample_token", read: func(r *pull.Reader, s *Scene) { s.first = r.String() }},
			{name: "last_sample_token", read: func(r *pull.Reader, s *Scene) { s.last = r.String() }},
			{name: "name", read: func(r *pull.Reader, s *Scene) { s.Name = r.String() }},
			{name: "description", read: func(r *pull.Reader, s *Scene) { s.Description = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	t.samples, err = readTable(folder, schema[Sample]{
		name: "sample", token: func(s *Sample) *string { return &s.Token },
		fields: fields[Sample]{
			{name: "timestamp", read: func(r *pull.Reader, s *Sample) { s.Timestamp = timestamp(r) }},
			{name: "scene_token", read: func(r *pull.Reader, s *Sample) { s.Scene = t.scenes.ref(r) }},
			{name: "prev", read: func(r *pull.Reader, s *Sample) { s.prev = r.String() }},
			{name: "next", read: func(r *pull.Reader, s *Sample) { s.next = r.String() }},
		},
	})
	return err
}

func (t *tables) readData(folder string) (err error) {
	if t.poses, err = t.readPoses(folder, nil); err != nil {
		return err
	}
	t.data, err = readTable(folder, schema[SampleData]{
		name: "sample_data", token: func(d *SampleData) *string { return &d.Token },
		fields: fields[SampleData]{
			{name: "sample_token", read: func(r *pull.Reader, d *SampleData) { d.Sample = t.samples.ref(r) }},
			{name: "ego_pose_token", read: func(r *pull.Reader, d *SampleData) { d.EgoPose = t.poses.ref(r) }},
			{name: "calibrated_sensor_token", read: func(r *pull.Reader, d *SampleData) { d.Calibration = t.calibrations.ref(r) }},
			{name: "timestamp", read: func(r *pull.Reader, d *SampleData) { d.Timestamp = timestamp(r) }},
			{name: "is_key_frame", read: func(r *pull.Reader, d *SampleData) { d.KeyFrame = r.Bool() }},
			{name: "height", read: func(r *pull.Reader, d *SampleData) { d.Height = count(r) }},
			{name: "width", read: func(r *pull.Reader, d *SampleData) { d.Width = count(r) }},
			{name: "filename", read: func(r *pull.Reader, d *SampleData) { d.Filename = localName(r) }},
			{name: "prev", read: func(r *pull.Reader, d *SampleData) { d.prev = r.String() }},
			{name: "next", read: func(r *pull.Reader, d *SampleData) { d.next = r.String() }},
		},
	})
	return err
}

// readPoses reads the ego poses whose tokens are wanted, nil for all.
func (t *tables) readPoses(folder string, wanted func(token string) bool) (index[EgoPose], error) {
	return readTable(folder, schema[EgoPose]{
		name: "ego_pose", token: func(p *EgoPose) *string { return &p.Token },
		wanted: wanted,
		fields: fields[EgoPose]{
			{name: "timestamp", read: func(r *pull.Reader, p *EgoPose) { p.Timestamp = timestamp(r) }},
			{name: "rotation", read: func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Rotation = rotation(r) }},
			{name: "translation", read: func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Translation = vector(r) }},
		},
	})
}

// wantedSample reads a sample's token, and reports whether what belongs to it is
// wanted.
func (t *tables) wantedSample(r *pull.Reader, sample **Sample) bool {
	*sample = t.samples.ref(r)
	return r.Err() == nil && !(*sample).unread
}

// readLidar reads the key frames of LIDAR_TOP.
func (t *tables) readLidar(folder string) (err error) {
	t.data, err = readTable(folder, schema[SampleData]{
		name: "sample_data", token: func(d *SampleData) *string { return &d.Token },
		fields: fields[SampleData]{
			{name: "sample_token", wanted: func(r *pull.Reader, d *SampleData) bool { return t.wantedSample(r, &d.Sample) }},
			{name: "ego_pose_token", read: func(r *pull.Reader, d *SampleData) { d.pose = r.View() }},
			{name: "calibrated_sensor_token", wanted: func(r *pull.Reader, d *SampleData) bool {
				d.Calibration = t.calibrations.ref(r)
				return r.Err() == nil && d.Channel() == LidarTop
			}},
			{name: "timestamp", read: func(r *pull.Reader, d *SampleData) { d.Timestamp = timestamp(r) }},
			{name: "is_key_frame", wanted: func(r *pull.Reader, d *SampleData) bool {
				d.KeyFrame = r.Bool()
				return d.KeyFrame
			}},
		},
		own: func(d *SampleData) { d.pose = strings.Clone(d.pose) },
	})
	if err != nil {
		return err
	}
	for i := range t.data.rows {
		if err := t.addKeyFrame(i); err != nil {
			return err
		}
	}
	return nil
}

// readLidarPoses reads the ego poses of the measurements that were read.
func (t *tables) readLidarPoses(folder string) (err error) {
	wanted := make(map[string]bool, len(t.data.rows))
	for i := range t.data.rows {
		wanted[t.data.rows[i].pose] = true
	}
	if t.poses, err = t.readPoses(folder, func(token string) bool { return wanted[token] }); err != nil {
		return err
	}
	for i := range t.data.rows {
		d := &t.data.rows[i]
		if d.EgoPose = t.poses.byToken[d.pose]; d.EgoPose == nil {
			return t.data.fail(i, d.Token, "ego_pose_token", "%q is no token of %s", d.pose, filepath.Base(t.poses.file))
		}
		d.pose = ""
	}
	return nil
}

// localName reads the name of a file that lies in the data set's folder.
func localName(r *pull.Reader) string {
	name := r.String()
	if !filepath.IsLocal(filepath.FromSlash(name)) && r.Err() == nil {
		r.Fail("%q leads out of the data set's folder, want a path below it", name)
	}
	return name
}

func (t *tables) readAnnotations(folder string) (err error) {
	t.annotations, err = readTable(folder, schema[Annotation]{
		name: "sample_annotation", token: func(a *Annotation) *string { return &a.Token },
		fields: fields[Annotation]{
			{name: "sample_token", wanted: func(r *pull.Reader, a *Annotation) bool { return t.wantedSample(r, &a.Sample) }},
			{name: "instance_token", read: func(r *pull.Reader, a *Annotation) { a.Instance = t.instances.ref(r) }},
			{name: "visibility_token", read: func(r *pull.Reader, a *Annotation) { a.Visibility = t.visibilities.optionalRef(r) }},
			{name: "attribute_tokens", read: func(r *pull.Reader, a *Annotation) {
				for range r.Array() {
					a.Attributes = append(a.Attributes, t.attributes.ref(r))
				}
			}},
			{name: "translation", read: func(r *pull.Reader, a *Annotation) { a.Center = vector(r) }},
			{name: "size", read: func(r *pull.Reader, a *Annotation) { a.Size = positive(r) }},
			{name: "rotation", read: func(r *pull.Reader, a *Annotation) { a.Rotation = rotation(r) }},
			{name: "prev", read: func(r *pull.Reader, a *Annotation) { a.prev = r.String() }},
			{name: "next", read: func(r *pull.Reader, a *Annotation) { a.next = r.String() }},
			{name: "num_lidar_pts", read: func(r *pull.Reader, a *Annotation) { a.LidarPoints = count(r) }},
			{name: "num_radar_pts", read: func(r *pull.Reader, a *Annotation) { a.RadarPoints = count(r) }},
		},
	})
	return err
}
