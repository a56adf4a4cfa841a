package nuscenes_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

func twoBoxes() *nuscenes.Results {
	return &nuscenes.Results{
		Meta: nuscenes.CameraMeta(),
		Samples: []nuscenes.SampleResult{
			{Token: "b", Boxes: []nuscenes.Box{
				{Class: 0, Score: 0.25, Center: geom.Vec3{1, 2.5, -3}, Size: geom.Vec3{2, 4, 1.5}, Rotation: geom.Quat{W: 1}, Velocity: [2]float64{1e-7, 0}, Attribute: nuscenes.VehicleMoving, Points: -1},
				{Class: 9, Score: 1, Center: geom.Vec3{1e6, 0, 0}, Size: geom.Vec3{1, 1, 1}, Rotation: geom.Quat{Z: 1}, Velocity: [2]float64{math.NaN(), math.NaN()}, Points: 3},
			}},
			{Token: "a", Boxes: []nuscenes.Box{}},
		},
	}
}

func write(t *testing.T, r *nuscenes.Results) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestResultsAreWrittenInTheSubmissionFormat(t *testing.T) {
	want := `{"meta":{"use_camera":true,"use_lidar":false,"use_radar":false,"use_map":false,"use_external":false},"results":{
"b":[
{"sample_token":"b","translation":[1,2.5,-3],"size":[2,4,1.5],"rotation":[1,0,0,0],"velocity":[1e-07,0],"detection_name":"car","detection_score":0.25,"attribute_name":"vehicle.moving"},
{"sample_token":"b","translation":[1e+06,0,0],"size":[1,1,1],"rotation":[0,0,0,1],"velocity":[NaN,NaN],"detection_name":"traffic_cone","detection_score":1,"attribute_name":"","num_pts":3}],
"a":[]
}}
`
	text := write(t, twoBoxes())
	if text != want {
		t.Errorf("wrote\n%s\nwant\n%s", text, want)
	}
	read, err := nuscenes.ParseResults("r.json", text)
	if err != nil {
		t.Fatal(err)
	}
	if again := write(t, read); again != text {
		t.Errorf("read and written again:\n%s", again)
	}
}

func TestResultsFileAppearsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	if err := twoBoxes().WriteFile(file); err != nil {
		t.Fatal(err)
	}
	if r, err := nuscenes.ReadResults(file); err != nil || len(r.Samples) != 2 {
		t.Errorf("%v, %v", r, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(file)); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
	if err := twoBoxes().WriteFile(filepath.Join(file, "below")); err == nil {
		t.Error("no error in a folder that is none")
	}
	if _, err := nuscenes.ReadResults(file + "x"); err == nil || !strings.Contains(err.Error(), "r.jsonx: no such file") {
		t.Errorf("absent file: %v", err)
	}
}

// place is where in the text an error was found.
var place = regexp.MustCompile(`line \d+, column \d+: `)

