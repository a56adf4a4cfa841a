package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/onnx"
)

// step is one command of a case: its exit code, and an expression for what it prints.
type step struct {
	code  int
	words string
}

// TestFieldCases runs the cases of the shared folder field/data with a bundle of
// random weights. The one that renders a drive (08) takes minutes and is left out:
// TestLidarDoesNotMatter of perception/pipeline holds it.
func TestFieldCases(t *testing.T) {
	const graded = `mAP 0\.2000;NDS 0\.1937`
	fine, read := step{0, graded}, step{0, "images used"}
	for name, steps := range map[string][]step{
		"01-points-minus-one":                  {fine, read},
		"02-float-timestamps":                  {fine, read, fine, read},
		"04-fields-that-nothing-reads":         everyField(),
		"06-splits-of-more-scenes":             {fine, {0, graded + `.*count=1 first=scene-z`}, fine, read},
		"07-official-name-of-another-data-set": {fine, fine, read, read},
		"09-eval-without-lidar_top": {
			read, {0, "of CAM_FRONT"}, read, {0, "of LIDAR_CONCAT"}, read, {0, "of LIDAR_LEFT"},
		},
		"10-no-image-fits-and-exit-code-0": {
			{1, "12 rejected: .*800 x 450 pixels, calibrated for 1600 x 900"}, {1, "12 rejected: .*image is a WebP file, want JPEG or PNG"},
			{0, "12 of 12 images used"}, {0, "mAP"}, {1, "none of the 12 images could be used"},
		},
		"11-gaps-in-a-recording": {
			{0, "4 of 4 samples.*4 of 4 images used"}, {0, "4 of 4 samples.*24 of 24 images used"},
			{1, "year 52671: want microseconds since 1970; these look like nanoseconds"},
		},
		"13-own-pose-of-each-camera-is-lost":  {{0, "18 of 18 images used"}, {0, "18 of 18 images used"}},
		"14-replay-without-annotation-tables": {{0, "sample_annotation=absent.*12 of 12 images used"}},
		"15-trace-and-scene-names": {
			{0, `scene=\.\.%2F\.\.%2Fevil`}, {0, "scene-a-t-scene-a.*scene-a-t-scene-b"},
			{1, `2 scenes of the name "scene-a": choose by token`}, {1, "none of the 6 images could be used: 6 absent"},
		},
		"16-not-a-detection-file": {
			{1, "is a zip archive; unpack it"}, {1, "is a folder; .* it has pts_bbox/results_nusc.json"}, {1, "is a pickle; want JSON"},
			{1, "begins with a byte order mark"}, {1, "tracking results"}, {1, "lacks meta and results, and has samples"},
			{1, "one level deeper"}, {1, "found null, want an array"}, {1, "is the folder of the tables themselves"},
		},
	} {
		t.Run(name, func(t *testing.T) { checkCase(t, name, steps) })
	}
}

// everyField is what 17 data sets give, each with eval and replay.
func everyField() (steps []step) {
	for i := range 17 {
		words := `mAP 0\.2000;NDS 0\.1937`
		if i == 16 {
			words = `mAP 0\.1000;NDS 0\.0969`
		}
		steps = append(steps, step{0, words}, step{0, "images used"})
	}
	return steps
}

func checkCase(t *testing.T, name string, want []step) {
	folder := golden.Shared(t, "field/data/"+name)
	out, err := exec.Command("sh", filepath.Join(folder, "run.sh"), programWithBundle(t), golden.Shared(t, ".")).CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "the same bytes") {
		t.Errorf("poses were not used:\n%s", out)
	}
	commands := strings.Split(string(out), "\n$ solofusion ")
	commands[0] = strings.TrimPrefix(commands[0], "$ solofusion ")
	if len(commands) != len(want) {
		t.Fatalf("%d commands, want %d:\n%s", len(commands), len(want), out)
	}
	for i, command := range commands {
		pattern := fmt.Sprintf(`(?s)%s.*exit code %d\b`, want[i].words, want[i].code)
		if !regexp.MustCompile(pattern).MatchString(command) {
			t.Errorf("want %q and exit code %d of:\n%s", want[i].words, want[i].code, command)
		}
	}
}

// programWithBundle returns a program that is solofusion with the tests' bundle.
func programWithBundle(t *testing.T) string {
	library, err := onnx.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexport %s='%s'\ncase $1 in replay|trace) exec solofusion \"$@\" --model '%s' ;; esac\nexec solofusion \"$@\"\n",
		onnx.LibraryVariable, library, testbundle.Write(t))
	file := filepath.Join(t.TempDir(), "solofusion-with-bundle")
	if err := os.WriteFile(file, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}
