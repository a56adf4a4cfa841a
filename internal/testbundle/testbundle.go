// Package testbundle holds the tiny bundle of random weights that tests run.
// training/testbundle.py made it and says what is in it.
package testbundle

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

//go:embed bundle
var files embed.FS

// Write copies the bundle into a new temporary folder, which the test may
// change, and returns its path.
func Write(t testing.TB) string {
	t.Helper()
	bundle, err := fs.Sub(files, "bundle")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := os.CopyFS(dir, bundle); err != nil {
		t.Fatal(err)
	}
	return dir
}
