package figure_test

import (
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/quant"
	"github.com/solofusion/solofusion/quant/figure"
)

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	step := func(kept, lost int, took time.Duration) quant.Step {
		return quant.Step{Kept: make([]model.KeptLayer, kept), Loss: quant.Loss{Boxes: 100, Lost: lost}, Took: took}
	}
	found := &quant.Found{Steps: []quant.Step{step(0, 65, 1e8), step(3, 25, 2e8), step(6, 5, 2e8)}, Result: step(6, 5, 2e8), Float: 3e8}
	if err := figure.Steps(filepath.Join(dir, "steps.png"), found, 0.06); err != nil {
		t.Error(err)
	}
	curve := figure.Curve{Name: "newest plane", Values: []float64{1, 2, 1.5}}
	if err := figure.Drift(filepath.Join(dir, "drift.png"), "title", "y", curve, curve); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"steps.png", "drift.png"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if c, _, err := image.DecodeConfig(f); err != nil || c.Width != 900 {
			t.Errorf("%s: %+v, error %v", name, c, err)
		}
	}
	if err := figure.Drift(filepath.Join(dir, "no", "drift.png"), "", "", curve); err == nil {
		t.Error("a picture in no folder was written")
	}
}
