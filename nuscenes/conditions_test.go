package nuscenes_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

func TestConditions(t *testing.T) {
	tables := tinyset.New()
	tables["log"] = append(tables["log"], tinyset.Row{"token": "log-2", "logfile": "", "vehicle": "n002", "date_captured": "", "location": "harbour"})
	first, second := tables.Row("scene", "token-scene-0103"), tables.Row("scene", "token-scene-0916")
	first["description"], first["weather"], first["lanes"] = "Night, waiting for a train", "dry", 2
	second["description"], second["weather"], second["log_token"] = "Raining at night", nil, "log-2"
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := ds.Split("all")
	if err != nil {
		t.Fatal(err)
	}
	one, err := ds.Part(nuscenes.Part{Split: "all", Scenes: []string{"scene-0103"}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		split nuscenes.Split
		by    string
		want  string
	}{
		{whole, "location", "harbour: scene-0916; nowhere: scene-0103"},
		{whole, "log.vehicle", "n001: scene-0103; n002: scene-0916"},
		{one, "location", "nowhere: scene-0103"},
		{whole, "token", "token-scene-0103: scene-0103; token-scene-0916: scene-0916"},
		{whole, "log.token", "log-1: scene-0103; log-2: scene-0916"},
		{whole, "scene.name", "scene-0103: scene-0103; scene-0916: scene-0916"},
		{whole, "weather", "dry: scene-0103; unknown: scene-0916"},
		{whole, "lanes", "2: scene-0103; unknown: scene-0916"},
		{whole, "description:night", "night: scene-0103 scene-0916; other:"},
		{whole, "description:rain/train/snow", "rain: scene-0916; train: scene-0103; snow:; other:"},
		{one, "description:rain", "rain:; other: scene-0103"},
	}
	for _, test := range tests {
		conditions, err := ds.Conditions(test.split, test.by)
		if got := described(conditions); err != nil || got != test.want {
			t.Errorf("%s: %s, %v, want %s", test.by, got, err, test.want)
		}
	}
	for by, want := range map[string]string{
		"colour":             `has a field "colour", want one of date_captured, description, lanes, location, logfile, name, nbr_samples, vehicle, weather`,
		"log.description":    `has a field "log.description"`,
		"description:":       "has an empty word",
		"description:night/": "has an empty word",
	} {
		if _, err := ds.Conditions(whole, by); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", by, err, want)
		}
	}
}

// TestConditionsWithoutLogs: fields of scenes are there all the same.
func TestConditionsWithoutLogs(t *testing.T) {
	tables := tinyset.New()
	delete(tables, "log")
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(ds.Dir, ds.Version, "log.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	whole, err := ds.Split("all")
	if err != nil {
		t.Fatal(err)
	}
	conditions, err := ds.Conditions(whole, "description")
	if got := described(conditions); err != nil || got != "tiny: scene-0103 scene-0916" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := ds.Conditions(whole, "location"); err == nil || !strings.Contains(err.Error(), "log.json") {
		t.Errorf("location: error %v, want one that names log.json", err)
	}
}

func described(conditions []nuscenes.Condition) string {
	var parts []string
	for _, c := range conditions {
		var names []string
		for s := range maps.Keys(c.Scenes) {
			names = append(names, s.Name)
		}
		slices.Sort(names)
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s: %s", c.Name, strings.Join(names, " "))))
	}
	return strings.Join(parts, "; ")
}
