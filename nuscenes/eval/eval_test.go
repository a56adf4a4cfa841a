package eval

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
	"github.com/solofusion/solofusion/perception"
)

// TestGradesRealResultsAsTheDevkitDoes pins what nuscenes-devkit 1.2.0 printed
// for a camera-only detector's results on the two mini_val scenes.
func TestGradesRealResultsAsTheDevkitDoes(t *testing.T) {
	ds, err := nuscenes.Open(golden.Shared(t, "data/nuscenes"), "v1.0-mini")
	if err != nil {
		t.Fatal(err)
	}
	results, err := nuscenes.ReadResults(golden.Shared(t, "data/results/cc3dt_mini_val.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := grade(t, ds, "mini_val", results)
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"mAP", m.MeanAP, 0.21830827791842303},
		{"NDS", m.NDS, 0.2687947091853009},
		{"mATE", m.Errors[Translation], 0.8140451486339341},
		{"mAVE", m.Errors[Velocity], 1.2163846683674784},
	} {
		if math.Abs(test.got-test.want) > 1e-12 {
			t.Errorf("%s = %.17g, the devkit says %.17g", test.name, test.got, test.want)
		}
	}
}

func grade(t *testing.T, ds *nuscenes.Dataset, split string, results *nuscenes.Results) *Metrics {
	t.Helper()
	cfg := CVPR2019()
	frames, err := Frames(ds, mustSplit(t, ds, split), results, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return Evaluate(cfg, frames)
}

func mustSplit(t *testing.T, ds *nuscenes.Dataset, name string) nuscenes.Split {
	t.Helper()
	split, err := ds.Split(name)
	if err != nil {
		t.Fatal(err)
	}
	return split
}

func openTiny(t *testing.T, tables tinyset.Tables) *nuscenes.Dataset {
	t.Helper()
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// truthAsResults answers every sample with its own annotations.
func truthAsResults(ds *nuscenes.Dataset) *nuscenes.Results {
	r := &nuscenes.Results{Meta: nuscenes.CameraMeta()}
	for _, sample := range ds.Samples {
		s := nuscenes.SampleResult{Token: sample.Token}
		for _, a := range sample.Annotations {
			class, ok := a.Class()
			if !ok {
				continue
			}
			v := a.Velocity()
			b := nuscenes.Box{
				Class: class, Score: 0.5, Center: a.Center, Size: a.Size, Rotation: a.Rotation,
				Velocity: [2]float64{v[0], v[1]}, Points: -1,
			}
			if len(a.Attributes) > 0 {
				b.Attribute, _ = nuscenes.ParseAttribute(a.Attributes[0].Name)
			}
			s.Boxes = append(s.Boxes, b)
		}
		r.Samples = append(r.Samples, s)
	}
	return r
}

func classOf(t *testing.T, m *Metrics, name string) *ClassMetrics {
	t.Helper()
	for i := range m.Classes {
		if m.Classes[i].Class.String() == name {
			return &m.Classes[i]
		}
	}
	t.Fatalf("no class %s", name)
	return nil
}

func TestTheTruthHasNoErrors(t *testing.T) {
	ds := openTiny(t, tinyset.New())
	m := grade(t, ds, "mini_val", truthAsResults(ds))
	car := classOf(t, m, "car")
	if car.Truth != 5 || math.Abs(car.MeanAP-1) > 1e-15 || car.Errors != [numErrors]float64{} {
		t.Errorf("car: %d boxes, AP %g, errors %v", car.Truth, car.MeanAP, car.Errors)
	}
	if p := classOf(t, m, "pedestrian"); p.Errors[Attribute] != 1 || p.Errors[Orientation] != 0 {
		t.Errorf("pedestrians without attributes: errors %v, want 1 for the attribute", p.Errors)
	}
	if b := classOf(t, m, "bicycle"); b.Truth != 0 || b.Found != 0 {
		t.Errorf("bicycles in a rack: %d true, %d found, want none", b.Truth, b.Found)
	}
	if math.Abs(m.MeanAP-0.2) > 1e-15 {
		t.Errorf("mAP %g, want 0.2: two of ten classes are there", m.MeanAP)
	}
	cone := classOf(t, m, "traffic_cone")
	if !math.IsNaN(cone.Errors[Velocity]) || cone.Errors[Scale] != 1 {
		t.Errorf("cones: errors %v", cone.Errors)
	}
}

// newTruths and newBoxes return boxes of the first class along x.
func newTruths(xs ...float64) (truths []Truth) {
	for _, x := range xs {
		truths = append(truths, Truth{Annotation: &nuscenes.Annotation{Center: geom.Vec3{x, 0, 0}, Size: geom.Vec3{1, 1, 1}, Rotation: geom.Quat{W: 1}}})
	}
	return truths
}

func newBoxes(score float64, xs ...float64) (boxes []*nuscenes.Box) {
	for _, x := range xs {
		boxes = append(boxes, &nuscenes.Box{Score: score, Center: geom.Vec3{x, 0, 0}, Size: geom.Vec3{1, 1, 1}, Rotation: geom.Quat{W: 1}})
	}
	return boxes
}

func TestMatching(t *testing.T) {
	cfg := CVPR2019()
	tests := []struct {
		name     string
		truth    []float64
		found    []float64 // all with the same score
		distance int
		want     []float64 // of each choice in turn: place of the box that is taken, 0 for none
	}{
		{"the later of equals first", []float64{1}, []float64{1.1, 1.3}, 0, []float64{1, 0}},
		{"strictly below", []float64{1}, []float64{1.5}, 0, []float64{0}},
		{"just below", []float64{1}, []float64{1.4999999}, 0, []float64{1}},
		{"nearest free, no second choice", []float64{1, 3}, []float64{9, 1.2, 1.1}, 1, []float64{1, 0, 0}},
		{"the next one if near enough", []float64{1, 1.5}, []float64{1.2, 1.1}, 1, []float64{1, 1.5}},
		{"of two as near the first", []float64{3, 1}, []float64{2}, 2, []float64{3}},
		{"each distance by itself", []float64{1, 2}, []float64{1.2, 1.9}, 3, []float64{2, 1}},
		{"nothing there", nil, []float64{1}, 3, []float64{0}},
	}
	for _, test := range tests {
		frame := Frame{Truth: newTruths(test.truth...), Found: newBoxes(0.5, test.found...)}
		all := matchFrame(&cfg, &frame)
		for i, f := range all.of[0] {
			got := 0.0
			if f.matches >= 0 {
				if p := all.matches[f.matches][test.distance]; p != nil {
					got = p.truth.Center[0]
				}
			}
			if got != test.want[i] {
				t.Errorf("%s: choice %d takes the box at %g, want %g", test.name, i, got, test.want[i])
			}
		}
	}
}

func TestFrameOfTheMatchCounts(t *testing.T) {
	scene := &nuscenes.Scene{}
	frames := []Frame{
		{Sample: &nuscenes.Sample{Scene: scene}, Truth: newTruths(1)},
		{Sample: &nuscenes.Sample{Scene: scene}, Found: newBoxes(0.5, 1)},
	}
	if m := Evaluate(CVPR2019(), frames); m.Classes[0].Truth != 1 || m.Classes[0].Found != 1 || m.Classes[0].MeanAP != 0 {
		t.Errorf("a box matched another sample's: %+v", m.Classes[0])
	}
}

func TestOrderOfChoice(t *testing.T) {
	var frames []Frame
	for _, scores := range [][]float64{{0.5, 0.9}, {0.5}, {0.7, 0.5, 0.5}} {
		f := Frame{Sample: &nuscenes.Sample{Scene: &nuscenes.Scene{}}}
		for _, score := range scores {
			f.Found = append(f.Found, newBoxes(score, float64(10*len(frames)+len(f.Found)))...)
		}
		f.Truth = newTruths(0, 1, 2, 10, 20, 21, 22)
		frames = append(frames, f)
	}
	cfg := CVPR2019()
	rankings, _ := rank(&cfg, frames)
	var places []float64
	for _, h := range rankings[0].hits[0] {
		places = append(places, h.found.Center[0])
	}
	if want := []float64{1, 20, 22, 21, 10, 0}; !slices.Equal(places, want) {
		t.Errorf("boxes choose in the order %v, want %v", places, want)
	}
}

func TestErrorsOfAMatch(t *testing.T) {
	car, _ := perception.ParseClass("car")
	barrier, _ := perception.ParseClass("barrier")
	truth := newTruths(0)[0]
	truth.Class, truth.Size, truth.Yaw, truth.Velocity, truth.Attribute = car, geom.Vec3{2, 4, 1}, 3, [2]float64{3, 0}, "vehicle.moving"
	found := &nuscenes.Box{
		Class: car, Center: geom.Vec3{3, 4, 9}, Size: geom.Vec3{1, 4, 2}, Rotation: geom.QuatFromYaw(-3),
		Velocity: [2]float64{0, 4}, Attribute: nuscenes.VehicleParked,
	}
	got := errorsOf(&truth, found)
	want := [numErrors]float64{5, 1 - 4.0/12, 2*math.Pi - 6, 5, 1}
	for e := range numErrors {
		if math.Abs(got[e]-want[e]) > 1e-12 {
			t.Errorf("%s = %g, want %g", e, got[e], want[e])
		}
	}
	truth.Class, truth.Yaw, found.Rotation, found.Attribute = barrier, 0, geom.QuatFromYaw(math.Pi), nuscenes.VehicleMoving
	if got := errorsOf(&truth, found); got[Orientation] > 1e-12 || got[Attribute] != 0 {
		t.Errorf("a barrier turned around: %v", got)
	}
	truth.Attribute, found.Velocity[0] = "", math.NaN()
	if got := errorsOf(&truth, found); !math.IsNaN(got[Attribute]) || !math.IsNaN(got[Velocity]) {
		t.Errorf("unknown attribute and velocity: %v", got)
	}
}

func TestTurnIsTheSmallestAngle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(-4, 4).Draw(t, "a"), rapid.Float64Range(-4, 4).Draw(t, "b")
		d := turn(a, b, 2*math.Pi)
		if math.Abs(d) > math.Pi+1e-12 || math.Abs(math.Sin((a-b-d)/2)) > 1e-9 {
			t.Errorf("from %g to %g is %g", b, a, d)
		}
	})
}

