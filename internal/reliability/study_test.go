package reliability

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/synth"
)

// TestStudy runs a small plan, goes on with it where nothing is left to do, and reports
// on the drives that are complete.
func TestStudy(t *testing.T) {
	if testing.Short() {
		t.Skip("renders")
	}
	dir := t.TempDir()
	window, err := synth.ParseWindow("88x32@0.06+4+11")
	if err != nil {
		t.Fatal(err)
	}
	if err := synth.Write(t.Context(), dir, synth.Options{Seed: 1, Drives: 2, Frames: 2, Window: window}, nil); err != nil {
		t.Fatal(err)
	}
	ds, err := nuscenes.Open(dir, synth.Version)
	if err != nil {
		t.Fatal(err)
	}
	b, err := model.Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	d, err := pipeline.New(b, pipeline.Options{Encodings: &pipeline.Encodings{}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plan := &Plan{Dataset: ds, Frames: 2, Rounds: 2}
	study := &Study{Detector: d, Cache: t.TempDir()}
	if _, err := plan.Losses(t.Context(), study); err == nil || !strings.Contains(err.Error(), "no drive was run without a loss") {
		t.Errorf("before the first run: error %v", err)
	}
	if err := plan.Run(t.Context(), study, 0, ""); err != nil {
		t.Fatal(err)
	}
	study.Detector = nil // whoever uses it now panics
	if err := plan.Run(t.Context(), study, 0, ""); err != nil {
		t.Fatal(err)
	}
	checkLosses(t, plan, study)
}

func checkLosses(t *testing.T, plan *Plan, study *Study) {
	t.Helper()
	l, err := plan.Losses(t.Context(), study)
	if err != nil {
		t.Fatal(err)
	}
	if l.Drives != 1 || len(l.Rows) != 5+3 || l.Rows[1].Name != "2 of 6 cameras" || math.Abs(l.Rows[1].Seen-4./6) > 1e-12 {
		t.Errorf("%+v", l)
	}
	if table := l.Table(); strings.Count(table, "\n") != 2+2+8 || !strings.Contains(table, "| images with p = 5/6 | 17 % |") {
		t.Error(table)
	}
	picture := filepath.Join(t.TempDir(), "losses.png")
	if err := l.Draw(picture); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(picture); err != nil || info.Size() < 10_000 {
		t.Errorf("picture: %v, error %v", info, err)
	}
	clean, err := study.Results("clean", plan.Dataset.Scenes[:1])
	if err != nil {
		t.Fatal(err)
	}
	lost, err := study.Results("absent-crash5-round1", plan.Dataset.Scenes[:1])
	if err != nil {
		t.Fatal(err)
	}
	if len(clean.Samples) != 2 || len(clean.Samples[1].Boxes) == 0 || len(lost.Samples) != 2 {
		t.Errorf("%d clean samples, %d under a loss", len(clean.Samples), len(lost.Samples))
	}
}
