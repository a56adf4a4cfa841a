package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small is the two sizes on a small scale: two splits with all sensors, and the
// second of them alone with results.
func small() (both, val sizes) {
	first := split{scenes: []int{1, 2, 5}, samples: 20, annotations: 400}
	second := split{scenes: []int{3, 12}, samples: 13, annotations: 301}
	both = sizes{splits: []split{first, second}, sensors: rig(), data: 2_345}
	val = sizes{splits: []split{second}, sensors: rig()[:1], data: second.samples, boxes: 60}
	return both, val
}

// row is what a table's rows hold, as far as they hold it.
type row struct {
	Token, Name, Prev, Next  string
	Timestamp                int64
	NbrSamples               int        `json:"nbr_samples"`
	NbrAnnotations           int        `json:"nbr_annotations"`
	SampleToken              string     `json:"sample_token"`
	FirstSampleToken         string     `json:"first_sample_token"`
	LastSampleToken          string     `json:"last_sample_token"`
	SceneToken               string     `json:"scene_token"`
	LogToken                 string     `json:"log_token"`
	LogTokens                []string   `json:"log_tokens"`
	CategoryToken            string     `json:"category_token"`
	InstanceToken            string     `json:"instance_token"`
	FirstAnnotationToken     string     `json:"first_annotation_token"`
	LastAnnotationToken      string     `json:"last_annotation_token"`
	AttributeTokens          []string   `json:"attribute_tokens"`
	VisibilityToken          string     `json:"visibility_token"`
	EgoPoseToken             string     `json:"ego_pose_token"`
	SensorToken              string     `json:"sensor_token"`
	CalibratedSensorToken    string     `json:"calibrated_sensor_token"`
	IsKeyFrame               bool       `json:"is_key_frame"`
	Filename                 string     `json:"filename"`
	Translation, Size        [3]float64 // of annotations
	Rotation                 [4]float64
	NumLidarPts, NumRadarPts int
}

// made writes a set and returns its folder and its tables.
func made(t *testing.T, size sizes) (dir string, tables map[string][]row) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "set")
	if err := run(dir, size); err != nil {
		t.Fatal(err)
	}
	tables = map[string][]row{}
	for _, name := range tableNames {
		var rows []row
		unmarshal(t, filepath.Join(dir, version, name+".json"), &rows)
		tables[name] = rows
	}
	return dir, tables
}

