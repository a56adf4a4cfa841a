package model

import (
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/perception"
)

// FuzzReadManifest checks that any manifest that is accepted holds what the
// detector relies on, and that it reads back as it was after it is written.
// Provenance and quantisation are free texts, and left out of that.
func FuzzReadManifest(f *testing.F) {
	for _, folder := range []string{testbundle.Write(f), testbundle.WritePlain(f)} {
		data, err := os.ReadFile(filepath.Join(folder, manifestFile))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add([]byte(strings.Replace(string(data), "files:\n", sets+"  head.cpu.onnx: 00\n", 1)))
		for _, change := range [][2]string{
			{"stride: 8", "stride: 7"}, {"stride: 8", "stride: 0"}, {"samples: 7", "samples: 17"}, {"bins: 16", "bins: 1"}, {"bins: 16", "bins: -16"},
			{"[car]", "[boat]"}, {"[car]", "[bus]"}, {"factors: [0.7, 0.7]", "factors: [0.7]"}, {"3.2]", "0]"}, {"3.2]", ".nan]"},
			{"kind: circle", "kind: square"}, {"frames: 3", "frames: -3"}, {"period: 0.5", "period: 0.5, mode: direct, time: measured"},
			{"context: 8", "context: 0"}, {"score_threshold: 0.1", "score_threshold: .inf"}, {"zero_point: 0", "zero_point: 90"},
			{"sigma_bins: 1.0", "sigma_bins: 1.234567890123e-2"}, {"bev_embed.onnx: ", "bev_embed.onnx: zz"},
		} {
			f.Add([]byte(strings.Replace(string(data), change[0], change[1], 1)))
		}
	}
	for _, s := range []string{"", "# x", "---\n", "x", "a: &a [*a]", "head: {tasks: [{}]}", "format: 1\n---\nformat: 1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadManifest(data)
		if err != nil {
			return
		}
		for _, fault := range unusable(m) {
			t.Errorf("accepted, but %s", fault)
		}
		text, err := yaml.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadManifest(text)
		if diff := cmp.Diff(m, again, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Manifest{}, "Provenance", "Quantisation")); err != nil || diff != "" {
			t.Errorf("written and read again: %v\n%s", err, diff)
		}
	})
}

// unusable returns what would fail behind an accepted manifest. It looks at the
// numbers as those do who use them, not as check does.
func unusable(m *Manifest) (faults []string) {
	want := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, fault)
		}
	}
	x, y := m.Grid.X.Cells(), m.Grid.Y.Cells()
	want(x > 0 && y > 0 && m.Grid.Z.Cells() == 1, "the plane has no cells, or several layers")
	want(m.Features.Context > 0, "features have no channels")
	whole := func(stride int) bool {
		return stride > 0 && m.Image.Width%stride == 0 && m.Image.Height%stride == 0
	}
	want(whole(m.Features.Stride), "the image is not a whole number of features")
	if m.HasStereo() {
		want(whole(m.Features.StereoStride), "the image is not a whole number of stereo features")
		want(m.Stereo.Samples >= 1 && m.Stereo.Samples <= m.Depth.Count, "stereo samples more bins than there are")
		want(m.Features.Stereo%m.Stereo.Groups == 0, "stereo's groups do not share its channels")
		want(m.Stereo.SigmaBins > 0, "the depth distribution has no width")
	}
	want(m.Depth.Start > 0 && m.Depth.Step > 0 && m.Depth.Count >= 2, "the depth bins are empty")
	want(m.History.Frames >= 0 && m.History.Period > 0, "the history is impossible")
	want(m.Head.ScoreThreshold >= 0 && !math.IsInf(m.Head.ScoreThreshold, 0), "the score threshold is no score")
	seen := map[string]bool{}
	for _, task := range m.Head.Tasks {
		want(task.NMS.Kind == "circle" || task.NMS.Kind == "rotated" && len(task.NMS.Factors) == len(task.Classes), "boxes cannot be suppressed")
		for _, name := range task.Classes {
			_, known := perception.ParseClass(name)
			want(known && !seen[name], name+" is no class, or twice")
			seen[name] = true
		}
	}
	for _, name := range fileNames {
		sum, err := hex.DecodeString(m.Files[name])
		want(err == nil && len(sum) == 32, name+" has no SHA-256")
	}
	return faults
}