// rankingOf is a ranking of one scene whose boxes have these scores, and
// those named hits, with the same errors at every distance.
func rankingOf(positives int, scores []float64, hits map[int][numErrors]float64) *ranking {
	r := &ranking{positives: []int{positives}, scores: scores, scenes: make([]int32, len(scores))}
	for i, score := range scores {
		if errors, isHit := hits[i]; isHit {
			for d := range r.hits {
				r.hits[d] = append(r.hits[d], hit{rank: i, score: score, pair: pair{errors: errors}})
				r.hitScenes[d] = append(r.hitScenes[d], 0)
			}
		}
	}
	return r
}

func TestCumulativeMeanSkipsNaN(t *testing.T) {
	nan := math.NaN()
	tests := []struct{ errors, want []float64 }{
		{[]float64{1, 3, 5}, []float64{1, 2, 3}},
		{[]float64{nan, 2, nan, 4}, []float64{0, 2, 2, 3}},
		{[]float64{nan, nan}, []float64{1, 1}},
	}
	for _, test := range tests {
		hits := map[int][numErrors]float64{}
		for i, x := range test.errors {
			hits[i] = [numErrors]float64{Scale: x}
		}
		var c Curve
		scores := []float64{0.9, 0.7, 0.5, 0.3}[:len(test.errors)]
		copy(c.Confidence[:], scores)
		c.drawErrors(rankingOf(9, scores, hits), 0, nil)
		if got := c.Errors[Scale][:len(scores)]; !slices.Equal(got, test.want) {
			t.Errorf("%v: means %v, want %v", test.errors, got, test.want)
		}
	}
}

