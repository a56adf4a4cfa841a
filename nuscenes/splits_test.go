package nuscenes_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// TestOfficialSplitsPartitionNuScenes checks the lists' sizes and how they
// overlap; training's tests compare them with the devkit's.
func TestOfficialSplitsPartitionNuScenes(t *testing.T) {
	want := map[string]int{
		"train": 700, "val": 150, "test": 150, "mini_train": 8, "mini_val": 2,
		"train_detect": 350, "train_track": 350,
	}
	seen := map[string]string{}
	for _, name := range nuscenes.OfficialSplits() {
		scenes := nuscenes.OfficialScenes(name)
		if len(scenes) != want[name] || !slices.IsSorted(scenes) {
			t.Errorf("%s has %d scenes, want %d", name, len(scenes), want[name])
		}
		if name != "train" && name != "val" && name != "test" {
			continue
		}
		for _, scene := range scenes {
			if other := seen[scene]; other != "" {
				t.Errorf("%s is in %s and %s", scene, other, name)
			}
			seen[scene] = name
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d scenes in all, want 1000", len(seen))
	}
	halves := append(nuscenes.OfficialScenes("train_detect"), nuscenes.OfficialScenes("train_track")...)
	if slices.Sort(halves); !slices.Equal(halves, nuscenes.OfficialScenes("train")) {
		t.Error("train_detect and train_track are not the halves of train")
	}
	if got := nuscenes.OfficialScenes("mini_val"); !slices.Equal(got, []string{"scene-0103", "scene-0916"}) {
		t.Errorf("mini_val is %v", got)
	}
	if got := nuscenes.OfficialScenes("none"); len(got) != 0 {
		t.Errorf("an unknown split has scenes %v", got)
	}
}

func TestSplit(t *testing.T) {
	dir := tinyset.New().Write(t)
	tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, "splits.json"), []byte(`{"short": ["scene-0916"], "none": []}`))
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"mini_val": 5, "all": 5, "short": 2} {
		split, err := ds.Split(name)
		if err != nil || len(split.Samples) != want || split.Official != (name == "mini_val") {
			t.Errorf("%s: %d samples, %v, want %d", name, len(split.Samples), err, want)
		}
	}
	for name, want := range map[string]string{
		"mini_train": "has no sample of split mini_train",
		"none":       "has no sample of split none",
		"val":        "for versions whose name ends in trainval",
		"long":       `no split "long", want one of all, mini_train, mini_val, none, short, test,`,
	} {
		if _, err := ds.Split(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	for content, want := range map[string]string{
		`{"short": ["scene-1"]}`: "lacks all 1 of its scenes, for example scene-1",
		`{"short": "scene-1"}`:   "want an array",
		`{`:                      "end of the text",
	} {
		tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, "splits.json"), []byte(content))
		if _, err := ds.Split("short"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", content, err, want)
		}
	}
}

func TestOtherSplitsOfAFileDoNotMatter(t *testing.T) {
	dir := tinyset.New().Write(t)
	file := filepath.Join(dir, tinyset.Version, "splits.json")
	tinyset.WriteFile(t, file, []byte("\ufeff"+`{"mine": ["scene-0916"], "more": ["scene-0103", "scene-z", "scene-y"], "odd": {"a": 1}}`))
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	if split, err := ds.Split("mine"); err != nil || len(split.Samples) != 2 || len(split.Absent) != 0 {
		t.Errorf("mine: %+v, %v", split, err)
	}
	if split, err := ds.Split("more"); err != nil || len(split.Samples) != 3 || !slices.Equal(split.Absent, []string{"scene-z", "scene-y"}) {
		t.Errorf("more: %+v, %v, want the scene that is there and the names of the others", split, err)
	}
	if _, err := ds.Split("odd"); err == nil || !strings.Contains(err.Error(), "want an array") {
		t.Errorf("odd: %v", err)
	}
	tinyset.WriteFile(t, file, []byte("version https://git-lfs.github.com/spec/v1\n"))
	if _, err := ds.Split("mine"); err == nil || !strings.Contains(err.Error(), "splits.json: is a Git LFS pointer") {
		t.Errorf("pointer: %v", err)
	}
	if split, err := ds.Split("all"); err != nil || len(split.Samples) != 5 {
		t.Errorf("all needs no file of splits: %v", err)
	}
}

// TestOfficialNameOfAnotherDataSet has scenes of its own under the name of a split
// of nuScenes.
func TestOfficialNameOfAnotherDataSet(t *testing.T) {
	tables := tinyset.New()
	tables.Row("scene", "token-scene-0103")["name"] = "truck-1"
	tables.Row("scene", "token-scene-0916")["name"] = "truck-2"
	dir := tables.Write(t)
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ds.Split("mini_val")
	for _, want := range []string{"has no sample of split mini_val", "means nuScenes' scenes (scene-0103, ...)", "--splits"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, "splits.json"), []byte(`{"mini_val": ["truck-2"]}`))
	if split, err := ds.Split("mini_val"); err != nil || len(split.Samples) != 2 || split.Official {
		t.Errorf("own mini_val: %d samples, %v", len(split.Samples), err)
	}
}
