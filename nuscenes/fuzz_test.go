package nuscenes

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/solofusion/solofusion/nuscenes/internal/blocks"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

const goodResults = `{"meta": {"use_camera": true, "use_lidar": false}, "results": {
"a": [{"sample_token": "a", "translation": [1, 2.5, -3e-1], "size": [2, 4, 1.5], "rotation": [1, 0, 0, 0], "velocity": [NaN, NaN],
"detection_name": "car", "detection_score": 0.25, "attribute_name": "vehicle.moving"}, {"sample_token": "a", "translation": [1, 2, 3],
"size": [2, 4, 1.5], "rotation": [0.6, 0, 0, 0.8], "velocity": [0, 1], "detection_name": "barrier", "detection_score": 1,
"attribute_name": "", "num_pts": 3, "note": [{"x": "}],"}]}],
"b": [],
"c\u00e9": [{"sample_token": "cé", "translation": [1, 2, 3], "size": [2, 4, 1.5], "rotation": [1, 0, 0, 0], "velocity": [0, 0],
"detection_name": "truck", "detection_score": 0.5, "attribute_name": ""}]}, "extra": [1, {"a": null}]}`

// FuzzResults parses a text as a whole and in blocks of any size. Blocks may fail
// if the whole does not, since they are cut by guess, but may not give anything
// else. What is written of results reads back.
func FuzzResults(f *testing.F) {
	f.Add(goodResults, 64)
	f.Add(strings.Replace(goodResults, "cé", "a", 2), 200)
	f.Add(goodResults[:300], 10)
	f.Add(`{"results": {}, "meta": {}}`, 8)
	f.Add(`{"results": {"a": []}, "meta": {}, "results": {}}`, 20)
	f.Fuzz(func(t *testing.T, text string, size int) {
		whole, err := ParseResults("f", text)
		parts, partsErr := readBlocks(strings.NewReader(text), blockSize(size))
		if diff := cmp.Diff(whole, parts, cmpopts.EquateNaNs(), cmpopts.IgnoreFields(Results{}, "File")); partsErr == nil && diff != "" {
			t.Fatalf("%v; in blocks:\n%s", err, diff)
		}
		if err != nil {
			return
		}
		var written strings.Builder
		if err := whole.Write(&written); err != nil {
			t.Fatal(err)
		}
		again, err := ParseResults("again", written.String())
		if diff := cmp.Diff(whole.Samples, again.Samples, cmpopts.EquateNaNs()); err != nil || diff != "" {
			t.Errorf("read back: %v\n%s", err, diff)
		}
	})
}

// blockSize bounds a block's size from below: blocks of no bytes would not end.
func blockSize(n int) int { return 1 + int(uint(n)%1000) }

// FuzzTables parses texts as tables, as a whole and in blocks, which must not
// give anything else.
func FuzzTables(f *testing.F) {
	for _, row := range []Row{
		AnnotationRow{Token: "a"}, SampleRow{}, SceneRow{}, EgoPoseRow{Token: "p", Timestamp: 5}, SampleDataRow{},
		CalibrationRow{Intrinsics: [][3]float64{{1}, {0, 1}, {0, 0, 1}}}, AttributeRow{Name: "vehicle.moving"},
	} {
		text, err := json.MarshalIndent([]Row{row, row, row}, "", " ")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), 100)
		f.Add(string(text[:len(text)/2]), 300)
	}
	const row = `{"token": "aTOKEN", "name": "},", "is_key_frame": true, "translation": [1, -2.5e1, 3], "size": [1, 2, 3],
"rotation": [1, 0, 0, 0], "width": 3, "camera_intrinsic": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "timestamp": 5, "more": [{}, {}]}`
	var rows []string
	for i := range 9 {
		rows = append(rows, strings.Replace(row, "TOKEN", strings.Repeat("x", i), 1))
	}
	f.Add("["+strings.Join(rows, ",")+"]", 300)
	f.Add("[\n"+strings.ReplaceAll(strings.Join(rows, ",\n"), `"},"`, `"b"`)+"\n]", 500)
	f.Add(`[{"token":"\ud800","name":NaN}]`, 3)
	f.Add(`[{"token":"a","name":"},"},{"token":"b","name":{"c":[{},{}]}}]`, 3)
	f.Fuzz(func(t *testing.T, text string, size int) {
		for _, s := range []schema[Annotation]{annotationLike(nil), annotationLike(func(token string) bool { return len(token)%2 == 0 })} {
			whole, _, err := s.parse("f", blocks.Block{Text: text, First: true, Last: true})
			parts, partsErr := s.readBlocks("f", strings.NewReader(text), blockSize(size))
			if partsErr == nil && (err != nil || whole.seen != parts.seen || !slices.EqualFunc(whole.rows, parts.rows, sameRow) || !sameFindings(whole.findings, parts.findings)) {
				t.Errorf("in blocks: %v, want %v, %v", parts, whole, err)
			}
		}
	})
}

func sameRow(a, b Annotation) bool {
	return a.Token == b.Token && a.prev == b.prev && a.Center == b.Center && a.Size == b.Size && a.Rotation == b.Rotation &&
		a.LidarPoints == b.LidarPoints && a.RadarPoints == b.RadarPoints && (a.faults.of(grading) == nil) == (b.faults.of(grading) == nil)
}

func sameFindings(a, b Findings) bool {
	return slices.EqualFunc(a, b, func(a, b *Finding) bool { return a.Name() == b.Name() && a.String() == b.String() })
}

// annotationLike is a schema with fields of each kind that tables have, none of
// them a token of another table, so that fuzzing gets past them.
func annotationLike(wanted func(string) bool) schema[Annotation] {
	return schema[Annotation]{
		name: "fuzz", need: answering, faults: func(a *Annotation) **fault { return &a.faults }, token: func(a *Annotation) *string { return &a.Token }, wanted: wanted,
		fields: fields[Annotation]{
			{name: "name", read: func(r *pull.Reader, a *Annotation) { a.prev = r.String() }},
			{name: "is_key_frame", wanted: func(r *pull.Reader, _ *Annotation) bool { return truth(r) }},
			{name: "translation", read: func(r *pull.Reader, a *Annotation) { a.Center = vector(r) }},
			{name: "size", need: grading, read: func(r *pull.Reader, a *Annotation) { a.Size = positive(r) }},
			{name: "rotation", read: func(r *pull.Reader, a *Annotation) { a.Rotation = rotation(r) }},
			{name: "width", read: func(r *pull.Reader, a *Annotation) { a.LidarPoints = count(r) }},
			{name: "camera_intrinsic", read: func(r *pull.Reader, a *Annotation) {
				if k := intrinsics(r); k != nil {
					a.RadarPoints = int(math.Float64bits(k[4]))
				}
			}},
			{name: "timestamp", read: func(r *pull.Reader, a *Annotation) { a.RadarPoints += int(timestamp(r)) }},
		},
	}
}

// TestBlocksOfEverySize reads the same text in blocks that end everywhere.
func TestBlocksOfEverySize(t *testing.T) {
	text := strings.Replace(goodResults, `, "note": [{"x": "}],"}]`, "", 1)
	whole, err := ParseResults("f", text)
	if err != nil || len(whole.Samples) != 3 {
		t.Fatal(err)
	}
	for size := 1; size < len(text)+2; size++ {
		parts, err := readBlocks(strings.NewReader(text), size)
		if diff := cmp.Diff(whole, parts, cmpopts.EquateNaNs(), cmpopts.IgnoreFields(Results{}, "File")); err != nil || diff != "" {
			t.Fatalf("blocks of %d bytes: %v\n%s", size, err, diff)
		}
	}
}
