package decode

import (
	"fmt"
	"math"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/decode/internal/kernel"
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
	kernel     kernel.Kernels
	kernels    isa.Set
	columns    int     // of the grid
	cells      int     // of a map
	floor      float32 // logits up to here cannot pass the threshold
	found      []int32 // cells of a class above the floor
	candidates []candidate
	boxes      []box
	suppressor suppressor
}

// New returns a Decoder.
func New(c Config, with compute.Resources) *Decoder {
	t := float64(c.Threshold)
	d := &Decoder{
		config: c, columns: c.Grid.X.Cells(), cells: c.Grid.Cells(),
		floor: float32(math.Log(t/(1-t))) - 1e-3,
	}
	d.found = make([]int32, d.cells)
	d.kernel, d.kernels = kernel.Table.Take(with.Kernels)
	return d
}

// Kernels returns the kernel set that the decoder runs.
func (d *Decoder) Kernels() isa.Set { return d.kernels }

// candidate is a cell that may become a box, as one number: they are ordered by falling
// score, equal ones by class, then cell.
type candidate uint64

// newCandidate returns the candidate at an index of the heatmap. Scores are not negative:
// their bits are ordered as they are.
func newCandidate(score float32, index int) candidate {
	return candidate(^math.Float32bits(score))<<32 | candidate(uint32(index))
}

func (c candidate) score() float32 { return math.Float32frombits(^uint32(c >> 32)) }

func (c candidate) index() int { return int(uint32(c)) }

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
		for _, i := range task.NMS.keep(&d.suppressor, d.boxes) {
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

// choose sets d.candidates to the best of each class, then of the task, in order.
func (d *Decoder) choose(m *Maps, classes int) {
	d.candidates = d.candidates[:0]
	n := d.cells
	for class := range classes {
		logits, chosen := m.Heatmap[class*n:][:n], len(d.candidates)
		for _, cell := range d.found[:d.kernel.Above(d.found, logits, d.floor)] {
			if s := sigmoid(logits[cell]); s > d.config.Threshold {
				d.candidates = append(d.candidates, newCandidate(s, class*n+int(cell)))
			}
		}
		d.candidates = append(d.candidates[:chosen], best(d.candidates[chosen:], d.config.Max)...)
	}
	d.candidates = best(d.candidates, d.config.Max)
	slices.Sort(d.candidates)
}

// best returns the first n of candidates, if there are as many, in any order. It moves
// them to the front (Hoare's selection).
func best(c []candidate, n int) []candidate {
	if len(c) <= n {
		return c
	}
	for low, high := 0, len(c); high-low > 1; {
		pivot := median(c[low], c[low+(high-low)/2], c[high-1])
		i, j := low, high-1
		for i <= j {
			for c[i] < pivot {
				i++
			}
			for c[j] > pivot {
				j--
			}
			if i <= j {
				c[i], c[j] = c[j], c[i]
				i, j = i+1, j-1
			}
		}
		// Up to j none is behind the pivot, from i on none is before it.
		switch {
		case n <= j:
			high = j + 1
		case n >= i:
			low = i
		default:
			return c[:n]
		}
	}
	return c[:n]
}

func median(a, b, c candidate) candidate { return max(min(a, b), min(max(a, b), c)) }

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// build sets d.boxes to those of the candidates within the centre limits.
func (d *Decoder) build(m *Maps, task *Task) {
	d.boxes = d.boxes[:0]
	for _, c := range d.candidates {
		class, cell := c.index()/d.cells, c.index()%d.cells
		b := box{class: class, detection: d.box(m, cell)}
		b.detection.Class, b.detection.Score = task.Classes[class], c.score()
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
