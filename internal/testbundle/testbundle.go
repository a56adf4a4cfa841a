// Package testbundle holds the tiny bundles of random weights that tests run.
// training/testbundle.py made them and says what is in them.
package testbundle

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

//go:embed bundle plain
var files embed.FS

// Write copies the bundle into a new temporary folder, which the test may
// change, and returns its path.
func Write(t testing.TB) string { return write(t, "bundle") }

// WritePlain does the same with the bundle without stereo and history.
func WritePlain(t testing.TB) string { return write(t, "plain") }

func write(t testing.TB, name string) string {
	t.Helper()
	bundle, err := fs.Sub(files, name)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := os.CopyFS(dir, bundle); err != nil {
		t.Fatal(err)
	}
	return dir
}
