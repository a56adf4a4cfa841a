package eval

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/nuscenes"
)

func TestBreakdowns(t *testing.T) {
	ds, split := streets(t)
	frames, err := Frames(ds, split, goodResults(split.Samples, rand.New(rand.NewPCG(1, 2))), CVPR2019())
	if err != nil {
		t.Fatal(err)
	}
	m := Evaluate(CVPR2019(), frames)
	for _, by := range Breakdowns {
		b := m.Breakdown(by, frames)
		truth := 0
		for _, p := range b.Groups {
			truth += p.Truth
			if p.Truth > 0 && !(p.Recall > 0.5 && p.Recall <= 1 && p.Errors[Translation] < 1) {
				t.Errorf("by %s: %+v", by, p)
			}
		}
		if truth != m.Classes[0].Truth {
			t.Errorf("by %s: %d true boxes, want %d", by, truth, m.Classes[0].Truth)
		}
	}
	if p := m.Breakdown("scene", frames).Groups; len(p) != 1 || p[0].MeanAP != m.Classes[0].MeanAP || p[0].Name != "scene-0103" {
		t.Errorf("the only scene scores %+v, want the class's %g", p, m.Classes[0].MeanAP)
	}
	rings := m.Breakdown("distance", frames).Groups
	if len(rings) != 5 || rings[0].Name != "0 to 10 m" || math.IsNaN(rings[2].NDS) {
		t.Errorf("rings %+v", rings)
	}
	if p := m.Breakdown("visibility", frames).Groups; p[0].Name != "v80-100" || !math.IsNaN(p[0].MeanAP) {
		t.Errorf("visibility %+v", p)
	}
	if p := m.Breakdown("points", frames).Groups; p[0].Name != "6 to 20" || len(p) != 1 {
		t.Errorf("points %+v", p)
	}
}

func TestReportForPrograms(t *testing.T) {
	better, worse := drives(12, rand.New(rand.NewPCG(6, 7))), drives(12, rand.New(rand.NewPCG(6, 7)))
	for i := range worse {
		worse[i].Found = worse[i].Found[:6]
	}
	m := Evaluate(CVPR2019(), better)
	r := &Report{
		Metrics: m, Split: "val", Samples: len(better), Spread: m.Bootstrap(30, 1),
		Other: "old.json", Comparison: m.Compare(Evaluate(CVPR2019(), worse), 30, 1),
		Hints: []Hint{{"size-swapped", "width and length"}}, Meta: nuscenes.CameraMeta(), Took: time.Second,
	}
	var all map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(r.JSON(), []byte("NaN"), []byte("null")), &all); err != nil {
		t.Fatal(err)
	}
	interval := all["intervals"].(map[string]any)["mean_dist_aps"].(map[string]any)["car"].([]any)
	difference := all["comparison"].(map[string]any)["mean_ap"]
	if all["mean_ap"] != m.MeanAP || all["scenes"] != 12.0 || interval[0] != r.Spread.ClassAP[0].Low || difference != r.Comparison.MeanAP ||
		all["hints"].([]any)[0].(map[string]any)["name"] != "size-swapped" {
		t.Errorf("report %v", all)
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{
		"split val: 48 samples of 12 scenes", "95 % intervals, from 30 resamples", "against old.json",
		"more than which scenes are in the split explains",
	} {
		if !strings.Contains(table.String(), words) {
			t.Errorf("the table lacks %q:\n%s", words, table.String())
		}
	}
}

func TestSentences(t *testing.T) {
	r := &Report{Metrics: &Metrics{scenes: make([]*nuscenes.Scene, 12)}, Comparison: &Comparison{Spread: &Spread{}}}
	for want, test := range map[string]struct {
		difference float64
		Interval
	}{
		"NDS is the same.": {0, Interval{}},
		"NDS is higher by 0.0200 (+0.0100 to +0.0300): more than which scenes are in the split explains.": {0.02, Interval{0.01, 0.03}},
		"NDS is lower by 0.0200 (-0.0300 to -0.0100): more than which scenes are in the split explains.":  {-0.02, Interval{-0.03, -0.01}},
		"NDS is higher by 0.0200 (-0.0100 to +0.0500): with 12 scenes, this cannot be told from chance.":  {0.02, Interval{-0.01, 0.05}},
	} {
		if got := r.sentence("NDS", test.difference, test.Interval); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	r.Comparison.Spread = nil
	if got := r.sentence("mAP", -0.5, Interval{}); got != "mAP is lower by 0.5000." {
		t.Errorf("%q without intervals", got)
	}
}
