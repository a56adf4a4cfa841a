package rewrite_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/onnx/graph"
	"github.com/solofusion/solofusion/onnx/rewrite"
	"github.com/solofusion/solofusion/tensor"
)

// window adds a convolution that keeps the size.
func (b *builder) window(x, y string, inputs, outputs, kernel int) {
	pad := kernel / 2
	b.Add("Conv", y, x, b.constant(outputs, inputs, kernel, kernel), b.constant(outputs)).
		Set("kernel_shape", []int{kernel, kernel}).Set("pads", []int{pad, pad, pad, pad})
}

// branch adds a map's two convolutions.
func (b *builder) branch(x, name string, hidden, outputs int, kernels [2]int) {
	b.window(x, name+"_hidden", 6, hidden, kernels[0])
	b.Add("Relu", name+"_relu", name+"_hidden")
	b.window(name+"_relu", name, hidden, outputs, kernels[1])
}

const boxesRows, boxesColumns = 4, 5

// headOf returns a head of two tasks, of two boxes' maps and a heatmap each.
func headOf(t *testing.T, kernels [2]int) *graph.Graph {
	b := build(image("x", 1, 6, boxesRows, boxesColumns))
	b.Add("Relu", "shared", "x")
	var names []string
	for task := range 2 {
		for i, outputs := range []int{2, 3, 1} {
			name := fmt.Sprintf("map_%d_%d", task, i)
			b.branch("shared", name, 4+i, outputs, kernels)
			names = append(names, name)
		}
	}
	return b.done(t, names...)
}