func TestBrokenResultsAreRefused(t *testing.T) {
	good := write(t, twoBoxes())
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the good file lacks %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	many := strings.Replace(good, `"a":[]`, `"a":[`+strings.TrimSuffix(strings.Repeat(
		`{"sample_token":"a","translation":[1,2,3],"size":[2,4,1],"rotation":[1,0,0,0],"velocity":[0,0],"detection_name":"car","detection_score":0.5,"attribute_name":""},`, 501), ",")+`]`, 1)
	tests := []struct{ name, text, want string }{
		{"empty", ``, "is an empty file"},
		{"null", `{"meta":{},"results":{"a":null}}`, "found null, want an array"},
		{"no results", `{"meta":{}}`, "lacks results, as submissions of the segmentation tasks do"},
		{"no meta", `{"results":{}}`, "lacks meta; want an object"},
		{"neither", `{}`, "lacks meta and results"},
		{"meta no object", `{"meta":[],"results":{}}`, "meta is [], want an object"},
		{"meta of NaN", `{"meta":{"a":NaN},"results":{}}`, "want an object"},
		{"meta no truth", `{"meta":{"use_camera":1},"results":{}}`, "meta: use_camera is not true or false"},
		{"key twice", `{"meta":{},"meta":{},"results":{}}`, `the file has "meta" twice`},
		{"truncated", good[:len(good)/2], "the text ends within a string"},
		{"more after", good + "{", "after the value"},
		{"sample twice", swap(`"a":[]`, `"b":[]`), `sample "b": the file has this sample twice`},
		{"wrong sample", swap(`"sample_token":"b"`, `"sample_token":"c"`), `sample "b": box 0: field sample_token: is "c"`},
		{"class", swap(`"traffic_cone"`, `"cone"`), `box 1: field detection_name: unknown class "cone", want one of car,`},
		{"attribute", swap(`vehicle.moving`, `vehicle.flying`), `field attribute_name: unknown attribute "vehicle.flying"`},
		{"number", swap(`2.5`, `"2.5"`), "field translation"},
		{"NaN", swap(`2.5`, `NaN`), "field translation: number 1 is NaN, want a finite one"},
		{"infinite", swap(`2.5`, `1e999`), "number 1 is +Inf"},
		{"length", swap(`2.5,`, ``), "field translation: has 2 numbers, want 3"},
		{"rotation", swap(`[1,0,0,0]`, `[1,0,0]`), "field rotation"},
		{"velocity length", swap(`[1e-07,0]`, `[1e-07,0,0]`), "field velocity: has 3 numbers, want 2"},
		{"velocity infinite", swap(`[1e-07,0]`, `[Infinity,0]`), "field velocity"},
		{"size", swap(`[2,4,1.5]`, `[2,0,1.5]`), "field size: is [2 0 1.5], want positive numbers"},
		{"score", swap(`"detection_score":0.25`, `"detection_score":-0.25`), "field detection_score"},
		{"score NaN", swap(`"detection_score":0.25`, `"detection_score":NaN`), "field detection_score"},
		{"score absent", swap(`"detection_score":0.25,`, ``), "field detection_score: is missing"},
		{"points", swap(`"num_pts":3`, `"num_pts":NaN`), "field num_pts"},
		{"field twice", swap(`"size":`, `"size":[1,1,1],"size":`), "field size: occurs twice"},
		{"too many", many, `sample "a": has more than 500 boxes`},
	}
	for _, test := range tests {
		_, err := nuscenes.ParseResults("r.json", test.text)
		if err == nil || !strings.Contains(place.ReplaceAllString(err.Error(), ""), test.want) || !strings.HasPrefix(err.Error(), "nuscenes: r.json: ") {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	if r, err := nuscenes.ParseResults("r.json", swap(`"num_pts":3`, `"tracking_id":[1,{}]`)); err != nil || r.Samples[0].Boxes[1].Points != -1 {
		t.Errorf("an unknown field: %v", err)
	}
}

func TestDetectionClasses(t *testing.T) {
	tests := map[string]string{
		"movable_object.barrier": "barrier", "vehicle.bicycle": "bicycle", "vehicle.bus.bendy": "bus",
		"vehicle.bus.rigid": "bus", "vehicle.car": "car", "vehicle.construction": "construction_vehicle",
		"vehicle.motorcycle": "motorcycle", "human.pedestrian.adult": "pedestrian",
		"human.pedestrian.police_officer": "pedestrian", "movable_object.trafficcone": "traffic_cone",
		"vehicle.trailer": "trailer", "vehicle.truck": "truck",
		"human.pedestrian.stroller": "", "animal": "", "static_object.bicycle_rack": "", "vehicle.emergency.police": "",
	}
	for category, want := range tests {
		class, ok := nuscenes.DetectionClass(category)
		if ok != (want != "") || ok && class.String() != want {
			t.Errorf("%s: %v, %v, want %q", category, class, ok, want)
		}
	}
}

// FuzzParseResults: whatever is accepted is written and read back the same.
func FuzzParseResults(f *testing.F) {
	var b bytes.Buffer
	if err := twoBoxes().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add(`{"meta":{},"results":{"\ud800":[]}}`)
	f.Add(`{"results":{"a":[{"sample_token":"a"}]},"meta":{"use_map":true}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := nuscenes.ParseResults("r.json", text)
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := r.Write(&first); err != nil {
			t.Fatal(err)
		}
		again, err := nuscenes.ParseResults("r.json", first.String())
		if err != nil {
			t.Fatalf("%q was read, but not %q: %v", text, first.String(), err)
		}
		if err := again.Write(&second); err != nil || first.String() != second.String() {
			t.Errorf("%q, then %q", first.String(), second.String())
		}
	})
}
