package nuscenes

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// OpenTruth reads what grading a part of a data set needs, which is a small
// share of its tables: scenes, samples, and for the part's samples the
// annotations and the key frame of LIDAR_TOP with its pose; the key frames of all
// sensors for samples without one. Other measurements, and the names and
// links of files, are not there.
func OpenTruth(dir, version string, part Part) (*Dataset, Split, error) {
	t, err := newTables(dir, version, "grading", slices.Concat(detectionTables[:], truthTables[:]))
	if err != nil {
		return nil, Split{}, err
	}
	if err := t.read(t.readObjects, t.readSensors, t.readSamples, t.linkSamples, t.orderSamples); err != nil {
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
	err = t.read(t.readAnnotations, t.linkAnnotations, func() error { return t.readKeyFrames(split.Samples) })
	t.noteAttributes(split.Samples)
	d.Findings = t.findings
	return d, split, err
}

// readKeyFrames reads the key frames of LIDAR_TOP, for samples without one those of
// all sensors, and their poses.
func (t *tables) readKeyFrames(samples []*Sample) error {
	if err := t.readKeys(LidarTop); err != nil {
		return err
	}
	read := []index[SampleData]{t.data}
	without := slices.DeleteFunc(slices.Clone(samples), func(s *Sample) bool { return s.Key(LidarTop) != nil })
	if len(without) > 0 {
		if err := t.readOtherKeys(samples, without); err != nil {
			return err
		}
		read = append(read, t.data)
	}
	if err := t.readKeyPoses(read); err != nil {
		return err
	}
	t.noteReplaced(without)
	return nil
}

// readOtherKeys reads the key frames of all sensors of the samples without one of
// LIDAR_TOP. What is wrong with the table is known by now.
func (t *tables) readOtherKeys(samples, without []*Sample) error {
	for _, s := range samples {
		s.unread = true
	}
	for _, s := range without {
		s.unread = false
	}
	known := t.findings
	t.findings = nil
	err := t.readKeys("")
	t.findings = known
	t.sortKeyFrames()
	return err
}

// readKeys reads the key frames of a channel, "" for all; their calibrations are
// known then.
func (t *tables) readKeys(channel string) (err error) {
	calibration := field[SampleData]{name: "calibrated_sensor_token", link: true, need: mounting}
	if channel == "" {
		calibration.read = func(r *pull.Reader, d *SampleData) { d.Calibration = t.calibrations.ref(r) }
	} else {
		calibration.wanted = func(r *pull.Reader, d *SampleData) bool {
			d.Calibration = t.calibrations.ref(r)
			return !r.Failed() && d.Channel() == channel
		}
	}
	t.data, err = readTable(t, schema[SampleData]{
		name: "sample_data", token: func(d *SampleData) *string { return &d.Token }, faults: func(d *SampleData) **fault { return &d.faults },
		fields: fields[SampleData]{
			{name: "sample_token", link: true, wanted: func(r *pull.Reader, d *SampleData) bool { return t.wantedSample(r, &d.Sample) }},
			{name: "ego_pose_token", need: placing, read: func(r *pull.Reader, d *SampleData) { d.pose = r.Token() }},
			calibration,
			{name: "timestamp", need: timing, read: func(r *pull.Reader, d *SampleData) { d.Timestamp = timestamp(r) }},
			{name: "is_key_frame", wanted: func(r *pull.Reader, d *SampleData) bool {
				d.KeyFrame = truth(r)
				return d.KeyFrame
			}},
		},
		own: func(d *SampleData) { d.pose = strings.Clone(d.pose) },
	})
	for i := range t.data.rows {
		t.addKeyFrame(i)
	}
	return err
}

// readKeyPoses reads the ego poses of the measurements that were read.
func (t *tables) readKeyPoses(read []index[SampleData]) (err error) {
	wanted := make(map[string]bool, len(read[0].rows))
	for _, data := range read {
		for i := range data.rows {
			wanted[data.rows[i].pose] = true
		}
	}
	if t.poses, err = t.readPoses(func(token string) bool { return wanted[token] }); err != nil {
		return err
	}
	for k := range read {
		data := &read[k]
		for i := range data.rows {
			d := &data.rows[i]
			if d.EgoPose = t.poses.byToken[d.pose]; d.EgoPose == nil && d.faults.of(placing) == nil {
				data.flaw(&t.findings, i, Dangling, placing,
					data.error(i, "ego_pose_token", "%q is no token of %s", d.pose, filepath.Base(t.poses.file)))
			}
			d.pose = ""
		}
	}
	return nil
}

// noteReplaced takes note of the samples whose pose is not that of LIDAR_TOP.
func (t *tables) noteReplaced(samples []*Sample) {
	for _, s := range samples {
		if key := s.nearest(); key != nil {
			e := TableError{File: t.samples.file, Row: -1, Token: s.Token}
			e.Err = replacedError{key.Channel()}
			t.findings.add(Replaced, e)
		}
	}
}

// replacedError says whose pose stands for that of LIDAR_TOP.
type replacedError struct{ channel string }

func (e replacedError) Error() string {
	return "graded without " + LidarTop + ", by the vehicle's pose at the key frame nearest in time, of " + e.channel
}

// noteAttributes takes note of attributes of graded boxes that the metric does not
// know.
func (t *tables) noteAttributes(samples []*Sample) {
	unknown := t.unknownAttributes()
	if len(unknown) == 0 {
		return
	}
	for _, s := range samples {
		for _, a := range s.Annotations {
			if _, graded := a.Class(); !graded || len(a.Attributes) != 1 || !unknown[a.Attributes[0]] {
				continue
			}
			e := TableError{File: t.annotations.file, Row: -1, Token: a.Token, Field: "attribute_tokens"}
			e.Err = unknownAttribute{a.Attributes[0].Name}
			t.findings.add(Unusable, e)
		}
	}
}

// unknownAttributes are those whose name is read, and none of the metric's.
func (t *tables) unknownAttributes() map[*Attribute]bool {
	unknown := map[*Attribute]bool{}
	for i := range t.attributes.rows {
		a := &t.attributes.rows[i]
		if _, known := ParseAttribute(a.Name); !known && a.faults.of(grading) == nil {
			unknown[a] = true
		}
	}
	return unknown
}

// unknownAttribute is the error of an attribute that the metric does not know.
type unknownAttribute struct{ name string }

func (e unknownAttribute) Error() string {
	return "leads to the attribute " + e.name + ", which is none of the metric's: graded without"
}

// CheckTruth returns a [*TableError] if a field that grading the sample needs
// cannot be used: of where the vehicle was, and of the true boxes that the metric
// looks at.
func (s *Sample) CheckTruth() error {
	if err := cmp.Or(s.faults.of(answering), s.checkPose(placing)); err != nil {
		return err
	}
	for _, a := range s.Annotations {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

// checkPose returns an error if it cannot be told where the vehicle was.
func (s *Sample) checkPose(need use) error {
	if lidar := s.Key(LidarTop); lidar != nil {
		return lidar.checkPose(need)
	}
	if s.stray != nil {
		return cmp.Or(s.stray.faults.of(mounting), s.stray.calibrationFault())
	}
	for _, d := range s.keyFrames {
		if err := cmp.Or(s.faults.of(timing), d.faults.of(timing), d.checkPose(need)); err != nil {
			return err
		}
	}
	return nil
}

func (d *SampleData) checkPose(need use) error {
	if err := d.faults.of(placing); err != nil {
		return err
	}
	return d.EgoPose.faults.of(need)
}

// calibrationFault returns what is wrong with the measurement's calibration.
func (d *SampleData) calibrationFault() error {
	if d.Calibration == nil {
		return nil
	}
	return d.Calibration.faults.of(mounting)
}

// check returns an error if the metric needs a field of the box that cannot be used.
func (a *Annotation) check() error {
	if err := cmp.Or(a.faults.of(sorting), a.Instance.faults.of(sorting)); err != nil {
		return err
	}
	if _, graded := a.Class(); !graded {
		if a.Instance.Category.Name == BicycleRack {
			return a.faults.of(masking)
		}
		return nil
	}
	if err := cmp.Or(a.faults.of(grading), a.checkMotion()); err != nil {
		return err
	}
	if len(a.Attributes) == 1 {
		return a.Attributes[0].faults.of(grading)
	}
	return nil
}

// checkMotion returns an error if the box's velocity cannot be told.
func (a *Annotation) checkMotion() error {
	if a.Prev == nil && a.Next == nil {
		return nil
	}
	first, last := cmp.Or(a.Prev, a), cmp.Or(a.Next, a)
	return cmp.Or(first.faults.of(moving), first.Sample.faults.of(moving), last.faults.of(moving), last.Sample.faults.of(moving))
}