func unmarshal(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestSizes(t *testing.T) {
	size := trainvalSize()
	samples, annotations := 0, 0
	for _, p := range size.plans() {
		if p.samples < 40 || p.samples > 41 || p.annotations < p.samples {
			t.Errorf("scene %d has %d samples and %d annotations", p.number, p.samples, p.annotations)
		}
		samples, annotations = samples+p.samples, annotations+p.annotations
	}
	if train, val := len(size.splits[0].scenes), len(size.splits[1].scenes); train != 700 || val != 150 {
		t.Errorf("%d and %d scenes, want 700 and 150", train, val)
	}
	if samples != 34_149 || annotations != 1_166_187 {
		t.Errorf("%d samples and %d annotations, want 34149 and 1166187", samples, annotations)
	}
}

func TestSameBytes(t *testing.T) {
	both, val := small()
	for _, size := range []sizes{both, val} {
		first, _ := made(t, size)
		second, _ := made(t, size)
		if a, b := contents(t, first), contents(t, second); !maps.Equal(a, b) {
			t.Error("two runs differ")
		}
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestExistingFolderStays(t *testing.T) {
	size, _ := small()
	folder := t.TempDir()
	if err := run(folder, size); err != nil {
		t.Fatal(err)
	}
	if files := contents(t, folder); len(files) > 0 {
		t.Errorf("wrote %d files", len(files))
	}
}

func TestCounts(t *testing.T) {
	both, val := small()
	for _, tt := range []struct {
		size sizes
		want map[string]int
	}{
		{both, map[string]int{
			"scene": 5, "sample": 33, "sample_annotation": 701, "sample_data": 2_345, "ego_pose": 2_345,
			"sensor": 12, "calibrated_sensor": 60, "log": 1, "map": 1, "visibility": 4, "attribute": 8,
		}},
		{val, map[string]int{
			"scene": 2, "sample": 13, "sample_annotation": 301, "sample_data": 13, "ego_pose": 13,
			"sensor": 1, "calibrated_sensor": 2,
		}},
	} {
		_, tables := made(t, tt.size)
		for name, n := range tt.want {
			if len(tables[name]) != n {
				t.Errorf("%s has %d rows, want %d", name, len(tables[name]), n)
			}
		}
	}
}

func TestTokensLead(t *testing.T) {
	size, _ := small()
	_, tables := made(t, size)
	byToken := map[string]map[string]row{}
	for name, rows := range tables {
		byToken[name] = map[string]row{}
		for _, r := range rows {
			if _, twice := byToken[name][r.Token]; twice || len(r.Token) != 32 && name != "visibility" {
				t.Errorf("%s: token %q is not unique or no 32 digits", name, r.Token)
			}
			byToken[name][r.Token] = r
		}
	}
	for name, rows := range tables {
		for _, r := range rows {
			for target, tokens := range references(name, r) {
				for _, token := range tokens {
					if _, ok := byToken[target][token]; !ok {
						t.Errorf("%s: row %s: %q is no token of %s", name, r.Token, token, target)
					}
				}
			}
			checkNeighbours(t, name, r, byToken)
		}
	}
}

// references returns the tokens that a row must have, by the tables that they lead to.
func references(table string, r row) map[string][]string {
	switch table {
	case "map":
		return map[string][]string{"log": r.LogTokens}
	case "scene":
		return map[string][]string{"log": {r.LogToken}, "sample": {r.FirstSampleToken, r.LastSampleToken}}
	case "sample":
		return map[string][]string{"scene": {r.SceneToken}}
	case "calibrated_sensor":
		return map[string][]string{"sensor": {r.SensorToken}}
	case "sample_data":
		return map[string][]string{"sample": {r.SampleToken}, "ego_pose": {r.EgoPoseToken}, "calibrated_sensor": {r.CalibratedSensorToken}}
	case "instance":
		return map[string][]string{"category": {r.CategoryToken}, "sample_annotation": {r.FirstAnnotationToken, r.LastAnnotationToken}}
	case "sample_annotation":
		return map[string][]string{
			"sample": {r.SampleToken}, "instance": {r.InstanceToken}, "attribute": r.AttributeTokens, "visibility": {r.VisibilityToken},
		}
	}
	return nil
}

// checkNeighbours wants prev and next to lead back, and time to ascend.
func checkNeighbours(t *testing.T, name string, r row, byToken map[string]map[string]row) {
	t.Helper()
	for _, side := range []struct {
		token string
		back  func(row) string
	}{
		{r.Prev, func(other row) string { return other.Next }},
		{r.Next, func(other row) string { return other.Prev }},
	} {
		if other, ok := byToken[name][side.token]; side.token != "" && (!ok || side.back(other) != r.Token) {
			t.Errorf("%s: row %s: neighbour %q does not lead back", name, r.Token, side.token)
		}
	}
	if r.Next == "" {
		return
	}
	now, later := r, byToken[name][r.Next]
	if name == "sample_annotation" {
		now, later = byToken["sample"][r.SampleToken], byToken["sample"][later.SampleToken]
		if now.Next != later.Token {
			t.Errorf("annotation %s: next is not in the next sample", r.Token)
		}
	}
	if now.Timestamp >= later.Timestamp || now.Timestamp < epoch {
		t.Errorf("%s: row %s: next is not later", name, r.Token)
	}
}

func TestEverySensorHasKeyFrames(t *testing.T) {
	size, _ := small()
	_, tables := made(t, size)
	keys, names := map[string]int{}, map[string]bool{}
	for _, r := range tables["sample_data"] {
		names[r.Filename] = true
		if r.IsKeyFrame {
			keys[r.SampleToken]++
		}
	}
	if len(names) != len(tables["sample_data"]) {
		t.Error("files of the same name")
	}
	for _, sample := range tables["sample"] {
		if keys[sample.Token] != len(size.sensors) {
			t.Errorf("sample %s has %d key frames", sample.Token, keys[sample.Token])
		}
	}
}

// TestSplitIsTheSame wants a split to be what it is without the others.
func TestSplitIsTheSame(t *testing.T) {
	both, val := small()
	_, all := made(t, both)
	_, alone := made(t, val)
	for _, name := range []string{"sample", "instance", "sample_annotation"} {
		text := map[string]string{}
		for _, r := range all[name] {
			text[r.Token] = encoded(t, r)
		}
		for _, r := range alone[name] {
			if got := encoded(t, r); got != text[r.Token] {
				t.Errorf("%s: %s alone, %s with others", name, got, text[r.Token])
			}
		}
	}
}

func encoded(t *testing.T, r row) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestResults(t *testing.T) {
	_, size := small()
	dir, tables := made(t, size)
	var results struct {
		Meta    map[string]bool
		Results map[string][]struct {
			SampleToken   string     `json:"sample_token"`
			DetectionName string     `json:"detection_name"`
			Score         float64    `json:"detection_score"`
			Size          [3]float64 `json:"size"`
		}
	}
	unmarshal(t, filepath.Join(dir, "results.json"), &results)
	if !results.Meta["use_camera"] || len(results.Meta) != 5 {
		t.Errorf("meta %v", results.Meta)
	}
	if len(results.Results) != len(tables["sample"]) {
		t.Errorf("%d samples, want %d", len(results.Results), len(tables["sample"]))
	}
	for _, sample := range tables["sample"] {
		boxes := results.Results[sample.Token]
		if len(boxes) != size.boxes || len(boxes) > 500 {
			t.Errorf("sample %s has %d boxes, want %d", sample.Token, len(boxes), size.boxes)
		}
		for _, b := range boxes {
			known := slices.ContainsFunc(kinds, func(k kind) bool { return k.class() == b.DetectionName })
			if b.SampleToken != sample.Token || b.DetectionName == "" || !known ||
				b.Score <= 0 || b.Score >= 1 || slices.Min(b.Size[:]) <= 0 {
				t.Errorf("sample %s: box %+v", sample.Token, b)
			}
		}
	}
}
