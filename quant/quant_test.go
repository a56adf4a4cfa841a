package quant

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/synth"
	"github.com/solofusion/solofusion/tensor"
)

// floats returns a bundle of random weights in float32, and drives of that many frames.
func floats(t *testing.T, drives, frames int) (*model.Bundle, []Drive) {
	t.Helper()
	b := floatBundle(t)
	b, _, err := Optimise(b)
	if err != nil {
		t.Fatal(err)
	}
	return b, rendered(t, drives, frames)
}

// floatBundle returns the test bundle with a float32 head.
func floatBundle(t *testing.T) *model.Bundle {
	t.Helper()
	b, err := model.Open(testbundle.Write(t))
	if err == nil {
		b, err = Float(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rendered returns drives of the test bundle's size.
func rendered(t *testing.T, drives, frames int) []Drive {
	t.Helper()
	dir := t.TempDir()
	window, err := synth.ParseWindow("64x64@0.06+4+0")
	if err != nil {
		t.Fatal(err)
	}
	if err := synth.Write(t.Context(), dir, synth.Options{Seed: 1, Drives: drives, Frames: frames, Window: window}, nil); err != nil {
		t.Fatal(err)
	}
	ds, err := nuscenes.Open(dir, synth.Version)
	if err != nil {
		t.Fatal(err)
	}
	return Drives(ds)
}

var run = Run{Threads: 1, Kernels: isa.Generic}

// TestCalibrationGoesOn: a calibration that is interrupted and goes on has the statistics
// of one that is not, and one that is done reads them.
func TestCalibrationGoesOn(t *testing.T) {
	b, drives := floats(t, 2, 4)
	want, err := Calibrate(t.Context(), b, drives, Calibration{Frames: 20, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ranges.json")
	ctx, cancel := context.WithCancel(t.Context())
	stop := func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}
	if _, err := Calibrate(ctx, b, drives, Calibration{Frames: 20, File: file, Run: run, Progress: stop}); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: error %v", err)
	}
	for range 2 {
		got, err := Calibrate(t.Context(), b, drives, Calibration{Frames: 20, File: file, Run: run})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("not as without an interruption (-want +got):\n%s", diff)
		}
	}
	for _, s := range strata(b.Manifest.History.Frames) {
		if s.condition != lost && want.Frames[s.String()] == 0 {
			t.Errorf("no frame of the stratum %q", s)
		}
	}
}

// TestGraphsOfAllTargets: the graphs that are written load, and a bundle of them becomes
// the float32 one again.
func TestGraphsOfAllTargets(t *testing.T) {
	b, drives := floats(t, 1, 4)
	s, err := Calibrate(t.Context(), b, drives, Calibration{Frames: 20, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Spread: 0.5}, {SevenBits: true}} {
		eight, err := Quantise(b, s, o)
		if err != nil {
			t.Fatal(err)
		}
		of, err := sample(t.Context(), b, drives, 1, run)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range model.Graphs() {
			e, err := quantise(b, g, s, o)
			if err != nil {
				t.Fatal(err)
			}
			some, err := layers(b, g, nil)
			if err != nil {
				t.Fatal(err)
			}
			if off, err := of.error(g, e, 1); err != nil || off > 0 != (len(some) > 0) || !(off < 0.05) {
				t.Errorf("%+v: %s is off by %.2g, error %v", o, g, off, err)
			}
		}
		if eight, err = ForTensorRT(eight, s, o); err == nil {
			eight, err = ForCUDA(eight, s)
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := len(eight.Sets()); n != 4 {
			t.Errorf("%d sets of graphs, want 4", n)
		}
		again, err := withoutCPU(eight)
		if err != nil || len(again.Sets()) != 3 {
			t.Errorf("without the CPU's: %v", err)
		}
	}
}

// TestSearchIsRecorded: the record has what was counted; where nothing is found, nothing can
// be counted.
func TestSearchIsRecorded(t *testing.T) {
	b, drives := floats(t, 1, 4)
	s, err := Calibrate(t.Context(), b, drives, Calibration{Frames: 20, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Search(t.Context(), b, s, drives, Goal{MaxLoss: 0.5, Run: run}); err == nil || !strings.Contains(err.Error(), "no box above 0.3 was found") {
		t.Errorf("nothing is found: error %v", err)
	}
	f, err := Search(t.Context(), b, s, drives, Goal{MaxLoss: 1, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	done, err := f.Record(false)
	if err != nil {
		t.Fatal(err)
	}
	if q := done.Manifest.Graphs[cpu].Quantisation; q.Loss == nil || q.Loss.Sets != 4 || q.Frames != s.Taken() {
		t.Errorf("record %+v", q)
	}
}

func TestValuesThatAreNotFinite(t *testing.T) {
	b, drives := floats(t, 1, 4)
	g, err := graph.Parse(b.Graph(model.ImageEncoder))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes() {
		if n.Op == "Conv" { // two of them overflow
			w, err := graph.Constant[float32](g, n.Inputs[1])
			if err != nil {
				t.Fatal(err)
			}
			for i := range w.Data {
				w.Data[i] *= 1e30
			}
			n.Inputs[1] = graph.AddConstant(g, "large", w)
		}
	}
	files := b.Files()
	if files[string(model.ImageEncoder)], err = g.Bytes(); err != nil {
		t.Fatal(err)
	}
	if b, err = model.New(b.Manifest, files); err != nil {
		t.Fatal(err)
	}
	_, err = Calibrate(t.Context(), b, drives, Calibration{Frames: 20, Run: run})
	if err == nil || !strings.Contains(err.Error(), "image_encoder.onnx: value") {
		t.Errorf("error %v, want one that names the value", err)
	}
}

func TestStatisticsOfOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ranges.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := new(Statistics).load(file); err == nil || !strings.Contains(err.Error(), "holds no statistics") {
		t.Errorf("error %v", err)
	}
	theirs := Statistics{Version: statisticsVersion, Graphs: "theirs", Images: 7}
	if err := theirs.save(file); err != nil {
		t.Fatal(err)
	}
	ours := Statistics{Version: statisticsVersion, Graphs: "ours"}
	if err := ours.load(file); err != nil || ours.Images != 0 {
		t.Errorf("the statistics of other graphs are taken: %+v, %v", ours, err)
	}
}

func box(t *testing.T, class string, x, score float64) perception.Detection {
	c, ok := perception.ParseClass(class)
	if !ok {
		t.Fatal(class)
	}
	d := perception.Detection{Class: c, Score: float32(score)}
	d.Center[0] = x
	return d
}

func TestMissed(t *testing.T) {
	set := func(before int, boxes ...perception.Detection) inSet { return inSet{before, boxes} }
	float := found{set(0, box(t, "car", 0, 0.9), box(t, "car", 9, 0.31), box(t, "bus", 20, 0.5), box(t, "car", 30, 0.29)), set(1)}
	eight := found{set(0, box(t, "car", 0.4, 0.2), box(t, "car", 9.6, 0.9), box(t, "car", 20, 0.5)), set(1, box(t, "car", 0, 1))}
	if got := missed(float, eight); got != (Loss{Boxes: 3, Lost: 2, Sets: 2}) {
		t.Errorf("%+v, want 2 of 3 boxes in 2 sets", got)
	}
}

// TestBreakdown has parts of all kinds, those of classes and of sets being of the same boxes.
func TestBreakdown(t *testing.T) {
	b, drives := floats(t, 1, 5)
	parts, err := Breakdown(t.Context(), b, b, drives, run)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range parts {
		names = append(names, p.Of+": "+p.Name)
	}
	want := []string{
		"sets before: 0", "sets before: 1", "sets before: 2", "sets before: 3 and more",
		"images: as recorded", "images: a camera missing", "images: frames lost", "images: no images",
	} // of a class nothing is found
	if !slices.Equal(names, want) {
		t.Errorf("parts %q, want %q", names, want)
	}
	set := func(before int, boxes ...perception.Detection) inSet { return inSet{before, boxes} }
	float := found{set(0, box(t, "car", 0, 0.9)), set(3, box(t, "car", 9, 0.9), box(t, "bus", 20, 0.5)), set(4, box(t, "bus", 20, 0.5))}
	eight := found{set(0, box(t, "car", 0, 0.9)), set(3, box(t, "bus", 20, 0.5)), set(4)}
	parts = append(byClass(b, float, eight), byDepth(b, float, eight)...)
	if diff := cmp.Diff([]Part{
		{"class", "car", Loss{Boxes: 2, Lost: 1, Sets: 3}}, {"class", "bus", Loss{Boxes: 2, Lost: 1, Sets: 3}},
		{"sets before", "0", Loss{Boxes: 1, Sets: 1}}, {"sets before", "3 and more", Loss{Boxes: 3, Lost: 2, Sets: 2}},
	}, parts); diff != "" {
		t.Error(diff)
	}
}

// TestDrift: planes of a bundle are not apart from themselves, and are from those of an 8-bit encoder.
func TestDrift(t *testing.T) {
	b, drives := floats(t, 1, 6)
	s, err := Calibrate(t.Context(), b, drives, Calibration{Frames: 20, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	o, err := Only(b, model.ImageEncoder)
	if err != nil {
		t.Fatal(err)
	}
	eight, err := Quantise(b, s, o)
	if err != nil {
		t.Fatal(err)
	}
	if files := eight.Manifest.Graphs[cpu].Files; len(files) != 1 || files[model.ImageEncoder] == "" {
		t.Errorf("8-bit graphs %v, want the encoder alone", files)
	}
	same, err := Drift(t.Context(), b, b, drives[0], run)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Drift(t.Context(), b, eight, drives[0], run)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if same[i] != (Apart{}) || !(other[i].Newest > 0 && other[i].Newest < 1) || !(other[i].Oldest < 1) {
			t.Errorf("set %d: %v against itself, %v against 8 bits", i, same[i], other[i])
		}
	}
}

// TestOnlySeenCellsCount: of the head's maps the cells count where its float32 form sees
// something.
func TestOnlySeenCellsCount(t *testing.T) {
	heat := tensor.From([]float32{-9, 1, -9, -9, -9, -9, -9, -1}, 1, 2, 2, 2)
	if got := at(seen(map[string]*tensor.F32{"head_0_heatmap": heat}), tensor.From([]float32{10, 11, 12, 13}, 1, 1, 2, 2), false); !slices.Equal(got.Data, []float32{11, 13}) {
		t.Errorf("%v, want those of cells 1 and 3", got.Data)
	}
}

func TestSplit(t *testing.T) {
	three, eight := make([]Drive, 3), make([]Drive, 8)
	if m, c := Split(three); len(m) != 3 || len(c) != 3 {
		t.Errorf("of 3 drives %d are measured, %d counted", len(m), len(c))
	}
	if m, c := Split(eight); len(m) != 6 || len(c) != 2 {
		t.Errorf("of 8 drives %d are measured, %d counted", len(m), len(c))
	}
}

func TestKeepIsNotShared(t *testing.T) {
	one := Keep(nil).with(model.DetectHead, "a")
	two := one.with(model.DetectHead, "b")
	if len(one[model.DetectHead]) != 1 || len(two[model.DetectHead]) != 2 {
		t.Errorf("%v and %v", one, two)
	}
}

// TestNothingLeftToGiveBack: a search whose graphs' outputs are not off, though boxes are lost,
// ends with the reason.
func TestNothingLeftToGiveBack(t *testing.T) {
	b, drives := floats(t, 1, 4)
	s, err := Calibrate(t.Context(), b, drives, Calibration{Frames: 20, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	o, err := samples{}.giveBack(t.Context(), b, s, Options{}, 1) // without examples nothing is off
	if err != nil || o.Keep.count() != 0 {
		t.Errorf("%d layers are given back, error %v", o.Keep.count(), err)
	}
	of, err := sample(t.Context(), b, drives, 1, run)
	if err != nil {
		t.Fatal(err)
	}
	if o, err = of.giveBack(t.Context(), b, s, Options{}, 1); err != nil || o.Keep.count() == 0 {
		t.Errorf("%d layers are given back, error %v; want some", o.Keep.count(), err)
	}
}
