package decode

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/perception"
)

func classes(names ...string) []perception.Class {
	var c []perception.Class
	for _, n := range names {
		class, ok := perception.ParseClass(n)
		if !ok {
			panic(n)
		}
		c = append(c, class)
	}
	return c
}

// reference is the configuration of the reference's small model.
func reference() Config {
	rotated := func(iou float64, factors ...float64) NMS { return Rotated{iou, factors, 1000, 83} }
	return Config{
		Grid:      geom.Grid{X: geom.Axis{-51.2, 51.2, 1.6}, Y: geom.Axis{-51.2, 51.2, 1.6}},
		Threshold: 0.1, Max: 500, CenterLimit: geom.Vec3{61.2, 61.2, 10},
		Tasks: []Task{
			{classes("car"), rotated(0.2, 1)},
			{classes("truck", "construction_vehicle"), rotated(0.2, 0.7, 0.7)},
			{classes("bus", "trailer"), rotated(0.2, 0.4, 0.55)},
			{classes("barrier"), Circle{1, 83}},
			{classes("motorcycle", "bicycle"), rotated(0.2, 1, 1)},
			{classes("pedestrian", "traffic_cone"), rotated(0.5, 4.5, 9)},
		},
	}
}

func referenceMaps(a *golden.Archive, task int) Maps {
	read := func(branch string) []float32 {
		return golden.Array[float32](a, fmt.Sprintf("head%d_%s", task, branch)).Data
	}
	return Maps{read("reg"), read("height"), read("dim"), read("rot"), read("vel"), read("heatmap")}
}

// The reference's yaw of a heading: the inverse of heading.
func oldYaw(h float64) float64 { return -h - math.Pi/2 }

// angle returns the distance of two angles.
func angle(a, b float64) float64 { return math.Abs(math.Remainder(a-b, 2*math.Pi)) }

// compare returns the largest differences of a box from the nine numbers of
// the reference, whose z is z.
func compare(d *perception.Detection, want []float32, z float64) float64 {
	got := []float64{
		d.Center[0], d.Center[1], d.Center[2], d.Size[0], d.Size[1], d.Size[2], 0, d.Velocity[0], d.Velocity[1],
	}
	worst := angle(oldYaw(d.Yaw), float64(want[6]))
	for i, g := range got {
		w := float64(want[i])
		switch i {
		case 2:
			w = z
		case 6:
			continue
		}
		worst = max(worst, math.Abs(g-w)/max(1, math.Abs(w)))
	}
	return worst
}

// tolerance is that of float32 numbers, relative above 1.
const tolerance = 1e-5

func TestBoxesEqualReference(t *testing.T) {
	archive := golden.Open(t, golden.Shared(t, "reference/tiny/rig/frame_001.npz"))
	d := New(reference(), compute.Resources{})
	for task := range d.config.Tasks {
		maps := referenceMaps(archive, task)
		d.choose(task, maps.Heatmap)
		d.build(&maps, &d.config.Tasks[task], d.chosen[task].candidates, func(_ int, c candidate) int { return c.index() % d.cells })
		name := fmt.Sprintf("decoded%d_", task)
		boxes := golden.Array[float32](archive, name+"bboxes").Data
		scores := golden.Array[float32](archive, name+"scores").Data
		labels := golden.Array[float32](archive, name+"labels").Data
		if len(d.boxes) != len(scores) {
			t.Errorf("task %d: %d boxes, want %d", task, len(d.boxes), len(scores))
			continue
		}
		worst := 0.0
		for i := range d.boxes {
			want := boxes[9*i:][:9]
			worst = max(worst, compare(&d.boxes[i].detection, want, float64(want[2])),
				math.Abs(float64(d.boxes[i].detection.Score-scores[i])))
			if d.boxes[i].class != int(labels[i]) {
				t.Errorf("task %d, box %d: class %d, want %v", task, i, d.boxes[i].class, labels[i])
			}
		}
		if worst > tolerance {
			t.Errorf("task %d: off by %g", task, worst)
		}
		t.Logf("task %d: %d boxes, off by at most %.2g", task, len(scores), worst)
	}
}

func TestDetectionsEqualReference(t *testing.T) {
	for _, file := range []string{
		"rig/frame_000.npz", "rig/frame_001.npz", "rig/frame_002.npz", "rig/frame_003.npz",
		"mini/scene-0103/000.npz", "mini/scene-0103/001.npz",
	} {
		t.Run(file, func(t *testing.T) {
			archive := golden.Open(t, golden.Shared(t, "reference/tiny/"+file))
			d := New(reference(), compute.Resources{})
			var maps []Maps
			for task := range d.config.Tasks {
				maps = append(maps, referenceMaps(archive, task))
			}
			got := d.Append(nil, maps)
			boxes := golden.Array[float32](archive, "final_boxes").Data
			scores := golden.Array[float32](archive, "final_scores").Data
			labels := golden.Array[int32](archive, "final_labels").Data
			if len(got) != len(scores) {
				t.Fatalf("%d detections, want %d", len(got), len(scores))
			}
			worst := 0.0
			for i := range got {
				want := boxes[9*i:][:9]
				z := float64(want[2]) + float64(want[5])/2 // from the bottom
				worst = max(worst, compare(&got[i], want, z), math.Abs(float64(got[i].Score-scores[i])))
				if int32(got[i].Class) != labels[i] {
					t.Errorf("detection %d: class %v, want %d", i, got[i].Class, labels[i])
				}
			}
			if worst > tolerance {
				t.Errorf("off by %g", worst)
			}
			t.Logf("%d detections, off by at most %.2g", len(got), worst)
		})
	}
}

