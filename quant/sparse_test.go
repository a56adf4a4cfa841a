package quant

import (
	"math"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/tensor"
)

// withHidden returns a float32 bundle whose branches have a hidden layer, as those of real
// heads do; the test bundle's have one layer.
func withHidden(t *testing.T) *model.Bundle {
	t.Helper()
	b := floatBundle(t)
	g, err := graph.Parse(b.Graph(model.DetectHead))
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range g.Outputs() {
		if out.Name == fused {
			continue
		}
		last := g.Producer(out.Name)
		weight, err := graph.Constant[float32](g, last.Inputs[1])
		if err != nil {
			t.Fatal(err)
		}
		channels := weight.Shape[1]
		hidden := tensor.New[float32](channels, channels, 3, 3)
		for i := range hidden.Data { // neighbours have a part in it
			hidden.Data[i] = float32(math.Sin(float64(i))) / 8
		}
		h := g.Add("Conv", out.Name+"_hidden", last.Inputs[0], graph.AddConstant(g, out.Name+"_hidden_weight", hidden))
		h.Set("kernel_shape", []int{3, 3}).Set("pads", []int{1, 1, 1, 1})
		last.Inputs[0] = g.Add("Relu", out.Name+"_relu", h.Output()).Output()
	}
	files := b.Files()
	if files[string(model.DetectHead)], err = g.Bytes(); err != nil {
		t.Fatal(err)
	}
	if b, err = model.New(b.Manifest, files); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSparseHead: a head whose boxes are made in chosen cells finds what the whole one does, traces
// have its whole maps, and any number of threads gives the same.
func TestSparseHead(t *testing.T) {
	b := withHidden(t)
	drives := rendered(t, 1, 3)
	sparse, _, err := Optimise(b)
	if err != nil {
		t.Fatal(err)
	}
	if !sparse.Manifest.Head.Sparse || b.Manifest.Head.Sparse {
		t.Fatal("the head is not sparse")
	}
	if err := pipeline.Compare(b, sparse, 1e-5); err != nil {
		t.Error(err)
	}
	if _, err := pipeline.Verify(sparse); err != nil {
		t.Error(err)
	}
	want, wantMaps := observed(t, b, drives, 1)
	got, gotMaps := observed(t, sparse, drives, 1)
	if len(wantMaps) == 0 || len(gotMaps) != len(wantMaps) {
		t.Fatalf("%d maps, want %d", len(gotMaps), len(wantMaps))
	}
	for i, w := range wantMaps {
		if g := gotMaps[i]; g.name != w.name || !slices.Equal(g.Shape, w.Shape) || noise(g.Data, w.Data) > 1e-10 {
			t.Errorf("%s of %v is not %s of %v", g.name, g.Shape, w.name, w.Shape)
		}
	}
	boxes := 0
	for set := range want {
		if len(got[set]) != len(want[set]) {
			t.Fatalf("set %d: %d boxes, want %d", set, len(got[set]), len(want[set]))
		}
		for i := range want[set] {
			boxes++
			g, w := &got[set][i], &want[set][i]
			if g.Class != w.Class || g.Center.Sub(w.Center).Norm() > 1e-3 || math.Abs(g.Velocity[1]-w.Velocity[1]) > 1e-3 {
				t.Fatalf("set %d, box %d is %+v, want %+v", set, i, g, w)
			}
		}
	}
	if boxes == 0 {
		t.Error("nothing was found")
	}
	for _, threads := range []int{2, 3} {
		if again, _ := observed(t, sparse, drives, threads); !slices.EqualFunc(again, got, slices.Equal) {
			t.Errorf("other boxes with %d threads", threads)
		}
	}
}

// TestSparseHeadForAllTargets: the head's parts run together, whatever the head is written for.
func TestSparseHeadForAllTargets(t *testing.T) {
	b, _, err := Optimise(withHidden(t))
	if err != nil {
		t.Fatal(err)
	}
	drives := rendered(t, 1, 4)
	s, err := Calibrate(t.Context(), b, drives, Calibration{Frames: 20, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	eight, err := Quantise(b, s, Options{})
	if err == nil {
		eight, err = ForTensorRT(eight, s, Options{})
	}
	if err == nil {
		eight, err = ForCUDA(eight, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	if notes, err := pipeline.Verify(eight); err != nil {
		t.Errorf("%v: %v", notes, err)
	}
	if n := len(eight.Sets()); n != 4 {
		t.Errorf("%d sets of graphs, want 4", n)
	}
	if _, maps := observed(t, eight, drives, 1); len(maps) == 0 {
		t.Error("no maps")
	}
}

// TestGraphsOfProvidersKeepTheHeadWhole: what another provider runs has no boxes cut out.
func TestGraphsOfProvidersKeepTheHeadWhole(t *testing.T) {
	b := withHidden(t)
	m := b.Manifest
	m.Graphs = map[string]model.GraphSet{"tensorrt": {Precision: []string{"float16"}}}
	b, err := model.New(m, b.Files())
	if err != nil {
		t.Fatal(err)
	}
	if b, _, err = Optimise(b); err != nil || b.Manifest.Head.Sparse {
		t.Errorf("sparse: %v, error %v", b.Manifest.Head.Sparse, err)
	}
}

// named is a map that an observer was shown.
type named struct {
	name string
	*tensor.F32
}

// observer keeps the head's maps.
type observer struct{ maps []named }

func (*observer) Begin(string) {}

func (o *observer) End(stage string, outputs func() []pipeline.Output) {
	if stage != pipeline.Head {
		return
	}
	for _, out := range outputs() {
		t := out.Values()
		o.maps = append(o.maps, named{out.Name, tensor.From(slices.Clone(t.Data), t.Shape...)})
	}
}

// observed returns what a bundle finds in drives, and the head's maps.
func observed(t *testing.T, b *model.Bundle, drives []Drive, threads int) (all [][]perception.Detection, maps []named) {
	t.Helper()
	o := new(observer)
	d, err := pipeline.New(b, pipeline.Options{Threads: threads, Kernels: isa.Generic, Observer: o})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, drive := range drives {
		m := d.NewMemory()
		err := drive.each(t.Context(), recorded, func(_ int, set *perception.FrameSet) error {
			r, err := d.Step(m, set)
			if err == nil {
				all = append(all, r.Detections)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all, o.maps
}
