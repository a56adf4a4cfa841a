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
		`{"short": ["scene-1"]}`: `no scene "scene-1"`,
		`{"short": "scene-1"}`:   "want an array",
		`{`:                      "end of the text",
	} {
		tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, "splits.json"), []byte(content))
		if _, err := ds.Split("short"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "splits.json") {
			t.Errorf("%s: error %v, want %q", content, err, want)
		}
	}
}