func cut(t *testing.T, head *graph.Graph) *graph.Graph {
	t.Helper()
	boxes, err := rewrite.Boxes(head, rewrite.Head{Features: "features", Tasks: []rewrite.Task{
		{Maps: []string{"map_0_0", "map_0_1"}, Places: "places_0", Cells: "cells_0", Boxes: "boxes_0"},
		{Maps: []string{"map_1_1"}, Places: "places_1", Cells: "cells_1", Boxes: "boxes_1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return boxes
}

// TestBoxes: in any cells, edges and corners among them, the boxes' graph has what the whole maps
// have there, and the head keeps the others.
func TestBoxes(t *testing.T) {
	for _, kernels := range [][2]int{{3, 3}, {3, 1}, {1, 3}, {1, 1}, {5, 3}} {
		t.Run(fmt.Sprint(kernels), func(t *testing.T) {
			head := headOf(t, kernels)
			want := evaluate(t, head)
			boxes := cut(t, head)
			if boxes == nil {
				t.Fatal("no boxes were cut out")
			}
			got := evaluate(t, head)
			wantClose(t, map[string]*tensor.F32{"map_0_2": got["map_0_2"], "map_1_0": got["map_1_0"], "map_1_2": got["map_1_2"]},
				map[string]*tensor.F32{"map_0_2": want["map_0_2"], "map_1_0": want["map_1_0"], "map_1_2": want["map_1_2"]}, 0)
			if len(got) != 4 || !slices.Equal(got["features"].Shape, []int{1, boxesRows, boxesColumns, 6}) {
				t.Fatalf("%d outputs, features of %v", len(got), got["features"])
			}
			var all []int64
			for i := range int64(boxesRows * boxesColumns) {
				all = append(all, i)
			}
			some := []int64{7, 7, 0}
			found := runBoxes(t, boxes, got["features"], kernels[1]/2, all, some)
			wantClose(t, map[string]*tensor.F32{"0": columnsOf(found["boxes_0"], 0, 2)}, map[string]*tensor.F32{"0": want["map_0_0"]}, exactly)
			wantClose(t, map[string]*tensor.F32{"0": columnsOf(found["boxes_0"], 2, 5)}, map[string]*tensor.F32{"0": want["map_0_1"]}, exactly)
			wantClose(t, map[string]*tensor.F32{"1": found["boxes_1"]}, map[string]*tensor.F32{"1": chosenOf(want["map_1_1"], some)}, exactly)
		})
	}
}

// runBoxes runs a graph of boxes, whose tasks have different numbers of cells.
func runBoxes(t *testing.T, boxes *graph.Graph, features *tensor.F32, reach int, cells ...[]int64) map[string]*tensor.F32 {
	t.Helper()
	file, err := again(t, boxes).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := onnx.Open("")
	if err != nil {
		t.Fatal(err)
	}
	session, err := runtime.Load("boxes", file, onnx.Placement{Provider: "cpu", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	inputs, outputs, found := onnx.Tensors{"features": features}, onnx.Tensors{}, map[string]*tensor.F32{}
	for i, c := range cells {
		places, windows := windowsOf(c, reach)
		inputs[fmt.Sprintf("places_%d", i)] = tensor.From(places, len(places))
		inputs[fmt.Sprintf("cells_%d", i)] = tensor.From(windows, len(c), len(windows)/len(c))
		name := fmt.Sprintf("boxes_%d", i)
		found[name] = tensor.New[float32](int(session.Outputs()[i].Shape[0]), len(c))
		outputs[name] = found[name]
	}
	if err := session.Run(inputs, outputs); err != nil {
		t.Fatal(err)
	}
	return found
}

// windowsOf returns all places, and which of them the windows of cells read.
func windowsOf(cells []int64, reach int) (places, windows []int64) {
	const outside = boxesRows * boxesColumns
	for p := range int64(outside + 1) {
		places = append(places, p)
	}
	for _, cell := range cells {
		for dy := -reach; dy <= reach; dy++ {
			for dx := -reach; dx <= reach; dx++ {
				y, x := int(cell)/boxesColumns+dy, int(cell)%boxesColumns+dx
				if y < 0 || y >= boxesRows || x < 0 || x >= boxesColumns {
					windows = append(windows, outside)
				} else {
					windows = append(windows, int64(y*boxesColumns+x))
				}
			}
		}
	}
	return places, windows
}

// columnsOf returns channels of boxes that are by channel and cell.
func columnsOf(x *tensor.F32, from, to int) *tensor.F32 {
	n := x.Shape[1]
	return tensor.From(x.Data[from*n:to*n], to-from, n)
}

// chosenOf returns a map's numbers in cells.
func chosenOf(x *tensor.F32, cells []int64) *tensor.F32 {
	channels, size := x.Shape[1], x.Shape[2]*x.Shape[3]
	var all []float32
	for c := range channels {
		for _, cell := range cells {
			all = append(all, x.Data[c*size+int(cell)])
		}
	}
	return tensor.From(all, channels, len(cells))
}

// TestOtherHeadsStayWhole: what is not made as Boxes knows it is left as it is.
func TestOtherHeadsStayWhole(t *testing.T) {
	for name, change := range map[string]func(*graph.Graph){
		"no hidden layer": func(g *graph.Graph) {
			g.Remove(g.Producer("map_0_0"))
			(&builder{Graph: g, seed: 99}).window("shared", "map_0_0", 6, 2, 3)
		},
		"hidden values with another use": func(g *graph.Graph) { g.Producer("map_1_0").Inputs[0] = "map_0_0_relu" },
		"no Relu":                        func(g *graph.Graph) { g.Producer("map_0_1_relu").Op = "Sigmoid" },
		"another value":                  func(g *graph.Graph) { g.Producer("map_1_1_hidden").Inputs[0] = "x" },
		"another size": func(g *graph.Graph) {
			g.Producer("map_1_1_hidden").Set("dilations", []int{2, 2}).Set("pads", []int{2, 2, 2, 2})
		},
	} {
		t.Run(name, func(t *testing.T) {
			head := headOf(t, [2]int{3, 3})
			change(head)
			before := operators(head) + fmt.Sprint(head.Outputs())
			boxes, err := rewrite.Boxes(head, rewrite.Head{Features: "features", Tasks: []rewrite.Task{
				{Maps: []string{"map_0_0", "map_0_1"}, Places: "places_0", Cells: "cells_0", Boxes: "boxes_0"},
				{Maps: []string{"map_1_1"}, Places: "places_1", Cells: "cells_1", Boxes: "boxes_1"},
			}})
			if boxes != nil || err != nil {
				t.Errorf("boxes were cut out, error %v", err)
			}
			if after := operators(head) + fmt.Sprint(head.Outputs()); after != before {
				t.Errorf("the head became %s", after)
			}
		})
	}
}
