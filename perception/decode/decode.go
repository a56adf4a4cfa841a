package decode

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// Config has the maps' layout and the limits of boxes that are kept.
type Config struct {
	Grid        geom.Grid // of the maps, in the model's frame
	Threshold   float32   // a score must exceed it
	Max         int       // candidates for each class, and for each task
	CenterLimit geom.Vec3
	Tasks       []Task
}

// Task is a group of classes with maps of their own.
type Task struct {
	Classes []perception.Class
	NMS     NMS
}

// Maps are a task's raw maps: planes of rows x columns, as many as the comment
// has.
type Maps struct {
	Reg     []float32 // 2: column and row within the cell
	Height  []float32 // 1: of the centre, metres
	Dim     []float32 // 3: logarithms of width, length and height
	Rot     []float32 // 2: sine and cosine of mmdet3d's yaw
	Vel     []float32 // 2: metres a second along x and y
	Heatmap []float32 // one for each class: logits
}

// Decoder decodes the maps of one configuration. It keeps buffers: one call at
// a time.
type Decoder struct {
	config     Config
	columns    int     // of the grid
	cells      int     // of a map
	floor      float32 // logits up to here cannot pass the threshold
	candidates []candidate
	class      []candidate
	boxes      []box
}

// New returns a Decoder.
func New(c Config) *Decoder {
	t := float64(c.Threshold)
	return &Decoder{
		config: c, columns: c.Grid.X.Cells(), cells: c.Grid.Cells(),
		floor: float32(math.Log(t/(1-t))) - 1e-3,
	}
}

// candidate is a cell that may become a box.
type candidate struct {
	score float32
	class int // within the task
	cell  int
}

// best orders by falling score; equal ones by class, then cell.
func best(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.class, b.class), cmp.Compare(a.cell, b.cell))
}

// box is a candidate's box.
type box struct {
	class     int // within the task
	detection perception.Detection
}

// Append appends the detections of all tasks to dst, by falling score within
// each. It panics if the maps do not fit the configuration.
func (d *Decoder) Append(dst []perception.Detection, maps []Maps) []perception.Detection {
	if len(maps) != len(d.config.Tasks) {
		panic(fmt.Sprintf("decode: maps of %d tasks, want %d", len(maps), len(d.config.Tasks)))
	}
	for t := range maps {
		task := &d.config.Tasks[t]
		d.check(&maps[t], len(task.Classes))
		d.choose(&maps[t], len(task.Classes))
		d.build(&maps[t], task)
		for _, i := range task.NMS.keep(d.boxes) {
			dst = append(dst, d.boxes[i].detection)
		}
	}
	return dst
}

func (d *Decoder) check(m *Maps, classes int) {
	n := d.cells
	got := [6]int{len(m.Reg), len(m.Height), len(m.Dim), len(m.Rot), len(m.Vel), len(m.Heatmap)}
	if want := [6]int{2 * n, n, 3 * n, 2 * n, 2 * n, classes * n}; got != want {
		panic(fmt.Sprintf("decode: maps of %v values, want %v", got, want))
	}
}

// choose sets d.candidates to the best of each class, then of the task.
func (d *Decoder) choose(m *Maps, classes int) {
	d.candidates = d.candidates[:0]
	n := d.cells
	for class := range classes {
		d.class = d.class[:0]
		for cell, logit := range m.Heatmap[class*n:][:n] {
			if logit <= d.floor {
				continue
			}
			if s := sigmoid(logit); s > d.config.Threshold {
				d.class = append(d.class, candidate{s, class, cell})
			}
		}
		slices.SortFunc(d.class, best)
		d.candidates = append(d.candidates, d.class[:min(d.config.Max, len(d.class))]...)
	}
	slices.SortFunc(d.candidates, best)
	d.candidates = d.candidates[:min(d.config.Max, len(d.candidates))]
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// build sets d.boxes to those of the candidates within the centre limits.
func (d *Decoder) build(m *Maps, task *Task) {
	d.boxes = d.boxes[:0]
	for _, c := range d.candidates {
		b := box{class: c.class, detection: d.box(m, c.cell)}
		b.detection.Class, b.detection.Score = task.Classes[c.class], c.score
		if d.wanted(&b.detection) {
			d.boxes = append(d.boxes, b)
		}
	}
}

func (d *Decoder) box(m *Maps, cell int) perception.Detection {
	n := d.cells
	at := func(planes []float32, p int) float64 { return float64(planes[p*n+cell]) }
	column, row := cell%d.columns, cell/d.columns
	x, y := d.config.Grid.X, d.config.Grid.Y
	return perception.Detection{
		Center: geom.Vec3{
			(float64(column)+at(m.Reg, 0))*x.Step() + x.Min(),
			(float64(row)+at(m.Reg, 1))*y.Step() + y.Min(),
			at(m.Height, 0),
		},
		Size:     geom.Vec3{math.Exp(at(m.Dim, 0)), math.Exp(at(m.Dim, 1)), math.Exp(at(m.Dim, 2))},
		Yaw:      heading(math.Atan2(at(m.Rot, 0), at(m.Rot, 1))),
		Velocity: [2]float64{at(m.Vel, 0), at(m.Vel, 1)},
	}
}

// heading returns the length axis' angle from x for mmdet3d's old yaw, which
// turns the other way from the negative y axis.
func heading(yaw float64) float64 {
	h := -yaw - math.Pi/2
	if h <= -math.Pi {
		h += 2 * math.Pi
	}
	return h
}

// wanted reports whether the centre is within the limits and all numbers are
// finite.
func (d *Decoder) wanted(x *perception.Detection) bool {
	for i, limit := range d.config.CenterLimit {
		if !(math.Abs(x.Center[i]) <= limit) {
			return false
		}
	}
	v := geom.Vec3{x.Yaw, x.Velocity[0], x.Velocity[1]}
	return x.Size.IsFinite() && v.IsFinite()
}
