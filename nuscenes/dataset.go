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
	folder := filepath.Join(dir, version)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("nuscenes: %s is no folder of tables%s", folder, versionsHint(dir))
	}
	var t tables
	for _, step := range []func(string) error{
		t.readObjects, t.readSensors, t.readSamples, t.readData, t.readAnnotations,
		t.linkSamples, t.linkData, t.linkAnnotations, t.orderSamples,
	} {
		if err := step(folder); err != nil {
			return nil, err
		}
	}
	return t.dataset(dir, version), nil
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
		"category", func(c *Category) *string { return &c.Token },
		[]field[Category]{{"name", func(r *pull.Reader, c *Category) { c.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.attributes, err = readTable(folder, schema[Attribute]{
		"attribute", func(a *Attribute) *string { return &a.Token },
		[]field[Attribute]{{"name", func(r *pull.Reader, a *Attribute) { a.Name = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.visibilities, err = readTable(folder, schema[Visibility]{
		"visibility", func(v *Visibility) *string { return &v.Token },
		[]field[Visibility]{{"level", func(r *pull.Reader, v *Visibility) { v.Level = r.String() }}},
	})
	if err != nil {
		return err
	}
	t.instances, err = readTable(folder, schema[Instance]{
		"instance", func(i *Instance) *string { return &i.Token },
		[]field[Instance]{{"category_token", func(r *pull.Reader, i *Instance) { i.Category = t.categories.ref(r) }}},
	})
	return err
}

func (t *tables) readSensors(folder string) (err error) {
	t.sensors, err = readTable(folder, schema[Sensor]{
		"sensor", func(s *Sensor) *string { return &s.Token },
		[]field[Sensor]{
			{"channel", func(r *pull.Reader, s *Sensor) { s.Channel = r.String() }},
			{"modality", func(r *pull.Reader, s *Sensor) { s.Modality = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	for i := range t.sensors.rows {
		t.sensors.rows[i].order = i
	}
	t.calibrations, err = readTable(folder, schema[Calibration]{
		"calibrated_sensor", func(c *Calibration) *string { return &c.Token },
		[]field[Calibration]{
			{"sensor_token", func(r *pull.Reader, c *Calibration) { c.Sensor = t.sensors.ref(r) }},
			{"translation", func(r *pull.Reader, c *Calibration) { c.EgoFromSensor.Translation = vector(r) }},
			{"rotation", func(r *pull.Reader, c *Calibration) { c.EgoFromSensor.Rotation = rotation(r) }},
			{"camera_intrinsic", func(r *pull.Reader, c *Calibration) { c.Intrinsics = intrinsics(r) }},
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
		"log", func(l *Log) *string { return &l.Token },
		[]field[Log]{
			{"logfile", func(r *pull.Reader, l *Log) { l.File = r.String() }},
			{"vehicle", func(r *pull.Reader, l *Log) { l.Vehicle = r.String() }},
			{"date_captured", func(r *pull.Reader, l *Log) { l.Date = r.String() }},
			{"location", func(r *pull.Reader, l *Log) { l.Location = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	t.scenes, err = readTable(folder, schema[Scene]{
		"scene", func(s *Scene) *string { return &s.Token },
		[]field[Scene]{
			{"log_token", func(r *pull.Reader, s *Scene) { s.Log = t.logs.ref(r) }},
			{"first_sample_token", func(r *pull.Reader, s *Scene) { s.first = r.String() }},
			{"last_sample_token", func(r *pull.Reader, s *Scene) { s.last = r.String() }},
			{"name", func(r *pull.Reader, s *Scene) { s.Name = r.String() }},
			{"description", func(r *pull.Reader, s *Scene) { s.Description = r.String() }},
		},
	})
	if err != nil {
		return err
	}
	t.samples, err = readTable(folder, schema[Sample]{
		"sample", func(s *Sample) *string { return &s.Token },
		[]field[Sample]{
			{"timestamp", func(r *pull.Reader, s *Sample) { s.Timestamp = timestamp(r) }},
			{"scene_token", func(r *pull.Reader, s *Sample) { s.Scene = t.scenes.ref(r) }},
			{"prev", func(r *pull.Reader, s *Sample) { s.prev = r.String() }},
			{"next", func(r *pull.Reader, s *Sample) { s.next = r.String() }},
		},
	})
	return err
}

func (t *tables) readData(folder string) (err error) {
	t.poses, err = readTable(folder, schema[EgoPose]{
		"ego_pose", func(p *EgoPose) *string { return &p.Token },
		[]field[EgoPose]{
			{"timestamp", func(r *pull.Reader, p *EgoPose) { p.Timestamp = timestamp(r) }},
			{"rotation", func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Rotation = rotation(r) }},
			{"translation", func(r *pull.Reader, p *EgoPose) { p.GlobalFromEgo.Translation = vector(r) }},
		},
	})
	if err != nil {
		return err
	}
	t.data, err = readTable(folder, schema[SampleData]{
		"sample_data", func(d *SampleData) *string { return &d.Token },
		[]field[SampleData]{
			{"sample_token", func(r *pull.Reader, d *SampleData) { d.Sample = t.samples.ref(r) }},
			{"ego_pose_token", func(r *pull.Reader, d *SampleData) { d.EgoPose = t.poses.ref(r) }},
			{"calibrated_sensor_token", func(r *pull.Reader, d *SampleData) { d.Calibration = t.calibrations.ref(r) }},
			{"timestamp", func(r *pull.Reader, d *SampleData) { d.Timestamp = timestamp(r) }},
			{"is_key_frame", func(r *pull.Reader, d *SampleData) { d.KeyFrame = r.Bool() }},
			{"height", func(r *pull.Reader, d *SampleData) { d.Height = count(r) }},
			{"width", func(r *pull.Reader, d *SampleData) { d.Width = count(r) }},
			{"filename", func(r *pull.Reader, d *SampleData) { d.Filename = localName(r) }},
			{"prev", func(r *pull.Reader, d *SampleData) { d.prev = r.String() }},
			{"next", func(r *pull.Reader, d *SampleData) { d.next = r.String() }},
		},
	})
	return err
}

// localName reads the name of a file that lies in the data set's folder.
func localName(r *pull.Reader) string {
	name := strings.Clone(r.String())
	if !filepath.IsLocal(filepath.FromSlash(name)) && r.Err() == nil {
		r.Fail("%q leads out of the data set's folder, want a path below it", name)
	}
	return name
}

func (t *tables) readAnnotations(folder string) (err error) {
	t.annotations, err = readTable(folder, schema[Annotation]{
		"sample_annotation", func(a *Annotation) *string { return &a.Token },
		[]field[Annotation]{
			{"sample_token", func(r *pull.Reader, a *Annotation) { a.Sample = t.samples.ref(r) }},
			{"instance_token", func(r *pull.Reader, a *Annotation) { a.Instance = t.instances.ref(r) }},
			{"visibility_token", func(r *pull.Reader, a *Annotation) { a.Visibility = t.visibilities.optionalRef(r) }},
			{"attribute_tokens", func(r *pull.Reader, a *Annotation) {
				for range r.Array() {
					a.Attributes = append(a.Attributes, t.attributes.ref(r))
				}
			}},
			{"translation", func(r *pull.Reader, a *Annotation) { a.Center = vector(r) }},
			{"size", func(r *pull.Reader, a *Annotation) { a.Size = positive(r) }},
			{"rotation", func(r *pull.Reader, a *Annotation) { a.Rotation = rotation(r) }},
			{"prev", func(r *pull.Reader, a *Annotation) { a.prev = r.String() }},
			{"next", func(r *pull.Reader, a *Annotation) { a.next = r.String() }},
			{"num_lidar_pts", func(r *pull.Reader, a *Annotation) { a.LidarPoints = count(r) }},
			{"num_radar_pts", func(r *pull.Reader, a *Annotation) { a.RadarPoints = count(r) }},
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
		if other := d.Sample.Key(d.Channel()); other != nil {
			return x.fail(i, d.Token, "is_key_frame", "sample %q has another key frame of %s, %q", d.Sample.Token, d.Channel(), other.Token)
		}
		d.Sample.keyFrames = append(d.Sample.keyFrames, d)
	}
	for i := range t.samples.rows {
		slices.SortStableFunc(t.samples.rows[i].keyFrames, func(a, b *SampleData) int {
			return a.Calibration.Sensor.order - b.Calibration.Sensor.order
		})
	}
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