func TestErrorsAreTakenAtScores(t *testing.T) {
	hits := map[int][numErrors]float64{}
	for i, x := range []float64{10, 30, 50, 70} { // means 10, 20, 30, 40
		hits[i] = [numErrors]float64{Velocity: x}
	}
	var c Curve
	c.Confidence = [Points]float64{0.9, 0.8, 0.7, 0.6, 0.59, 0.4, 0.2, 0.1}
	c.drawErrors(rankingOf(9, []float64{0.8, 0.6, 0.6, 0.2}, hits), 0, nil)
	if got, want := c.Errors[Velocity][:8], []float64{10, 10, 15, 20, 30.25, 35, 40, 40}; !slices.EqualFunc(got, want, near) {
		t.Errorf("errors %v, want %v", got, want)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12 }

func TestPrecisionIsInterpolated(t *testing.T) {
	// Recalls 0, 0.5, 0.5, 1 with precisions 0, 1/2, 1/3, 2/4.
	r := rankingOf(2, []float64{0.9, 0.7, 0.5, 0.1}, map[int][numErrors]float64{1: {}, 3: {}})
	var c Curve
	if !c.drawPrecision(r, 0, nil) {
		t.Fatal("no match")
	}
	for point, want := range map[int][2]float64{
		0: {0, 0.9}, 25: {0.25, 0.8}, 50: {1. / 3, 0.5}, 75: {5. / 12, 0.3}, 100: {0.5, 0.1},
	} {
		if got := [2]float64{c.Precision[point], c.Confidence[point]}; !near(got[0], want[0]) || !near(got[1], want[1]) {
			t.Errorf("point %d: precision and confidence %v, want %v", point, got, want)
		}
	}
	r = rankingOf(4, []float64{0.9, 0.7, 0.5}, map[int][numErrors]float64{0: {}})
	c.drawPrecision(r, 0, nil)
	if c.Precision[10] != 1 || !near(c.Precision[25], 1./3) || c.Precision[26] != 0 || c.Confidence[26] != 0 {
		t.Errorf("precision %v: want 1 up to the first recall, 1/3 there, 0 beyond it", c.Precision[:30])
	}
	if c.drawPrecision(rankingOf(4, []float64{0.9}, nil), 0, nil) || c.Precision[0] != 0 || c.Errors[Scale][5] != 1 {
		t.Error("the curve without a match keeps something of an earlier one")
	}
}

func TestACurveThatEndsEarlyCountsNoErrors(t *testing.T) {
	cfg := CVPR2019()
	grade := func(hits int) ClassMetrics {
		errors := map[int][numErrors]float64{}
		for i := range hits {
			errors[i] = [numErrors]float64{0.1, 0.1, 0.1, 0.1, 0.1}
		}
		scores := slices.Repeat([]float64{0.9}, hits)
		g := grader{cfg: &cfg}
		return g.grade(rankingOf(20, scores, errors))
	}
	// One of 20 found: recall 0.05 is below what counts.
	if m := grade(1); m.Errors[Translation] != 1 || m.MeanAP != 0 {
		t.Errorf("error %g and AP %g, want 1 and 0", m.Errors[Translation], m.MeanAP)
	}
	// Half of them found: errors count up to recall 0.5, recalls 0.11 to 0.50.
	if m := grade(10); !near(m.Errors[Translation], 0.1) || !near(m.MeanAP, 40.0/90) {
		t.Errorf("error %g and AP %g, want 0.1 and %g", m.Errors[Translation], m.MeanAP, 40.0/90)
	}
}

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

func TestYawOfAnyLength(t *testing.T) {
	q := geom.QuatFromYaw(2)
	if got := yaw(geom.Quat{W: 3 * q.W, Z: 3 * q.Z}); math.Abs(got-2) > 1e-12 {
		t.Errorf("yaw %g, want 2", got)
	}
	if got := yaw(geom.Quat{}); got != 0 {
		t.Errorf("yaw of nothing %g, want 0", got)
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
		{"all", more, "eval: results does not answer split all: it lacks 1 of its samples (scene-0103-sample-0) and has 1 samples that are not in it (x; 1 not in v1.0-mini)"},
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

// TestRoundingIsNumpys pins cases in which plain arithmetic goes another way.
func TestRoundingIsNumpys(t *testing.T) {
	if got := yaw(geom.Quat{W: 1e200, Z: 1e200}); got != 0 {
		t.Errorf("yaw of a quaternion whose length overflows is %g, want 0", got)
	}
	inf := math.Inf(1)
	if got := line(0.5, 0, 1, 1, inf); got != inf {
		t.Errorf("on the way to infinity: %g, want infinity", got)
	}
	if got := line(0.5, 0, inf, 1, inf); got != inf {
		t.Errorf("between infinities: %g, want infinity", got)
	}
	r := newRack(&nuscenes.Annotation{Center: geom.Vec3{842.897, 0, 0}, Size: geom.Vec3{2, 3.035, 1}, Rotation: geom.Quat{W: 1}})
	if !r.contains(geom.Vec3{844.4145000000001, 0, 0}) {
		t.Error("a place on a rack's border is not in it")
	}
}

func TestFramesNeedTheLidarAndOneAttribute(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample_annotation", "scene-0103-car-0")["attribute_tokens"] = []string{"moving", "riderless"}
	ds := openTiny(t, tables)
	if _, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019()); err == nil || !strings.Contains(err.Error(), "2 attributes, want one at most") {
		t.Errorf("two attributes: %v", err)
	}
	tables = tinyset.New()
	tables.Row("sample_data", "scene-0103-key-lidar-0")["is_key_frame"] = false
	ds = openTiny(t, tables)
	if _, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019()); err == nil || !strings.Contains(err.Error(), "no key frame of LIDAR_TOP") {
		t.Errorf("no lidar: %v", err)
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

func TestReports(t *testing.T) {
	ds := openTiny(t, tinyset.New())
	m := grade(t, ds, "mini_val", truthAsResults(ds))
	folder := filepath.Join(t.TempDir(), "new", "metrics")
	if err := m.WriteFiles(folder, nuscenes.CameraMeta(), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	summary := readPythonJSON(t, filepath.Join(folder, "metrics_summary.json"))
	if summary["nd_score"] != m.NDS || summary["eval_time"] != 1.5 || summary["meta"].(map[string]any)["use_camera"] != true {
		t.Errorf("summary %v", summary)
	}
	if ap := summary["label_aps"].(map[string]any)["car"].(map[string]any)["0.5"]; ap != classOf(t, m, "car").AP[0] {
		t.Errorf("AP of cars %v", ap)
	}
	details := readPythonJSON(t, filepath.Join(folder, "metrics_details.json"))
	if curve := details["car:4.0"].(map[string]any)["precision"].([]any); len(details) != 40 || len(curve) != Points || curve[50] != 1.0 {
		t.Errorf("%d curves, precision %v", len(details), curve)
	}
	if err := m.WriteFiles(filepath.Join(folder, "metrics_summary.json"), nuscenes.CameraMeta(), 0); err == nil {
		t.Error("no error where the folder is a file")
	}
	var table bytes.Buffer
	if err := (&Report{Metrics: m}).WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"mAP   0.2000", "NDS   ", "class ", "traffic_cone ", "   -  "} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table lacks %q:\n%s", line, table.String())
		}
	}
}

// readPythonJSON reads a file in which NaN may stand, as null.
func readPythonJSON(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte("NaN"), []byte("null")), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSameBytesForAnyNumberOfProcessors(t *testing.T) {
	ds := openTiny(t, tinyset.New())
	results := truthAsResults(ds)
	many := grade(t, ds, "mini_val", results).Details()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if one := grade(t, ds, "mini_val", results).Details(); !bytes.Equal(one, many) {
		t.Error("the details differ")
	}
}
