package eval

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
	"github.com/solofusion/solofusion/perception"
)

func TestFilters(t *testing.T) {
	ds := openTiny(t, tinyset.New())
	sample := ds.Samples[0] // the vehicle stands at the origin
	graded := newFilter(CVPR2019())
	graded.racks = racks(sample)
	tests := []struct {
		class  string
		center geom.Vec3
		points int
		want   bool
	}{
		{"car", geom.Vec3{49.999, 0, 0}, -1, true},
		{"car", geom.Vec3{30, 40, 0}, -1, false}, // exactly 50 m
		{"car", geom.Vec3{1, 0, 900}, 5, true},   // height does not count
		{"car", geom.Vec3{1, 0, 0}, 0, false},
		{"pedestrian", geom.Vec3{0, -40, 0}, -1, false},
		{"barrier", geom.Vec3{0, 29.9, 0}, -1, true},
		{"traffic_cone", geom.Vec3{0, 30, 0}, -1, false},
		{"bicycle", geom.Vec3{12, -6, 0.5}, -1, false},    // the rack's centre
		{"motorcycle", geom.Vec3{15, -7, 1.2}, -1, false}, // its corner
		{"bicycle", geom.Vec3{15.01, -6, 0.5}, -1, true},  // beyond its length of 6
		{"bicycle", geom.Vec3{12, -7.01, 0.5}, -1, true},  // beyond its width of 2
		{"bicycle", geom.Vec3{12, -6, 1.3}, -1, true},     // above it
		{"pedestrian", geom.Vec3{12, -6, 0.5}, -1, true},
	}
	for _, test := range tests {
		class, _ := perception.ParseClass(test.class)
		if got := graded.keeps(class, test.center, test.points); got != test.want {
			t.Errorf("%s at %v with %d points: kept %v, want %v", test.class, test.center, test.points, got, test.want)
		}
	}
}

func TestResultsMustAnswerTheSplit(t *testing.T) {
	tables := tinyset.New()
	dir := tables.Write(t)
	tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, "splits.json"), []byte(`{"short": ["scene-0916"]}`))
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	cfg := CVPR2019()
	full := truthAsResults(ds)
	short := &nuscenes.Results{Meta: full.Meta, Samples: full.Samples[3:]}
	more := &nuscenes.Results{Meta: full.Meta, Samples: append(full.Samples[1:5:5], nuscenes.SampleResult{Token: "x"})}
	tests := []struct {
		split   string
		results *nuscenes.Results
		want    string
	}{
		{"mini_val", short, "lacks 3 of its samples (scene-0103-sample-0, scene-0103-sample-1, scene-0103-sample-2)"},
		{"mini_val", &nuscenes.Results{}, "scene-0103-sample-2, ...)"},
		{"all", more, "eval: results does not answer split all: it lacks 1 of its samples (scene-0103-sample-0) and has 1 samples that are not in it (x; 1 not in v1.0-mini); 4 of 5 samples match"},
		{"short", &nuscenes.Results{Samples: full.Samples[:3]}, "it lacks 2 of its samples (scene-0916-sample-0, scene-0916-sample-1) and has others: 3 of split mini_val; 0 of 2 samples match"},
	}
	for _, test := range tests {
		_, err := Frames(ds, mustSplit(t, ds, test.split), test.results, cfg)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.split, err, test.want)
		}
	}
	if frames, err := Frames(ds, mustSplit(t, ds, "short"), full, cfg); err != nil || len(frames) != 2 {
		t.Errorf("a custom split of a full file: %d frames, %v, want 2", len(frames), err)
	}
	narrow, err := ds.Part(nuscenes.Part{Split: "mini_val", Scenes: []string{"scene-0916"}})
	if err != nil {
		t.Fatal(err)
	}
	more.Samples = append(more.Samples, full.Samples[0])
	if frames, err := Frames(ds, narrow, more, cfg); err != nil || len(frames) != 2 || frames[0].Sample.Scene.Name != "scene-0916" {
		t.Errorf("a scene of an official split: %d frames, %v, want 2", len(frames), err)
	}
	if hint := origins(ds, []string{ds.Samples[0].Token, "x", ds.Samples[4].Token, "y"}); hint != "; 2 of split mini_val; 2 not in v1.0-mini" {
		t.Errorf("hint %q", hint)
	}
}

func TestFramesNeedTruth(t *testing.T) {
	tables := tinyset.New()
	tables["sample_annotation"] = []tinyset.Row{}
	ds := openTiny(t, tables)
	if _, err := Frames(ds, mustSplit(t, ds, "mini_val"), truthAsResults(ds), CVPR2019()); err == nil || !strings.Contains(err.Error(), "split mini_val have no annotations") {
		t.Errorf("error %v", err)
	}
}

func TestFramesNeedOneAttributeAndAPose(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample_annotation", "scene-0103-car-0")["attribute_tokens"] = []string{"moving", "riderless"}
	ds := openTiny(t, tables)
	if _, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019()); err == nil || !strings.Contains(err.Error(), "2 attributes, want one at most") {
		t.Errorf("two attributes: %v", err)
	}
	tables = tinyset.New()
	for _, row := range tables["sample_data"] {
		row["is_key_frame"] = row["sample_token"] != "scene-0103-sample-0"
	}
	ds = openTiny(t, tables)
	if _, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019()); err == nil || !strings.Contains(err.Error(), "has no key frame of any sensor") {
		t.Errorf("no key frame: %v", err)
	}
	tables = tinyset.New()
	tables.Row("sample_annotation", "scene-0103-car-0")["num_lidar_pts"] = nil
	ds = openTiny(t, tables)
	if _, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019()); err == nil || !strings.Contains(err.Error(), "field num_lidar_pts") {
		t.Errorf("no count of points: %v", err)
	}
}

// TestBoxesWithoutExtent are an error only if a found box may match them.
func TestBoxesWithoutExtent(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample_annotation", "scene-0103-car-0")["size"] = []float64{0, 4, 1}
	ds := openTiny(t, tables)
	results := truthAsResults(ds)
	if _, err := Frames(ds, mustSplit(t, ds, "all"), results, CVPR2019()); err == nil || !strings.Contains(err.Error(), "annotation scene-0103-car-0 has the size [0 4 1]") {
		t.Errorf("a box in its place: %v", err)
	}
	results.Samples[0].Boxes = nil
	if _, err := Frames(ds, mustSplit(t, ds, "all"), results, CVPR2019()); err != nil {
		t.Errorf("no box near it: %v", err)
	}
}

func TestOrderOfEqualScoresIsTheFiles(t *testing.T) {
	ds := openTiny(t, tinyset.New())
	results := truthAsResults(ds)
	results.Samples[0], results.Samples[4] = results.Samples[4], results.Samples[0]
	for split, want := range map[string]string{"mini_val": "scene-0916-sample-1", "all": "scene-0103-sample-0"} {
		frames, err := Frames(ds, mustSplit(t, ds, split), results, CVPR2019())
		if err != nil || frames[0].Sample.Token != want {
			t.Errorf("%s: first frame %s, %v, want %s", split, frames[0].Sample.Token, err, want)
		}
	}
}
