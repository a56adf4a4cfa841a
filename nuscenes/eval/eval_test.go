package eval

import (
	"bytes"
	"math"
	"runtime"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
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
			t.Errorf("%s = %.17g, the devkit's is %.17g", test.name, test.got, test.want)
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

func TestSameBytesForAnyNumberOfProcessors(t *testing.T) {
	ds := openTiny(t, tinyset.New())
	results := truthAsResults(ds)
	many := grade(t, ds, "mini_val", results).Details()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if one := grade(t, ds, "mini_val", results).Details(); !bytes.Equal(one, many) {
		t.Error("the details differ")
	}
}
