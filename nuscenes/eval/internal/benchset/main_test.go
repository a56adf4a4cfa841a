package main

import (
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/perception"
)

// small is the two sizes on a small scale: two splits with all sensors, and the
// second of them alone with results.
func small() (both, val amount) {
	first := split{nuscenes.OfficialScenes("train")[:3], 11, 200}
	second := split{nuscenes.OfficialScenes("val")[:6], 241, 9_001}
	return amount{splits: []split{first, second}, sensors: sensors()},
		amount{splits: []split{second}, sensors: valAmount().sensors, boxes: 60}
}

// made writes a set and opens it.
func made(t *testing.T, size amount) *nuscenes.Dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "set")
	if err := run(dir, size); err != nil {
		t.Fatal(err)
	}
	ds, err := nuscenes.Open(dir, version)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestAmounts(t *testing.T) {
	for _, test := range []struct {
		size                         amount
		scenes, samples, annotations int
		data                         int
	}{
		{valAmount(), 150, 6_019, 133_000, 6_019},
		{trainvalAmount(), 850, 34_149, 1_166_187, 2_640_821},
	} {
		scenes, samples, annotations, data := 0, 0, 0, 0
		for _, split := range test.size.splits {
			n := len(split.scenes)
			scenes += n
			for i := range n {
				samples += share(split.samples, i, n)
				annotations += share(split.annotations, i, n)
				for _, sensor := range test.size.sensors {
					data += (share(split.samples, i, n)-1)*(sensor.sweeps+1) + 1
				}
			}
		}
		if scenes != test.scenes || samples != test.samples || annotations != test.annotations || data != test.data {
			t.Errorf("%d scenes, %d samples, %d annotations, %d measurements, want %+v", scenes, samples, annotations, data, test)
		}
	}
}

func TestSameBytes(t *testing.T) {
	both, val := small()
	for _, size := range []amount{both, val} {
		if a, b := contents(t, made(t, size).Dir), contents(t, made(t, size).Dir); !maps.Equal(a, b) {
			t.Error("two runs differ")
		}
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(text)
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

func TestSetIsWhole(t *testing.T) {
	size, _ := small()
	ds := made(t, size)
	names, annotations := map[string]bool{}, 0
	for _, sample := range ds.Samples {
		annotations += len(sample.Annotations)
		for _, sensor := range size.sensors {
			data := sample.Key(sensor.channel)
			if data == nil {
				t.Fatalf("%s has no key frame of %s", sample.Token, sensor.channel)
			}
			names[data.Filename] = true
			if sweeps := data.Sweeps(); sample.Prev != nil && len(sweeps) != sensor.sweeps {
				t.Errorf("%s has %d sweeps of %s, want %d", sample.Token, len(sweeps), sensor.channel, sensor.sweeps)
			}
		}
		for _, a := range sample.Annotations {
			if a.Next != nil && (a.Next.Prev != a || a.Next.Sample != sample.Next) {
				t.Errorf("annotation %s: next is not in the next sample, or does not lead back", a.Token)
			}
		}
	}
	if len(ds.Samples) != 252 || annotations != 9_201 || len(names) != 252*12 {
		t.Errorf("%d samples, %d annotations, %d files", len(ds.Samples), annotations, len(names))
	}
}

// TestSplitIsTheSame checks that a split is what it is without the others.
func TestSplitIsTheSame(t *testing.T) {
	both, val := small()
	all := made(t, both)
	for _, sample := range made(t, val).Samples {
		if diff := cmp.Diff(truths(sample), truths(all.Sample(sample.Token))); diff != "" {
			t.Fatalf("sample %s alone, then with others:\n%s", sample.Token, diff)
		}
	}
}

// truths returns what grading looks at in a sample.
func truths(s *nuscenes.Sample) (boxes []any) {
	boxes = append(boxes, s.KeyPose().GlobalFromEgo, s.Timestamp)
	for _, a := range s.Annotations {
		boxes = append(boxes, a.Token, a.Center, a.Size, a.Rotation, a.LidarPoints, a.RadarPoints, len(a.Attributes))
	}
	return boxes
}

// TestTruthHasAll checks for every kind of true box that the metric treats differently.
func TestTruthHasAll(t *testing.T) {
	_, size := small()
	found := map[string]int{}
	for _, sample := range made(t, size).Samples {
		for _, a := range sample.Annotations {
			class, ok := a.Class()
			if !ok {
				found[a.Instance.Category.Name]++
				continue
			}
			distance := a.Center.Sub(sample.KeyPose().GlobalFromEgo.Translation).Norm()
			count(found, class.String(), distance < nuscenes.EvaluationRange(class))
			count(found, "too far", distance > nuscenes.EvaluationRange(class))
			count(found, "no velocity", math.IsNaN(a.Velocity()[0]))
			count(found, "no points", a.LidarPoints+a.RadarPoints == 0)
			count(found, "no attribute", len(a.Attributes) == 0)
			for _, attribute := range a.Attributes {
				found[attribute.Name]++
			}
		}
	}
	want := []string{"too far", "no velocity", "no points", "no attribute", nuscenes.BicycleRack, "movable_object.debris"}
	want = append(want, nuscenes.Attributes[1:]...)
	want = append(want, perception.Classes[:]...)
	for _, name := range want {
		if found[name] == 0 {
			t.Errorf("no true box is %s", name)
		}
	}
}

func count(found map[string]int, name string, is bool) {
	if is {
		found[name]++
	}
}

// TestResultsGradeWell reads the results as the metric does, and grades them.
func TestResultsGradeWell(t *testing.T) {
	_, size := small()
	ds := made(t, size)
	results, err := nuscenes.ReadResults(filepath.Join(ds.Dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range results.Samples {
		if len(sample.Boxes) != size.boxes {
			t.Errorf("sample %s has %d boxes, want %d", sample.Token, len(sample.Boxes), size.boxes)
		}
	}
	split, err := ds.Split("val")
	if err != nil {
		t.Fatal(err)
	}
	cfg := eval.CVPR2019()
	frames, err := eval.Frames(ds, split, results, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if standsInRack(frames) == 0 {
		t.Error("no bicycle is left out for a rack")
	}
	m := eval.Evaluate(cfg, frames)
	if m.MeanAP < 0.2 || m.MeanAP > 0.7 || m.NDS < 0.3 || m.NDS > 0.8 {
		t.Errorf("mAP %.3f, NDS %.3f", m.MeanAP, m.NDS)
	}
	for _, c := range m.Classes {
		if c.MeanAP < 0.05 {
			t.Errorf("%s: AP %.3f", c.Class, c.MeanAP)
		}
	}
}

// standsInRack counts the true bicycles that are near, have points and are left
// out.
func standsInRack(frames []eval.Frame) int {
	n := 0
	for _, f := range frames {
		for _, a := range f.Sample.Annotations {
			away := a.Center.Sub(f.Sample.KeyPose().GlobalFromEgo.Translation)
			if class, _ := a.Class(); class == perception.Bicycle && math.Hypot(away[0], away[1]) < 40 && a.LidarPoints+a.RadarPoints > 0 {
				n++
			}
		}
		for _, truth := range f.Truth {
			if truth.Class == perception.Bicycle {
				n--
			}
		}
	}
	return n
}
