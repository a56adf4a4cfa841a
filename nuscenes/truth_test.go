package nuscenes_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// TestOpenTruthReadsWhatOpenDoes for the samples of the part, and nothing of others.
func TestOpenTruthReadsWhatOpenDoes(t *testing.T) {
	dir := tinyset.New().Write(t)
	whole, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []nuscenes.Part{{Split: "mini_val"}, {Split: "all", Scenes: []string{"scene-0916"}}} {
		ds, split, err := nuscenes.OpenTruth(dir, tinyset.Version, part)
		if err != nil {
			t.Fatal(err)
		}
		wanted := map[*nuscenes.Sample]bool{}
		for _, s := range split.Samples {
			wanted[s] = true
			other := whole.Sample(s.Token)
			lidar, otherLidar := s.Key(nuscenes.LidarTop), other.Key(nuscenes.LidarTop)
			if lidar.EgoPose.GlobalFromEgo != otherLidar.EgoPose.GlobalFromEgo || lidar.Calibration.EgoFromSensor != otherLidar.Calibration.EgoFromSensor ||
				lidar.Timestamp != otherLidar.Timestamp || s.Key("CAM_FRONT") != nil {
				t.Errorf("%s: lidar %+v, want %+v and no camera", s.Token, lidar, otherLidar)
			}
			if len(s.Annotations) != len(other.Annotations) || s.Scene.Name != other.Scene.Name {
				t.Fatalf("%s: %d annotations, want %d", s.Token, len(s.Annotations), len(other.Annotations))
			}
			for i, a := range s.Annotations {
				b := other.Annotations[i]
				va, vb := a.Velocity(), b.Velocity()
				if a.Token != b.Token || a.Center != b.Center || a.Size != b.Size || a.Rotation != b.Rotation || a.LidarPoints != b.LidarPoints ||
					a.Instance.Category.Name != b.Instance.Category.Name || len(a.Attributes) != len(b.Attributes) || va != vb && va[0] == va[0] {
					t.Errorf("%s: annotation %+v, want %+v", s.Token, a, b)
				}
			}
		}
		for _, s := range ds.Samples {
			if !wanted[s] && (len(s.Annotations) > 0 || s.Key(nuscenes.LidarTop) != nil) {
				t.Errorf("%s is not of the part, but was read", s.Token)
			}
		}
	}
}

// TestOpenTruthOfManyBlocks reads tables of several blocks whose rows list their
// fields in another order, the file's memory being used again and again.
func TestOpenTruthOfManyBlocks(t *testing.T) {
	tables := tinyset.New()
	const extra = 40000
	for i := range extra { // sweeps, with poses
		token := fmt.Sprintf("sweep-%06d", i)
		tables["ego_pose"] = append(tables["ego_pose"], tinyset.Row{"token": "pose-" + token, "timestamp": 1 + i, "translation": []float64{0, 0, 0}, "rotation": []float64{1, 0, 0, 0}})
		tables["sample_data"] = append(tables["sample_data"], tinyset.Row{
			"token": token, "sample_token": "scene-0103-sample-0", "ego_pose_token": "pose-" + token, "calibrated_sensor_token": "lidar-1",
			"timestamp": 1 + i, "is_key_frame": false, "width": 0, "height": 0, "filename": "sweeps/" + token, "prev": "", "next": "",
		})
	}
	dir := tables.Write(t)
	// encoding/json writes keys in their order, so is_key_frame comes behind ego_pose_token. Turn that around.
	file := filepath.Join(dir, tinyset.Version, "sample_data.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	turned := regexp.MustCompile(`(?s)("ego_pose_token": "[^"]*"),(.*?)("is_key_frame": \w+)`).ReplaceAll(text, []byte("$3,$2$1"))
	if bytes.Equal(turned, text) {
		t.Fatal("no row was turned around")
	}
	tinyset.WriteFile(t, file, turned)
	ds, _, err := nuscenes.OpenTruth(dir, tinyset.Version, nuscenes.Part{Split: "mini_val"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0, 2, 4} {
		s := ds.Sample(fmt.Sprintf("scene-0103-sample-%d", i))
		if got := s.Key(nuscenes.LidarTop).EgoPose.GlobalFromEgo.Translation[0]; got != want {
			t.Errorf("%s: vehicle at %g, want %g", s.Token, got, want)
		}
	}
}

func TestParts(t *testing.T) {
	dir := tinyset.New().Write(t)
	custom := filepath.Join(t.TempDir(), "splits.json")
	tinyset.WriteFile(t, custom, []byte(`{"mine": ["scene-0916"], "mini_val": ["scene-0103"], "broken": ["scene-0916"]}`))
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		part            nuscenes.Part
		samples         int
		official, whole bool
		err             string
	}{
		{nuscenes.Part{Split: "mini_val"}, 5, true, true, ""},
		{nuscenes.Part{Split: "mini_val", Scenes: []string{"scene-0916"}}, 2, true, false, ""},
		{nuscenes.Part{Split: "mini_val", File: custom}, 3, false, false, ""},
		{nuscenes.Part{Split: "mine", File: custom}, 2, false, false, ""},
		{nuscenes.Part{Split: "all"}, 5, false, true, ""},
		{nuscenes.Part{Split: "mine", File: custom, Scenes: []string{"scene-0103"}}, 0, false, false, "scene scene-0103 is not of split mine"},
		{nuscenes.Part{Split: "all", Scenes: []string{"scene-9"}}, 0, false, false, `no scene "scene-9"`},
		{nuscenes.Part{Split: "yours", File: custom}, 0, false, false, `no split "yours"`},
		{nuscenes.Part{Split: "val", File: custom}, 0, false, false, `no split "val"`},
		{nuscenes.Part{Split: "mine", File: custom + "x"}, 0, false, false, "splits.jsonx: no such file"},
	}
	for _, test := range tests {
		split, err := ds.Part(test.part)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%+v: error %v, want %q", test.part, err, test.err)
			}
			continue
		}
		if err != nil || len(split.Samples) != test.samples || split.Official != test.official || split.Whole != test.whole {
			t.Errorf("%+v: %d samples, official %v, whole %v, %v", test.part, len(split.Samples), split.Official, split.Whole, err)
		}
	}
}
