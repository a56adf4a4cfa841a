package nuscenes

import (
	"cmp"
	"slices"
)

func (t *tables) linkSamples() error {
	x := &t.samples
	for i := range x.rows {
		s := &x.rows[i]
		s.Prev = x.link(&t.findings, i, "prev", s.prev, 0)
		s.Next = x.link(&t.findings, i, "next", s.next, 0)
		s.prev, s.next = "", ""
		s.unread = s.Scene == nil
	}
	return nil
}

func (t *tables) linkData() error {
	x := &t.data
	for i := range x.rows {
		d := &x.rows[i]
		d.Prev = x.link(&t.findings, i, "prev", d.prev, 0)
		d.Next = x.link(&t.findings, i, "next", d.next, 0)
		if d.Prev != nil && d.Prev.Timestamp >= d.Timestamp { // following prev must come to an end
			x.flaw(&t.findings, i, Unusable, 0, x.error(i, "prev", "leads to %q, which is not an earlier measurement", d.Prev.Token))
			d.Prev = nil
		}
		d.prev, d.next = "", ""
		if d.KeyFrame && d.Sample != nil {
			t.addKeyFrame(i)
		}
	}
	t.sortKeyFrames()
	return nil
}

// addKeyFrame gives a measurement to its sample. Of several of one channel the last
// one counts. One whose sensor is not known is the sample's stray.
func (t *tables) addKeyFrame(i int) {
	d := t.data.counting(i)
	if d.Calibration == nil || d.Calibration.faults.of(mounting) != nil && d.Calibration.Sensor.Token == "" {
		d.Sample.stray = cmp.Or(d.Sample.stray, d)
		return
	}
	frames := d.Sample.keyFrames
	other := slices.IndexFunc(frames, func(f *SampleData) bool { return f == d || d.Channel() != "" && f.Channel() == d.Channel() })
	if other < 0 {
		d.Sample.keyFrames = append(frames, d)
		return
	}
	if frames[other] != d {
		t.findings.add(Repeated, t.data.error(i, "is_key_frame", "sample %q has an earlier key frame of %s, %q",
			d.Sample.Token, d.Channel(), frames[other].Token))
	}
	frames[other] = d
}

// sortKeyFrames brings each sample's key frames into the sensors' order.
func (t *tables) sortKeyFrames() {
	for i := range t.samples.rows {
		slices.SortStableFunc(t.samples.rows[i].keyFrames, func(a, b *SampleData) int {
			return a.Calibration.Sensor.order - b.Calibration.Sensor.order
		})
	}
}

// linkAnnotations gives each row of the table to its sample: the last one with its
// token, and all as often as the sample has rows, as nuscenes-devkit does.
func (t *tables) linkAnnotations() error {
	x := &t.annotations
	for i := range x.rows {
		a := &x.rows[i]
		a.Prev = x.link(&t.findings, i, "prev", a.prev, grading)
		a.Next = x.link(&t.findings, i, "next", a.next, grading)
		a.prev, a.next = "", ""
		a.Sample.Annotations = append(a.Sample.Annotations, x.counting(i))
	}
	if t.samples.repeated {
		for s, n := range t.samples.unique() {
			s.Annotations = slices.Repeat(s.Annotations, n)
		}
	}
	return nil
}

// orderSamples gives each scene its samples: in the order that links give from the
// first to the last, or in that of their times if links do not lead to each once.
func (t *tables) orderSamples() error {
	members := map[*Scene][]*Sample{}
	for s := range t.samples.unique() {
		members[s.Scene] = append(members[s.Scene], s)
	}
	for i := range t.scenes.rows {
		scene := &t.scenes.rows[i]
		if t.scenes.counting(i) == scene {
			t.orderScene(i, members[scene])
		}
		scene.first, scene.last = "", ""
	}
	return nil
}

func (t *tables) orderScene(i int, members []*Sample) {
	scene := &t.scenes.rows[i]
	note := func(field, format string, args ...any) {
		t.findings.add(Replaced, t.scenes.error(i, field, format, args...))
	}
	if scene.declared != 0 && scene.declared != len(members) {
		note("nbr_samples", "is %d, but %d samples are of the scene", scene.declared, len(members))
	}
	scene.Samples = t.linked(scene, len(members))
	if n := len(scene.Samples); n > 0 && n == len(members) && scene.Samples[n-1].Next == nil && scene.Samples[n-1].Token == scene.last {
		return
	}
	switch {
	case len(members) == 0:
		note("first_sample_token", "no sample is of the scene")
	case len(scene.Samples) < len(members):
		note("first_sample_token", "following next from it does not lead to the scene's %d samples once each: they are ordered by time", len(members))
		scene.Samples = byTime(members)
	default:
		note("last_sample_token", "following next does not end at it, but at %q after %d samples", scene.Samples[len(members)-1].Token, len(members))
	}
	relink(scene.Samples)
}

// linked follows the links from a scene's first sample, to n samples at most.
func (t *tables) linked(scene *Scene, n int) (samples []*Sample) {
	seen := map[*Sample]bool{}
	for s := t.samples.byToken[scene.first]; s != nil && s.Scene == scene && len(samples) < n && !seen[s]; s = s.Next {
		samples = append(samples, s)
		seen[s] = true
	}
	return samples
}

// byTime sorts samples by their times, or leaves them in the table's order if there
// is one without.
func byTime(samples []*Sample) []*Sample {
	if !slices.ContainsFunc(samples, func(s *Sample) bool { return s.faults.of(timing) != nil }) {
		slices.SortStableFunc(samples, func(a, b *Sample) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	}
	return samples
}

// relink makes the samples' links what their order is.
func relink(samples []*Sample) {
	for i, s := range samples {
		s.Prev, s.Next = nil, nil
		if i > 0 {
			s.Prev, samples[i-1].Next = samples[i-1], s
		}
	}
}
