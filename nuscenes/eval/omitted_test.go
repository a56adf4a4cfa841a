package eval

import (
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
	"github.com/solofusion/solofusion/perception"
)

// TestWordsForOddTruthAndResults: each damage has exactly its hint.
func TestWordsForOddTruthAndResults(t *testing.T) {
	everyBox := func(change func(*nuscenes.Box)) func(*nuscenes.Results) {
		return func(r *nuscenes.Results) {
			for i := range r.Samples {
				for j := range r.Samples[i].Boxes {
					change(&r.Samples[i].Boxes[j])
				}
			}
		}
	}
	everyTruth := func(field string, value any) func(tinyset.Tables) {
		return func(tables tinyset.Tables) {
			for _, row := range tables["sample_annotation"] {
				row[field] = value
			}
		}
	}
	everyTime := func(unit float64) func(tinyset.Tables) {
		return func(tables tinyset.Tables) {
			for _, row := range tables["sample"] {
				row["timestamp"] = unit * row["timestamp"].(float64)
			}
		}
	}
	tests := []struct {
		name, want string
		tables     func(tinyset.Tables)
		results    func(*nuscenes.Results)
	}{
		{"nothing", "", nil, nil},
		{"own category", "unknown-categories: 5 true boxes are left out, as their categories are none of nuScenes': car (5); want its names, such as vehicle.car",
			func(tables tinyset.Tables) { tables.Row("category", "car")["name"] = "car" }, nil},
		{"no points", "truth-without-points: 11 of 11 true boxes", everyTruth("num_lidar_pts", 0), nil},
		{"far away", "truth-out-of-range: 11 of 11 true boxes", everyTruth("translation", []float64{900, 0, 0}), nil},
		{"nameless", "unknown-categories: 5 true boxes are left out, as their categories are none of nuScenes': without a name (5)",
			func(tables tinyset.Tables) { tables.Row("category", "car")["name"] = nil }, nil},
		{"seconds", "times-too-close: 3 of 3 samples", everyTime(1e-6), nil},
		{"milliseconds", "times-too-close: 3 of 3 samples", everyTime(1e-3), nil},
		{"nanoseconds", "times-too-far: 3 of 3 samples are more than 1.5 s before the next, so that true boxes have no velocity; want", everyTime(1e3), nil},
		{"no boxes", "no-boxes: the results hold no box in any of 5 samples", nil,
			func(r *nuscenes.Results) {
				for i := range r.Samples {
					r.Samples[i].Boxes = nil
				}
			}},
		{"other class", "no-common-class: no box is of a class with true boxes: found are bus, true are car, pedestrian", nil,
			everyBox(func(b *nuscenes.Box) { b.Class = perception.Bus })},
		{"boxes far away", "no-box-in-range: none of 11 boxes", nil,
			everyBox(func(b *nuscenes.Box) { b.Center[1] += 500 })},
	}
	for _, test := range tests {
		good := truthAsResults(openTiny(t, tinyset.New()))
		tables := tinyset.New()
		if test.tables != nil {
			test.tables(tables)
		}
		if test.results != nil {
			test.results(good)
		}
		ds := openTiny(t, tables)
		frames, err := Frames(ds, mustSplit(t, ds, "all"), good, CVPR2019())
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var words []string
		for _, h := range Evaluate(CVPR2019(), frames).Hints(frames) {
			words = append(words, h.Name+": "+h.Text)
		}
		if len(words) > 1 || !strings.Contains(strings.Join(words, ""), test.want) || test.want == "" && len(words) > 0 {
			t.Errorf("%s: hints %q, want %q", test.name, words, test.want)
		}
	}
}

func TestOmissionsAreCounted(t *testing.T) {
	tables := tinyset.New()
	tables.Row("category", "adult")["name"] = "person"
	ds := openTiny(t, tables)
	frames, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019())
	if err != nil {
		t.Fatal(err)
	}
	want := []Omitted{{"person", 3, true}, {nuscenes.BicycleRack, 3, false}}
	if got := Omissions(frames); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if note := Note(frames); note != "3 true boxes are left out, as their categories belong to no detection class: static_object.bicycle_rack (3)" {
		t.Errorf("note %q", note)
	}
}

// TestTruthOfOtherCategoriesAlone is an error that names them.
func TestTruthOfOtherCategoriesAlone(t *testing.T) {
	tables := tinyset.New()
	for token, name := range map[string]string{"car": "Car", "adult": "Pedestrian", "bicycle": "Cyclist"} {
		tables.Row("category", token)["name"] = name
	}
	ds := openTiny(t, tables)
	_, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019())
	if err == nil || !strings.Contains(err.Error(), "no annotations of the detection classes: 11 true boxes are left out, as their categories are none of nuScenes': Car (5), Cyclist (3), Pedestrian (3)") {
		t.Errorf("error %v", err)
	}
}

// TestWithoutLidarAnotherSensorGivesThePose, for the ranges and for the hints.
func TestWithoutLidarAnotherSensorGivesThePose(t *testing.T) {
	tables := tinyset.New()
	for _, row := range tables["sample_data"] {
		if row["calibrated_sensor_token"] == "lidar-1" {
			row["is_key_frame"] = false
		}
	}
	ds := openTiny(t, tables)
	frames, err := Frames(ds, mustSplit(t, ds, "all"), truthAsResults(ds), CVPR2019())
	if err != nil {
		t.Fatal(err)
	}
	m := Evaluate(CVPR2019(), frames)
	if car := classOf(t, m, "car"); car.MeanAP < 0.999 || len(m.Hints(frames)) > 0 {
		t.Errorf("AP of cars %g, hints %v", car.MeanAP, m.Hints(frames))
	}
}
