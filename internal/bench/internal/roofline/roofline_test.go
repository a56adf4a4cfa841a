package roofline

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

func TestDraw(t *testing.T) {
	p := &Picture{
		Title: "model", Note: "machine",
		Roofs:  []Roof{{"2 threads", 20e9, 300e9}, {"1 core", 12e9, 160e9}},
		Points: []Point{{"a", "a", false, 0.1, 1e8}, {"a/b", "a", true, 0.1, 1e8}, {"c", "c", false, 40, 2e11}},
	}
	file := filepath.Join(t.TempDir(), "roof.png")
	if err := Draw(file, p); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != width || size.Y != height {
		t.Errorf("size %v", size)
	}
	if err := Draw(filepath.Join(t.TempDir(), "absent", "roof.png"), p); err == nil || !strings.Contains(err.Error(), "roofline: ") {
		t.Errorf("error %v", err)
	}
}

func TestDrawWithoutPoints(t *testing.T) {
	p := &Picture{Roofs: []Roof{{"1 thread", 10e9, 100e9}}}
	if err := Draw(filepath.Join(t.TempDir(), "roof.png"), p); err != nil {
		t.Error(err)
	}
}

func TestRoof(t *testing.T) {
	r := Roof{Bandwidth: 10, Peak: 100}
	for intensity, want := range map[float64]float64{1: 10, 10: 100, 20: 100} {
		if got := r.at(intensity); got != want {
			t.Errorf("at %v: %v, want %v", intensity, got, want)
		}
	}
}

func TestDecades(t *testing.T) {
	var labels []string
	for _, tick := range decades(0.3, 200) {
		if tick.Label != "" {
			labels = append(labels, tick.Label)
		}
	}
	if got := strings.Join(labels, " "); got != "1 10 100" {
		t.Errorf("labels %q", got)
	}
}

// TestWordsDoNotOverlap places the words of points that lie on each other.
func TestWordsDoNotOverlap(t *testing.T) {
	var taken []vg.Rectangle
	for i := range 8 {
		place := free(vg.Point{X: 200, Y: 200}, 80, 600, taken)
		for _, other := range taken {
			if overlap(place, other) {
				t.Fatalf("words %d lie on others: %v on %v", i, place, other)
			}
		}
		taken = append(taken, place)
	}
}