// one returns maps of a 4 x 4 grid without candidates, for one task.
func one(classes int) Maps {
	m := Maps{
		Reg: make([]float32, 32), Height: make([]float32, 16), Dim: make([]float32, 48),
		Rot: make([]float32, 32), Vel: make([]float32, 32), Heatmap: make([]float32, 16*classes),
	}
	for i := range m.Heatmap {
		m.Heatmap[i] = -20
	}
	return m
}

func small(nms NMS, names ...string) Config {
	return Config{
		Grid: geom.Grid{X: geom.Axis{-2, 2, 1}, Y: geom.Axis{-2, 2, 1}}, Threshold: 0.1, Max: 3,
		CenterLimit: geom.Vec3{5, 5, 5}, Tasks: []Task{{classes(names...), nms}},
	}
}

func TestEqualScoresAreOrderedByClassThenCell(t *testing.T) {
	m := one(2)
	for _, i := range []int{3, 7, 16 + 1, 16 + 2} {
		m.Heatmap[i] = 1
	}
	got := New(small(Circle{0, 10}, "bus", "car"), compute.Resources{}).Append(nil, []Maps{m})
	var order []string
	for _, d := range got {
		order = append(order, fmt.Sprintf("%v %v", d.Class, d.Center))
	}
	want := []string{"bus [1 -2 0]", "bus [1 -1 0]", "car [-1 -2 0]"} // three of four: Max
	if !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

func TestBrokenNumbersMakeNoBox(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, damage := range map[string]func(m *Maps){
		"score":    func(m *Maps) { m.Heatmap[0] = nan },
		"place":    func(m *Maps) { m.Reg[0] = nan },
		"far away": func(m *Maps) { m.Reg[0] = 100 },
		"height":   func(m *Maps) { m.Height[0] = inf },
		"size":     func(m *Maps) { m.Dim[0] = inf },
		"yaw":      func(m *Maps) { m.Rot[0] = nan },
		"velocity": func(m *Maps) { m.Vel[16] = nan },
	} {
		d := New(small(Circle{1, 10}, "car"), compute.Resources{})
		m := one(1)
		m.Heatmap[0], m.Heatmap[15] = 1, 0
		if got := d.Append(nil, []Maps{m}); len(got) != 2 {
			t.Fatalf("%d boxes before the damage, want 2", len(got))
		}
		damage(&m)
		if got := d.Append(nil, []Maps{m}); len(got) != 1 || got[0].Center != (geom.Vec3{1, 1, 0}) {
			t.Errorf("%s: got %v, want the other box alone", name, got)
		}
	}
}

func TestHeadingIsInHalfOpenCircle(t *testing.T) {
	for yaw := -math.Pi; yaw <= math.Pi; yaw += math.Pi / 8 {
		h := heading(yaw)
		if h <= -math.Pi || h > math.Pi || angle(h, -yaw-math.Pi/2) > 1e-12 {
			t.Errorf("heading(%v) = %v", yaw, h)
		}
	}
}

// In maps of the chosen cells alone there is what whole maps have there.
func TestChosenCells(t *testing.T) {
	archive := golden.Open(t, golden.Shared(t, "reference/tiny/rig/frame_001.npz"))
	d := New(reference(), compute.Resources{})
	var whole, few []Maps
	var heatmaps [][]float32
	for task := range d.config.Tasks {
		whole = append(whole, referenceMaps(archive, task))
		heatmaps = append(heatmaps, whole[task].Heatmap)
	}
	want := d.Append(nil, whole)
	for task, cells := range d.Choose(heatmaps) {
		m := &whole[task]
		at := func(planes []float32) (all []float32) {
			for p := range len(planes) / d.cells {
				for _, cell := range cells {
					all = append(all, planes[p*d.cells+int(cell)])
				}
				all = append(all, 1e9) // behind them
			}
			return all
		}
		few = append(few, Maps{at(m.Reg), at(m.Height), at(m.Dim), at(m.Rot), at(m.Vel), m.Heatmap})
	}
	if got := d.AppendChosen(nil, few); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%d detections of the chosen cells, want the %d of whole maps", len(got), len(want))
	}
	few[0].Rot = few[0].Rot[1:]
	defer func() {
		if recover() == nil {
			t.Error("no panic for maps of other cells")
		}
	}()
	d.AppendChosen(nil, few)
}

func TestWrongMapsPanic(t *testing.T) {
	for name, maps := range map[string][]Maps{"tasks": nil, "classes": {one(2)}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			New(small(Circle{1, 10}, "car"), compute.Resources{}).Append(nil, maps)
		}()
	}
}
