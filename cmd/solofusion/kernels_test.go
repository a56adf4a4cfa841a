package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/synth"
)

// TestResultsOfKernels: a results file of the default bundle has the same bytes for any
// number of threads and any kernel set.
func TestResultsOfKernels(t *testing.T) {
	drives := t.TempDir()
	window, err := synth.ParseWindow("352x128@0.24+16+88")
	if err != nil {
		t.Fatal(err)
	}
	if err := synth.Write(t.Context(), drives, synth.Options{Seed: 31, Drives: 1, Frames: 4, Window: window}, nil); err != nil {
		t.Fatal(err)
	}
	var want string
	for i, set := range isa.Sets() {
		if _, err := isa.Choose(string(set), isa.Detect()); err != nil {
			t.Logf("%v", err) // a machine without the set
			continue
		}
		t.Setenv(isa.Variable, string(set))
		threads := []int{2}
		if i == 0 {
			threads = []int{1, 2, 3, 8}
		}
		for _, n := range threads {
			out := filepath.Join(t.TempDir(), "results.json")
			c := replayCmd{
				Input: drives, DatasetVersion: synth.Version, Out: out, Via: "direct", Rate: "max",
				detectorFlags: detectorFlags{Model: "default", History: "model", Time: "model", Storage: "float32", Lost: "keep", Threads: n, providerFlags: providerFlags{Providers: []string{"cpu"}}},
			}
			if err := c.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = string(text)
			}
			if string(text) != want {
				t.Errorf("%s kernels on %d threads: another results file", set, n)
			}
		}
	}
}
