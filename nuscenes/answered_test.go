package nuscenes_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// resultsOf answers the samples of scenes with nothing.
func resultsOf(ds *nuscenes.Dataset, scenes ...string) *nuscenes.Results {
	r := &nuscenes.Results{}
	for _, s := range ds.Samples {
		if slices.Contains(scenes, s.Scene.Name) {
			r.Samples = append(r.Samples, nuscenes.SampleResult{Token: s.Token})
		}
	}
	return r
}

func TestAnsweredSplits(t *testing.T) {
	tables := tinyset.New()
	tables.Row("scene", "token-scene-0916")["name"] = "scene-0061" // of mini_train
	dir := tables.Write(t)
	tinyset.WriteFile(t, filepath.Join(dir, tinyset.Version, "splits.json"), []byte(`{"mine": ["scene-0103"], "both": ["scene-0103", "scene-0061"]}`))
	custom := filepath.Join(t.TempDir(), "splits.json")
	tinyset.WriteFile(t, custom, []byte(`{"b": ["scene-0061"], "a": ["scene-0061"]}`))
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		file   string
		scenes []string
		want   string
	}{
		{"", []string{"scene-0103", "scene-0061"}, "all"},
		{"", []string{"scene-0103"}, "mini_val"},
		{"", []string{"scene-0061"}, "mini_train"},
		{custom, []string{"scene-0061"}, "a"},
		{custom, []string{"scene-0103"}, ""},
		{"", nil, ""},
	}
	for _, test := range tests {
		split, ok := ds.Answered(resultsOf(ds, test.scenes...), test.file)
		if ok != (test.want != "") || split.Name != test.want {
			t.Errorf("%s %v: split %q, want %q", test.file, test.scenes, split.Name, test.want)
		}
	}
	one := resultsOf(ds, "scene-0103")
	one.Samples[0].Token = "of another data set"
	if split, ok := ds.Answered(one, ""); ok {
		t.Errorf("results with a strange sample answer %s", split.Name)
	}
}

func TestOnlySomeSamples(t *testing.T) {
	ds, err := nuscenes.Open(tinyset.New().Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	split, err := ds.Part(nuscenes.Part{Split: "all", Scenes: []string{"scene-0103"}})
	if err != nil {
		t.Fatal(err)
	}
	some, err := split.Only(ds, []string{"scene-0103-sample-2", "scene-0103-sample-0", "scene-0103-sample-2"})
	if err != nil || len(some.Samples) != 2 || some.Samples[0].Token != "scene-0103-sample-0" || some.Whole {
		t.Errorf("%+v, %v", some, err)
	}
	for want, tokens := range map[string][]string{
		"1 of 2 tokens are of no sample of":                        {"scene-0103-sample-0", "x"},
		"1 of 2 samples are not of split all: scene-0916-sample-0": {"scene-0103-sample-0", "scene-0916-sample-0"},
		"a, b, c, ...": {"a", "b", "c", "d"},
	} {
		if _, err := split.Only(ds, tokens); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", tokens, err, want)
		}
	}
}

// Tokens may be numbers, as in tables.
func TestNumbersAsTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	tinyset.WriteFile(t, file, []byte("[12, 7]"))
	if tokens, err := nuscenes.ReadTokens(file); err != nil || !slices.Equal(tokens, []string{"12", "7"}) {
		t.Errorf("%q, %v", tokens, err)
	}
}

func TestFilesOfTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	for text, want := range map[string]string{
		"a\nb\n": "", "\ufeffa\r\n\r\nb": "", ` ["a", "b"] `: "",
		"":            "is an empty file",
		" \n":         "has no sample token",
		"[]":          "has no sample token",
		`["a", null]`: "found null",
		`["a"`:        "the end of the text",
		`{"a": []}`:   "is a JSON object, want sample tokens",
		"PK\x03\x04":  "is a zip archive, want sample tokens",
	} {
		tinyset.WriteFile(t, file, []byte(text))
		tokens, err := nuscenes.ReadTokens(file)
		switch {
		case want == "" && (err != nil || !slices.Equal(tokens, []string{"a", "b"})):
			t.Errorf("%q: %q, %v", text, tokens, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file)):
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
