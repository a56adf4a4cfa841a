package synth

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The tables describe the images that a window shows: a point on a camera's ray
// is at the window's pixel of the full image's pixel.
func TestTablesDescribeTheWindow(t *testing.T) {
	full, small := testDrive(4), testDrive(4)
	small.window = network
	var of [2]tables
	for i, v := range []*drive{full, small} {
		v.recordSensors(&of[i])
	}
	for i := range full.rig {
		a, b := of[0].calibratedSensor[i].Intrinsics, of[1].calibratedSensor[i].Intrinsics
		for axis, shift := range []int{network.Left, network.Top} {
			for _, ray := range []float64{-0.4, 0, 0.25} {
				source := a[axis][axis]*ray + a[axis][2]
				pixel := b[axis][axis]*ray + b[axis][2]
				if want := (pixel+float64(shift)+0.5)/network.Scale - 0.5; math.Abs(source-want) > 1e-9 {
					t.Errorf("%s: pixel %g shows the full image's %g, want %g", full.rig[i].name, pixel, source, want)
				}
			}
		}
	}
	for _, row := range of[1].sampleData {
		if row.Format == "jpg" && (row.Width != 352 || row.Height != 128) {
			t.Fatalf("an image of %d x %d", row.Width, row.Height)
		}
	}
}

// A folder has the drives of one run, or none: what other options left is refused
// and stays as it was.
func TestDrivesDoNotMix(t *testing.T) {
	first := Options{Seed: 5, Drives: 1, Frames: 2, Window: network, Depth: true}
	dir := render(t, first)
	before := contents(t, dir)
	for name, change := range map[string]func(*Options){
		"another seed": func(o *Options) { o.Seed = 6 },
		"fewer frames": func(o *Options) { o.Frames = 1 },
		"no depth":     func(o *Options) { o.Depth = false },
	} {
		second := first
		change(&second)
		err := Write(context.Background(), dir, second, nil)
		if err == nil || !strings.Contains(err.Error(), "is of another data set: want a new folder") {
			t.Errorf("%s: error %v", name, err)
		}
		same(t, name, before, contents(t, dir))
	}
}

func TestForeignImagesAreRefused(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "samples", "CAM_FRONT", "n015__CAM_FRONT__1.jpg")
	if err := writeFile(image, nil); err != nil {
		t.Fatal(err)
	}
	err := Write(context.Background(), dir, Options{Drives: 1, Frames: 1, Window: network}, nil)
	if err == nil || !strings.Contains(err.Error(), image) {
		t.Errorf("error %v, want one with %s", err, image)
	}
}

// The same drives may be rendered again in place, larger too: nothing else is
// left. A run that is interrupted leaves no table of scenes.
func TestRenderAgain(t *testing.T) {
	o := Options{Seed: 5, Drives: 1, Frames: 1, Window: &Window{176, 64, 0.12, 8, 44}}
	dir := render(t, o)
	o.Window = network
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Write(stopped, dir, o, nil); err == nil {
		t.Fatal("a run that was stopped returns no error")
	}
	if _, err := os.Stat(filepath.Join(dir, Version, "scene.json")); err == nil {
		t.Error("a run that was stopped leaves a table of scenes")
	}
	if err := Write(context.Background(), dir, o, nil); err != nil {
		t.Fatal(err)
	}
	same(t, "again", contents(t, render(t, o)), contents(t, dir))
}

// same requires the same files with the same bytes.
func same(t *testing.T, name string, want, got map[string][]byte) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d files, want %d", name, len(got), len(want))
	}
	for file, b := range want {
		if !bytes.Equal(b, got[file]) {
			t.Errorf("%s: %s differs", name, file)
		}
	}
}
