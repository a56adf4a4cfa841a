package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/synth"
)

// TestResultsOfKernels: the default bundle's results file has the same bytes for any
// number of threads, and other kernels change the metrics by less than 1e-4.
func TestResultsOfKernels(t *testing.T) {
	drives := t.TempDir()
	window, err := synth.ParseWindow("352x128@0.24+16+88")
	if err != nil {
		t.Fatal(err)
	}
	if err := synth.Write(t.Context(), drives, synth.Options{Seed: 31, Drives: 2, Frames: 6, Window: window}, nil); err != nil {
		t.Fatal(err)
	}
	var want map[string]float64
	for _, set := range isa.Sets() {
		if _, err := isa.Choose(string(set), isa.Detect()); err != nil {
			t.Logf("%v", err) // which is a machine without the set
			continue
		}
		t.Setenv(isa.Variable, string(set))
		var first string
		for _, threads := range []int{1, 2, 3, 8} {
			out := filepath.Join(t.TempDir(), "results.json")
			c := replayCmd{
				Input: drives, DatasetVersion: synth.Version, Out: out, Via: "direct", Rate: "max",
				detectorFlags: detectorFlags{Model: "default", History: "model", Time: "model", Storage: "float32", Lost: "keep", Threads: threads, Providers: []string{"cpu"}},
			}
			if err := c.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = string(text)
			}
			if string(text) != first {
				t.Errorf("%s: another results file with %d threads than with 1", set, threads)
			}
		}
		got := metricsOf(t, drives, first)
		if want == nil {
			want = got
		}
		for name, v := range got {
			t.Logf("%s: %s %.6f", set, name, v)
			if math.Abs(v-want[name]) > 1e-4 || math.IsNaN(v) {
				t.Errorf("%s: %s is %v, want %v as with other kernels", set, name, v, want[name])
			}
		}
	}
}

// metricsOf grades results and returns the summary's numbers.
func metricsOf(t *testing.T, drives, text string) map[string]float64 {
	t.Helper()
	results, err := nuscenes.ParseResults("results.json", text)
	if err != nil {
		t.Fatal(err)
	}
	ds, split, err := nuscenes.OpenTruth(drives, synth.Version, nuscenes.Part{Split: "all"})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := eval.Frames(ds, split, results, eval.CVPR2019())
	if err != nil {
		t.Fatal(err)
	}
	m := eval.Evaluate(eval.CVPR2019(), frames)
	all := map[string]float64{"mAP": m.MeanAP, "NDS": m.NDS}
	for i, e := range m.Errors {
		all[fmt.Sprintf("error %d", i)] = e
	}
	return all
}
