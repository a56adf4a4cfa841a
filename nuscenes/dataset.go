package nuscenes

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// Dataset is the linked tables of one version of a data set. Nothing in it
// may be modified.
type Dataset struct {
	Dir     string // the folder that holds the version's folder and the files
	Version string // for example v1.0-mini
	Scenes  []*Scene
	Samples []*Sample // in the table's order, which is that of results on custom splits

	sceneByName   map[string]*Scene
	sampleByToken map[string]*Sample
}

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

// Open reads the tables DIR/VERSION/*.json. It fails with a [*TableError] that
// names the first thing wrong.
func Open(dir, version string) (*Dataset, error) {
	var t tables
	err := t.read(dir, version,
		t.readObjects, t.readSensors, t.readSamples, t.readData, t.readAnnotations,
		t.linkSamples, t.linkData, t.linkAnnotations, t.orderSamples)
	if err != nil {
		return nil, err
	}
	return t.dataset(dir, version), nil
}

// OpenTruth reads what grading a part of a data set needs, which is a small
// share of its tables: scenes, samples, and for the part's samples the
// annotations and the key frame of LIDAR_TOP with its pose. Other measurements,
// and the names and links of files, are not there.
func OpenTruth(dir, version string, part Part) (*Dataset, Split, error) {
	var t tables
	err := t.read(dir, version, t.readObjects, t.readSensors, t.readSamples, t.linkSamples, t.orderSamples)
	if err != nil {
		return nil, Split{}, err
	}
	d := t.dataset(dir, version)
	split, err := d.Part(part)
	if err != nil {
		return nil, Split{}, err
	}
	for _, sample := range d.Samples {
		sample.unread = true
	}
	for _, sample := range split.Samples {
		sample.unread = false
	}
	err = t.read(dir, version, t.readLidar, t.readLidarPoses, t.readAnnotations, t.linkAnnotations)
	return d, split, err
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

// versionsHint lists the folders of dir that hold tables.
func versionsHint(dir string) string {
	found := Versions(dir)
	if len(found) == 0 {
		return ", and no folder beside it is one"
	}
	return fmt.Sprintf("; %s has %s", dir, strings.Join(found, ", "))
}

// Versions returns the names of dir's folders that hold tables, sorted.
func Versions(dir string) []string {
	found, _ := fs.Glob(os.DirFS(dir), "*/sample.json") // errs on bad patterns only
	for i, file := range found {
		found[i] = path.Dir(file)
	}
	return found
}

func (t *tables) dataset(dir, version string) *Dataset {
	d := &Dataset{
		Dir: dir, Version: version,
		sceneByName:   make(map[string]*Scene, len(t.scenes.rows)),
		sampleByToken: t.samples.byToken,
	}
	for i := range t.scenes.rows {
		scene := &t.scenes.rows[i]
		d.Scenes = append(d.Scenes, scene)
		d.sceneByName[scene.Name] = scene
	}
	for i := range t.samples.rows {
		d.Samples = append(d.Samples, &t.samples.rows[i])
	}
	return d
}

// Scene returns the scene of that name, nil where there is none.
func (d *Dataset) Scene(name string) *Scene { return d.sceneByName[name] }

// Sample returns the sample with that token, nil where there is none.
func (d *Dataset) Sample(token string) *Sample { return d.sampleByToken[token] }

// Path returns where the file of a measurement lies.
func (d *Dataset) Path(data *SampleData) string {
	return filepath.Join(d.Dir, filepath.FromSlash(data.Filename))
}

func (t *tables) readObjects(folder string) (err error) {
	t.categories, err = readTable(folder, schema[Category]{
		name: "category", token: func(c *Category) *string { return &c.Token },
		fields: []field[Category]{{name: "name", read: func(r *pull.Reader, c *Category) { c.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.attributes, err = readTable(folder, schema[Attribute]{
		name: "attribute", token: func(a *Attribute) *string { return &a.Token },
		fields: []field[Attribute]{{name: "name", read: func(r *pull.Reader, a *Attribute) { a.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.visibilities, err = readTable(folder, schema[Visibility]{
		name: "visibility", token: func(v *Visibility) *string { return &v.Token },
		fields: []field[Visibility]{{name: "level", read: func(r *pull.Reader, v *Visibility) { v.Level = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.instances, err = readTable(folder, schema[Instance]{
		name: "instance", token: func(i *Instance) *string { return &i.Token },
		fields: []field[Instance]{{name: "category_token", read: func(r *pull.Reader, i *Instance) { i.Category = t.categories.ref(r) }}},
	})
	return err
}

func (t *tables) readSensors(folder string) (err error) {
	t.sensors, err = readTable(folder, schema[Sensor]{
		name: "sensor", token: func(s *Sensor) *string { return &s.Token },
		fields: []field[Sensor]{
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
		fields: []field[Calibration]{
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
		fields: []field[Log]{
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
		fields: []field[Scene]{
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
		fields: []field[Sample]{
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
		fields: []field[SampleData]{
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
		fields: []field[EgoPose]{
			{name: "timestamp", read: func(r *pull.Reader, p *EgoPose) { p.Timestamp = timestamp(r) }},
			{name: "rotation", read: func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Rotation = rotation(r) }},
			{name: "translation", read: func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Translation = vector(r) }},
		},
	})
}

// readLidar reads the key frames of LIDAR_TOP.
func (t *tables) readLidar(folder string) (err error) {
	t.data, err = readTable(folder, schema[SampleData]{
		name: "sample_data", token: func(d *SampleData) *string { return &d.Token },
		fields: []field[SampleData]{
			{name: "sample_token", wanted: func(r *pull.Reader, d *SampleData) bool {
				d.Sample = t.samples.ref(r)
				return r.Err() == nil && !d.Sample.unread
			}},
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
		fields: []field[Annotation]{
			{name: "sample_token", wanted: func(r *pull.Reader, a *Annotation) bool {
				a.Sample = t.samples.ref(r)
				return r.Err() == nil && !a.Sample.unread
			}},
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

func (t *tables) linkSamples(string) (err error) {
	x := &t.samples
	for i := range x.rows {
		s := &x.rows[i]
		if s.Prev, err = x.link(i, "prev", s.Token, s.prev); err != nil {
			return err
		}
		if s.Next, err = x.link(i, "next", s.Token, s.next); err != nil {
			return err
		}
		s.prev, s.next = "", ""
	}
	return nil
}

func (t *tables) linkData(string) (err error) {
	x := &t.data
	for i := range x.rows {
		d := &x.rows[i]
		if d.Prev, err = x.link(i, "prev", d.Token, d.prev); err != nil {
			return err
		}
		if d.Next, err = x.link(i, "next", d.Token, d.next); err != nil {
			return err
		}
		if d.Prev != nil && d.Prev.Timestamp >= d.Timestamp { // following prev must come to an end
			return x.fail(i, d.Token, "prev", "leads to %q, which is not an earlier measurement", d.Prev.Token)
		}
		d.prev, d.next = "", ""
		if !d.KeyFrame {
			continue
		}
		if err := t.addKeyFrame(i); err != nil {
			return err
		}
	}
	for i := range t.samples.rows {
		slices.SortStableFunc(t.samples.rows[i].keyFrames, func(a, b *SampleData) int {
			return a.Calibration.Sensor.order - b.Calibration.Sensor.order
		})
	}
	return nil
}

// addKeyFrame gives a measurement to its sample.
func (t *tables) addKeyFrame(i int) error {
	d := &t.data.rows[i]
	if other := d.Sample.Key(d.Channel()); other != nil {
		return t.data.fail(i, d.Token, "is_key_frame", "sample %q has another key frame of %s, %q", d.Sample.Token, d.Channel(), other.Token)
	}
	d.Sample.keyFrames = append(d.Sample.keyFrames, d)
	return nil
}

func (t *tables) linkAnnotations(string) (err error) {
	x := &t.annotations
	for i := range x.rows {
		a := &x.rows[i]
		if a.Prev, err = x.link(i, "prev", a.Token, a.prev); err != nil {
			return err
		}
		if a.Next, err = x.link(i, "next", a.Token, a.next); err != nil {
			return err
		}
		a.prev, a.next = "", ""
		a.Sample.Annotations = append(a.Sample.Annotations, a)
	}
	return nil
}

// orderSamples follows each scene from its first to its last sample.
func (t *tables) orderSamples(string) error {
	members := map[*Scene]int{}
	for i := range t.samples.rows {
		members[t.samples.rows[i].Scene]++
	}
	for i := range t.scenes.rows {
		scene := &t.scenes.rows[i]
		sample := t.samples.byToken[scene.first]
		if sample == nil {
			return t.scenes.fail(i, scene.Token, "first_sample_token", "%q is no token of sample.json", scene.first)
		}
		for ; sample != nil && sample.Scene == scene && len(scene.Samples) < members[scene]; sample = sample.Next {
			scene.Samples = append(scene.Samples, sample)
		}
		n := len(scene.Samples)
		if n != members[scene] || sample != nil || scene.Samples[n-1].Token != scene.last {
			return t.scenes.fail(i, scene.Token, "last_sample_token",
				"following next from first_sample_token does not visit the scene's %d samples once each and end at %q",
				members[scene], scene.last)
		}
		scene.first, scene.last = "", ""
	}
	return nil
}
