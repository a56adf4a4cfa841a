package model

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/testbundle"
)

func TestOpen(t *testing.T) {
	b, err := Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.Manifest.Grid.X.Cells(), 32; got != want {
		t.Errorf("%d cells, want %d", got, want)
	}
	if got := b.ID(); !strings.HasPrefix(got, "tiny-random@") || len(got) != len("tiny-random@")+12 {
		t.Errorf("ID %q", got)
	}
	if got := b.Quantisation(); !strings.Contains(got, "random weights") {
		t.Errorf("quantisation %q", got)
	}
	if got := b.Weights.Similarity[0].Weight.Shape; got[0] != 16 || got[1] != 8 {
		t.Errorf("similarity.0.weight has shape %v", got)
	}
	for _, g := range graphs {
		if len(b.Graph(g)) == 0 {
			t.Errorf("%s is empty", g)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	edit := func(old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, manifestFile)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(data), old, new, 1)
			if changed == string(data) {
				t.Fatalf("%q is not in the manifest", old)
			}
			write(t, path, []byte(changed))
		}
	}
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   []string // in the error
	}{
		"a changed graph": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "head.onnx"), []byte("x"))
		}, []string{"head.onnx has SHA-256 2d711642", "as in model.yaml"}},
		"a missing file": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "bev_embed.onnx")); err != nil {
				t.Fatal(err)
			}
		}, []string{"bev_embed.onnx"}},
		"a page": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "head.onnx"), []byte("\ufeff\n<!DOCTYPE html><html>"))
		}, []string{"head.onnx is a web page (HTML)"}},
		"a pointer": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, weightsFile), []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0"))
		}, []string{"weights.safetensors is a Git LFS pointer: git lfs pull"}},
		"a page for a manifest": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, manifestFile), []byte("<html>"))
		}, []string{"model.yaml is a web page"}},
		"an empty manifest": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, manifestFile), nil)
		}, []string{"empty"}},
		"no YAML":       {edit("format: 1", "format: ["), []string{"model.yaml"}},
		"a scalar":      {func(t *testing.T, dir string) { write(t, filepath.Join(dir, manifestFile), []byte("x")) }, []string{"cannot unmarshal"}},
		"unknown keys":  {edit("format: 1", "format: 1\ncolour: red"), []string{"colour"}},
		"two faults":    {edit("format: 1\nname: tiny-random", "fromat: 1"), []string{"fromat", "format is missing", "name is missing"}},
		"a nested lack": {edit("max_per_class: 500", ""), []string{"head.max_per_class is missing"}},
		"a list's lack": {edit("classes: [car], ", ""), []string{"head.tasks[0].classes is missing"}},
		"wrong type":    {edit("bins: 16", "bins: many"), []string{"many"}},
		"out of range":  {edit("samples: 7", "samples: 17"), []string{"stereo.samples is 17, want 1 to depth.bins"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testbundle.Write(t)
			test.damage(t, dir)
			_, err := Open(dir)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

// Hashes are numbers: capitals are the same ones.
func TestOpenTakesHashesInCapitals(t *testing.T) {
	dir := testbundle.Write(t)
	path := filepath.Join(dir, manifestFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range fileNames {
		sum := regexp.MustCompile(regexp.QuoteMeta(name) + ": [0-9a-f]{64}")
		data = sum.ReplaceAllFunc(data, func(line []byte) []byte {
			return append([]byte(name+": "), bytes.ToUpper(line[len(name)+2:])...)
		})
	}
	write(t, path, data)
	if _, err := Open(dir); err != nil {
		t.Error(err)
	}
}

func TestOpenNamesWhatIsNoBundle(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want one that says it does not exist", err)
	}
	file := filepath.Join(testbundle.Write(t), manifestFile)
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "want a folder") {
		t.Errorf("error %v, want one that asks for a folder", err)
	}
}

func TestVerify(t *testing.T) {
	b, err := Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	right := func(g Graph) (in, out []Port, err error) {
		in, out = b.Manifest.ports(g, &b.Manifest.Head.Input)
		for i := range out {
			if out[i].Name == "fused" {
				out[i].Shape[1] = 8
			}
		}
		return in, out, nil
	}
	if err := b.Verify(b.Plain(), right); err != nil {
		t.Errorf("right graphs: %v", err)
	}
	wrong := func(g Graph) (in, out []Port, err error) {
		in, out, _ = right(g)
		in[0].Type = "int8"
		out[0].Shape[1]++
		out[len(out)-1].Name = "x"
		return in, out, nil
	}
	err = b.Verify(b.Plain(), wrong)
	if err == nil {
		t.Fatal("wrong graphs are accepted")
	}
	for _, want := range []string{
		`image_encoder.onnx: input "images" is int8`, `image_encoder.onnx: output "context" is float32 [-1 9 8 8], want float32 [-1 8 8 8]`,
		`has no output "stereo_features"`, `has an unknown output "x"`, `head.onnx has no output "head_5_heatmap"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	broken := errors.New("no graph")
	if err := b.Verify(b.Plain(), func(Graph) ([]Port, []Port, error) { return nil, nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
