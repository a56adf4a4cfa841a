package nuscenes

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// tables are the linked rows, while they are read.
type tables struct {
	folder   string
	required map[string]bool // tables without which reading fails
	findings Findings
	counts   map[string]int // rows of the tables that were read

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
func (t *tables) read(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (t *tables) file(table string) string { return filepath.Join(t.folder, table+".json") }

// without takes note of a table that cannot be read. It returns the error if the
// table is required.
func (t *tables) without(table string, err error) error {
	var wrong *TableError
	if t.required[table] || !errors.As(err, &wrong) {
		return err
	}
	kind := Unusable
	if errors.Is(err, fs.ErrNotExist) {
		kind = Absent
	}
	t.findings.add(kind, *wrong)
	return nil
}

func (t *tables) readObjects() (err error) {
	t.categories, err = readTable(t, schema[Category]{
		name: "category", token: func(c *Category) *string { return &c.Token }, faults: func(c *Category) **fault { return &c.faults },
		fields: fields[Category]{{name: "name", read: func(r *pull.Reader, c *Category) { c.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.attributes, err = readTable(t, schema[Attribute]{
		name: "attribute", token: func(a *Attribute) *string { return &a.Token }, faults: func(a *Attribute) **fault { return &a.faults },
		fields: fields[Attribute]{{name: "name", need: grading, read: func(r *pull.Reader, a *Attribute) { a.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.visibilities, err = readTable(t, schema[Visibility]{
		name: "visibility", token: func(v *Visibility) *string { return &v.Token }, faults: func(v *Visibility) **fault { return &v.faults },
		fields: fields[Visibility]{{name: "level", read: func(r *pull.Reader, v *Visibility) { v.Level = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.instances, err = readTable(t, schema[Instance]{
		name: "instance", token: func(i *Instance) *string { return &i.Token }, faults: func(i *Instance) **fault { return &i.faults },
		fields: fields[Instance]{{name: "category_token", link: true, need: sorting, read: func(r *pull.Reader, i *Instance) { i.Category = t.categories.ref(r) }}},
	})
	for i := range t.instances.rows {
		if x := &t.instances.rows[i]; x.Category == nil {
			x.Category = &Category{}
		}
	}
	return err
}

func (t *tables) readSensors() (err error) {
	t.sensors, err = readTable(t, schema[Sensor]{
		name: "sensor", token: func(s *Sensor) *string { return &s.Token }, faults: func(s *Sensor) **fault { return &s.faults },
		fields: fields[Sensor]{
			{name: "channel", need: viewing, read: func(r *pull.Reader, s *Sensor) { s.Channel = r.String() }},
			{name: "modality", read: func(r *pull.Reader, s *Sensor) { s.Modality = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	for i := range t.sensors.rows {
		t.sensors.rows[i].order = i
	}
	t.calibrations, err = readTable(t, schema[Calibration]{
		name: "calibrated_sensor", token: func(c *Calibration) *string { return &c.Token }, faults: func(c *Calibration) **fault { return &c.faults },
		fields: fields[Calibration]{
			{name: "sensor_token", link: true, need: mounting, read: func(r *pull.Reader, c *Calibration) { c.Sensor = t.sensors.ref(r) }},
			{name: "translation", need: mounting, read: func(r *pull.Reader, c *Calibration) { c.EgoFromSensor.Translation = vector(r) }},
			{name: "rotation", need: mounting, read: func(r *pull.Reader, c *Calibration) { c.EgoFromSensor.Rotation = rotation(r) }},
			{name: "camera_intrinsic", need: viewing, read: func(r *pull.Reader, c *Calibration) { c.Intrinsics = intrinsics(r) }},
			{name: "camera_distortion", optional: true, read: func(r *pull.Reader, _ *Calibration) { rectified(r) }},
		},
	})
	if err != nil {
		return err
	}
	for i := range t.calibrations.rows {
		c := &t.calibrations.rows[i]
		if c.Sensor == nil {
			c.Sensor = &Sensor{}
		}
		if c.Sensor.Modality == "camera" && c.Intrinsics == nil && c.faults.of(viewing) == nil {
			t.calibrations.flaw(&t.findings, i, Unusable, viewing, t.calibrations.error(i, "camera_intrinsic",
				"is empty, want 3 x 3 numbers for the camera %s", c.Sensor.Channel))
		}
	}
	return nil
}

func (t *tables) readSamples() (err error) {
	t.logs, err = readTable(t, schema[Log]{
		name: "log", token: func(l *Log) *string { return &l.Token }, faults: func(l *Log) **fault { return &l.faults },
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
	t.scenes, err = readTable(t, schema[Scene]{
		name: "scene", token: func(s *Scene) *string { return &s.Token }, faults: func(s *Scene) **fault { return &s.faults },
		fields: fields[Scene]{
			{name: "log_token", link: true, read: func(r *pull.Reader, s *Scene) { s.Log = t.logs.ref(r) }},
			{name: "first_sample_token", read: func(r *pull.Reader, s *Scene) { s.first = strings.Clone(r.Token()) }},
			{name: "last_sample_token", read: func(r *pull.Reader, s *Scene) { s.last = strings.Clone(r.Token()) }},
			{name: "nbr_samples", optional: true, read: func(r *pull.Reader, s *Scene) { s.declared = integer(r) }},
			{name: "name", read: func(r *pull.Reader, s *Scene) { s.Name = r.String() }},
			{name: "description", read: func(r *pull.Reader, s *Scene) { s.Description = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	for i := range t.scenes.rows {
		if s := &t.scenes.rows[i]; s.Log == nil {
			s.Log = &Log{}
		}
	}
	t.samples, err = readTable(t, schema[Sample]{
		name: "sample", need: answering, token: func(s *Sample) *string { return &s.Token }, faults: func(s *Sample) **fault { return &s.faults },
		fields: fields[Sample]{
			{name: "timestamp", need: timing | moving, read: func(r *pull.Reader, s *Sample) { s.setTime(r.Rounded()) }},
			{name: "scene_token", link: true, read: func(r *pull.Reader, s *Sample) { s.Scene = t.scenes.ref(r) }},
			{name: "prev", read: func(r *pull.Reader, s *Sample) { s.prev = strings.Clone(r.Token()) }},
			{name: "next", read: func(r *pull.Reader, s *Sample) { s.next = strings.Clone(r.Token()) }},
		},
	})
	return err
}

func (t *tables) readData() (err error) {
	if t.poses, err = t.readPoses(nil); err != nil {
		return err
	}
	t.data, err = readTable(t, schema[SampleData]{
		name: "sample_data", token: func(d *SampleData) *string { return &d.Token }, faults: func(d *SampleData) **fault { return &d.faults },
		fields: fields[SampleData]{
			{name: "sample_token", link: true, read: func(r *pull.Reader, d *SampleData) { d.Sample = t.samples.ref(r) }},
			{name: "ego_pose_token", link: true, need: placing, read: func(r *pull.Reader, d *SampleData) { d.EgoPose = t.poses.ref(r) }},
			{name: "calibrated_sensor_token", link: true, need: mounting, read: func(r *pull.Reader, d *SampleData) { d.Calibration = t.calibrations.ref(r) }},
			{name: "timestamp", need: timing, read: func(r *pull.Reader, d *SampleData) { d.Timestamp = timestamp(r) }},
			{name: "is_key_frame", read: func(r *pull.Reader, d *SampleData) { d.KeyFrame = truth(r) }},
			{name: "height", need: viewing, read: func(r *pull.Reader, d *SampleData) { d.Height = count(r) }},
			{name: "width", need: viewing, read: func(r *pull.Reader, d *SampleData) { d.Width = count(r) }},
			{name: "filename", need: viewing, read: func(r *pull.Reader, d *SampleData) { d.Filename = localName(r) }},
			{name: "is_valid", optional: true, read: func(r *pull.Reader, d *SampleData) { d.Invalid = invalid(r) }},
			{name: "prev", read: func(r *pull.Reader, d *SampleData) { d.prev = strings.Clone(r.Token()) }},
			{name: "next", read: func(r *pull.Reader, d *SampleData) { d.next = strings.Clone(r.Token()) }},
		},
	})
	return err
}

// readPoses reads the ego poses whose tokens are wanted, nil for all.
func (t *tables) readPoses(wanted func(token string) bool) (index[EgoPose], error) {
	return readTable(t, schema[EgoPose]{
		name: "ego_pose", token: func(p *EgoPose) *string { return &p.Token }, faults: func(p *EgoPose) **fault { return &p.faults },
		wanted: wanted,
		fields: fields[EgoPose]{
			{name: "timestamp", read: func(r *pull.Reader, p *EgoPose) { p.Timestamp = timestamp(r) }},
			{name: "rotation", need: turning, read: func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Rotation = rotation(r) }},
			{name: "translation", need: placing, read: func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Translation = vector(r) }},
		},
	})
}

// wantedSample reads a sample's token, and reports whether what belongs to it is
// wanted.
func (t *tables) wantedSample(r *pull.Reader, sample **Sample) bool {
	*sample = t.samples.ref(r)
	return !r.Failed() && !(*sample).unread
}

func (t *tables) readAnnotations() (err error) {
	t.annotations, err = readTable(t, schema[Annotation]{
		name: "sample_annotation", token: func(a *Annotation) *string { return &a.Token }, faults: func(a *Annotation) **fault { return &a.faults },
		fields: fields[Annotation]{
			{name: "sample_token", link: true, wanted: func(r *pull.Reader, a *Annotation) bool { return t.wantedSample(r, &a.Sample) }},
			{name: "instance_token", link: true, need: sorting, read: func(r *pull.Reader, a *Annotation) { a.Instance = t.instances.ref(r) }},
			{name: "visibility_token", link: true, read: func(r *pull.Reader, a *Annotation) { a.Visibility = t.visibilities.optionalRef(r) }},
			{name: "attribute_tokens", need: grading, read: func(r *pull.Reader, a *Annotation) { a.Attributes = t.readAttributes(r) }},
			{name: "translation", need: grading | masking | moving, read: func(r *pull.Reader, a *Annotation) { a.Center = vector(r) }},
			{name: "size", need: grading | masking, read: func(r *pull.Reader, a *Annotation) { a.Size = vector(r) }},
			{name: "rotation", need: grading | masking, read: func(r *pull.Reader, a *Annotation) { a.Rotation = quaternion(r) }},
			{name: "prev", need: grading, read: func(r *pull.Reader, a *Annotation) { a.prev = strings.Clone(r.Token()) }},
			{name: "next", need: grading, read: func(r *pull.Reader, a *Annotation) { a.next = strings.Clone(r.Token()) }},
			{name: "num_lidar_pts", need: grading, read: func(r *pull.Reader, a *Annotation) { a.LidarPoints = integer(r) }},
			{name: "num_radar_pts", need: grading, read: func(r *pull.Reader, a *Annotation) { a.RadarPoints = integer(r) }},
		},
	})
	for i := range t.annotations.rows {
		if a := &t.annotations.rows[i]; a.Instance == nil {
			a.Instance = &Instance{Category: &Category{}}
		}
	}
	return err
}

// readAttributes reads a list of tokens; nil if one of them leads nowhere.
func (t *tables) readAttributes(r *pull.Reader) (attributes []*Attribute) {
	for range r.Array() {
		attributes = append(attributes, t.attributes.ref(r))
	}
	if r.Failed() {
		return nil
	}
	return attributes
}
