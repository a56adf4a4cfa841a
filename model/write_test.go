package model

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/solofusion/solofusion/internal/testbundle"
)

func opened(t *testing.T, folder string) *Bundle {
	t.Helper()
	b, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, source := range []string{DefaultName, testbundle.Write(t), testbundle.WritePlain(t)} {
		b := opened(t, source)
		rewrites, files := len(b.Manifest.Rewrites), b.Files()
		files[string(DetectHead)] = []byte("another graph")
		m := b.Manifest
		m.Rewrites = []Rewrite{{DetectHead, "made another", 2}}
		changed, err := New(m, files)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(t.TempDir(), "new", "bundle")
		if err := changed.Write(folder); err != nil {
			t.Fatal(err)
		}
		back := opened(t, folder)
		if back.ID() != changed.ID() || back.ID() == b.ID() {
			t.Errorf("read back as %s, written as %s, made of %s", back.ID(), changed.ID(), b.ID())
		}
		if diff := cmp.Diff(back.Manifest, m, cmpopts.IgnoreFields(Manifest{}, "Files"), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if !bytes.Equal(back.Graph(DetectHead), files["head.onnx"]) || !bytes.Equal(back.Graph(BEVEmbed), b.Graph(BEVEmbed)) {
			t.Error("the graphs are not those that were written")
		}
		if diff := cmp.Diff(back.Weights, b.Weights); diff != "" {
			t.Error(diff)
		}
		if b.Manifest.Files["head.onnx"] == back.Manifest.Files["head.onnx"] || len(b.Manifest.Rewrites) != rewrites {
			t.Error("the first bundle's manifest is changed")
		}
	}
}

// TestSparseHead: a sparse head has a file more, another bundle does without it.
func TestSparseHead(t *testing.T) {
	b := opened(t, testbundle.Write(t))
	m, files := b.Manifest, b.Files()
	m.Head.Sparse = true
	if _, err := New(m, files); err == nil || !strings.Contains(err.Error(), `files.boxes.onnx is ""`) {
		t.Errorf("without boxes.onnx: error %v", err)
	}
	files[string(Boxes)] = []byte("a graph")
	sparse, err := New(m, files)
	if err != nil {
		t.Fatal(err)
	}
	if got := sparse.Plain().Networks(); len(got) != 4 || got[3] != Boxes || sparse.Plain().File(Boxes) != "boxes.onnx" {
		t.Errorf("networks %v", got)
	}
	m.Head.Sparse = false
	if _, err := New(m, files); err == nil || !strings.Contains(err.Error(), "files is 5 names") {
		t.Errorf("with boxes.onnx for a whole head: error %v", err)
	}
}

func TestNewChecks(t *testing.T) {
	b := opened(t, testbundle.Write(t))
	m := b.Manifest
	m.Rewrites = []Rewrite{{"tail.onnx", "", 0}}
	_, err := New(m, b.Files())
	for _, want := range []string{`rewrites[0].graph is "tail.onnx"`, "rewrites[0].name", "rewrites[0].count"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	files := b.Files()
	files[weightsFile] = []byte("none")
	if _, err := New(b.Manifest, files); err == nil || !strings.Contains(err.Error(), weightsFile) {
		t.Errorf("error %v, want one with %s", err, weightsFile)
	}
	delete(files, weightsFile)
	if _, err := New(b.Manifest, files); err == nil || !strings.Contains(err.Error(), "files."+weightsFile) {
		t.Errorf("error %v, want one with files.%s", err, weightsFile)
	}
}

func TestWriteTakesNoFolderOfOthers(t *testing.T) {
	b := opened(t, testbundle.Write(t))
	folder := t.TempDir()
	file := filepath.Join(folder, "thesis.txt")
	write(t, file, []byte("x"))
	for _, out := range []string{folder, file} {
		if err := b.Write(out); err == nil || !strings.Contains(err.Error(), "want a new") {
			t.Errorf("error %v, want one with what would be right", err)
		}
	}
	if list, err := os.ReadDir(folder); err != nil || len(list) != 1 {
		t.Errorf("the folder holds %v, error %v", list, err)
	}
	if err := b.Write(t.TempDir()); err != nil {
		t.Error(err)
	}
}
