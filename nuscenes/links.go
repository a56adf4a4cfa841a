package nuscenes

import "slices"

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
