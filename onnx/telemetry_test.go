package onnx_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoTelemetry runs a graph in a process of its own, since the library decides once: it
// must leave no identity of the device in the user's folder.
func TestNoTelemetry(t *testing.T) {
	home := t.TempDir()
	c := exec.Command(os.Args[0], "-test.run=^TestPorts$", "-test.count=1")
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "ORT_DISABLE_TELEMETRY" && name != "XDG_CACHE_HOME" && name != "HOME" {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "HOME="+home)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("ONNX Runtime left %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
