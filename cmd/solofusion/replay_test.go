package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/nuscenes"
)

// TestReplayRealRecordings replays real drives of two rigs, by both ways, and reads
// the results files: they have each sample of the tables, and boxes for those whose
// images exist.
func TestReplayRealRecordings(t *testing.T) {
	bundle := testbundle.Write(t)
	for _, recording := range []struct {
		folder, version  string
		samples, answers int
	}{
		{"data/nuscenes", "v1.0-mini", 81, 2},
		{"data/ddad", "v1.0-dgp", 3, 3},
	} {
		t.Run(recording.folder, func(t *testing.T) {
			input := golden.Shared(t, recording.folder)
			var texts []string
			for _, via := range []string{"direct", "nats"} {
				out := filepath.Join(t.TempDir(), "results.json")
				c := replayCmd{
					Input: input, DatasetVersion: recording.version, Out: out, Via: via, Rate: "max",
					detectorFlags: detectorFlags{Model: bundle, History: "model", Time: "model", Lost: "keep", providerFlags: providerFlags{Providers: []string{"cpu"}}},
				}
				if err := c.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				text, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, string(text))
			}
			if texts[0] != texts[1] {
				t.Error("direct and over NATS differ")
			}
			checkAnswers(t, texts[0], recording.samples, recording.answers)
		})
	}
}

func checkAnswers(t *testing.T, text string, samples, answers int) {
	t.Helper()
	results, err := nuscenes.ParseResults("results.json", text)
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for _, s := range results.Samples {
		if len(s.Boxes) > 0 {
			answered++
		}
	}
	if len(results.Samples) != samples || answered != answers {
		t.Errorf("%d samples, %d with boxes; want %d, %d", len(results.Samples), answered, samples, answers)
	}
}
