package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// TestAConditionIsGradedAsItsSamplesAlone: as a split of the samples' tokens is.
func TestAConditionIsGradedAsItsSamplesAlone(t *testing.T) {
	tables := tinyset.New()
	tables.Row("scene", "token-scene-0103")["description"] = "Night"
	ds := openTiny(t, tables)
	results := truthAsResults(ds)
	for i := range results.Samples { // some boxes are wrong
		results.Samples[i].Boxes[0].Center[0] += 0.7 * float64(i)
	}
	split, cfg := mustSplit(t, ds, "mini_val"), CVPR2019()
	conditions, err := ds.Conditions(split, "description:night")
	if err != nil {
		t.Fatal(err)
	}
	frames, err := Frames(ds, split, results, cfg)
	if err != nil {
		t.Fatal(err)
	}
	parts := Evaluate(cfg, frames).Conditions("description:night", conditions, frames, 0, 1).Parts
	if len(parts) != 2 || parts[0].Name != "night" || parts[1].Name != "other" || parts[0].Samples != 3 || parts[0].MeanAP == parts[1].MeanAP {
		t.Fatalf("parts %+v", parts)
	}
	for i, scene := range []string{"scene-0103", "scene-0916"} {
		var tokens []string
		for _, s := range ds.Scene(scene).Samples {
			tokens = append(tokens, s.Token)
		}
		only, err := split.Only(ds, tokens)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := Frames(ds, only, results, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if want := Evaluate(cfg, alone); !bytes.Equal(want.Details(), parts[i].Details()) || want.NDS != parts[i].NDS {
			t.Errorf("%s: mAP %g, NDS %g, want %g, %g", scene, parts[i].MeanAP, parts[i].NDS, want.MeanAP, want.NDS)
		}
	}
}

// conditionsOf grades drives of two places and a third without any.
func conditionsOf(t *testing.T) (*Metrics, Conditions, []Frame) {
	t.Helper()
	frames := drives(14, rand.New(rand.NewPCG(6, 7)))
	scenes := map[string]map[*nuscenes.Scene]bool{"a": {}, "b": {}}
	for i, f := range frames {
		place := "a"
		if i >= 44 { // a drive has 4 frames
			place = "b"
		}
		scenes[place][f.Sample.Scene] = true
	}
	m := Evaluate(CVPR2019(), frames)
	return m, m.Conditions("place", []nuscenes.Condition{{Name: "a", Scenes: scenes["a"]}, {Name: "b", Scenes: scenes["b"]}, {Name: "c"}}, frames, 30, 1), frames
}

func TestConditionsHaveIntervalsOfTheirOwn(t *testing.T) {
	_, c, frames := conditionsOf(t)
	want := Evaluate(CVPR2019(), frames[:44]).Bootstrap(30, 1)
	if !reflect.DeepEqual(c.Parts[0].Spread.MeanAP, want.MeanAP) || !reflect.DeepEqual(c.Parts[0].Spread.NDS, want.NDS) {
		t.Errorf("intervals %+v, want %+v", c.Parts[0].Spread, want)
	}
	if c.Parts[1].Spread != nil || c.Parts[2].Metrics != nil {
		t.Errorf("three scenes have intervals %v, none have metrics %v", c.Parts[1].Spread, c.Parts[2].Metrics)
	}
}

func TestConditionsInReports(t *testing.T) {
	m, c, _ := conditionsOf(t)
	r := &Report{Metrics: m, Conditions: []Conditions{c}, Meta: nuscenes.CameraMeta()}
	r.Conditions[0].By = `place:"a"`
	var all struct {
		Conditions []struct {
			By     string
			Groups []struct {
				Group                  string
				Samples, Scenes, Truth int
				MeanAP                 float64 `json:"mean_ap"`
				Intervals              map[string]any
			}
		}
	}
	if err := json.Unmarshal(bytes.ReplaceAll(r.JSON(), []byte("NaN"), []byte("null")), &all); err != nil {
		t.Fatal(err)
	}
	groups := all.Conditions[0].Groups
	if all.Conditions[0].By != `place:"a"` || len(groups) != 3 || groups[0].MeanAP != c.Parts[0].MeanAP || groups[0].Samples != 44 ||
		groups[0].Scenes != 11 || groups[0].Intervals == nil || groups[1].Intervals != nil || groups[2].Samples != 0 {
		t.Errorf("report %+v", all)
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	classes, meanAP := c.Parts[0].present()
	truth, found := c.Parts[0].boxes()
	first := fmt.Sprintf("a %.3f %.3f to %.3f %.3f", c.Parts[0].MeanAP, c.Parts[0].Spread.MeanAP.Low, c.Parts[0].Spread.MeanAP.High, c.Parts[0].NDS)
	last := fmt.Sprintf("%d %.3f 11 44 %d %d", classes, meanAP, truth, found)
	text := strings.Join(strings.Fields(table.String()), " ")
	for _, words := range []string{`by place:"a" mAP 95 % interval NDS 95 % interval classes their mAP scenes samples truth found`, first, last, "c - - - - 0 - 0 0 0 0"} {
		if !strings.Contains(text, words) {
			t.Errorf("the table lacks %q:\n%s", words, table.String())
		}
	}
	if classes != 2 || math.Abs(meanAP-5*c.Parts[0].MeanAP) > 1e-12 {
		t.Errorf("%d classes with mAP %g", classes, meanAP)
	}
}
