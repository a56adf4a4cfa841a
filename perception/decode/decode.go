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
// has. All but the heatmap may be of chosen cells alone.
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
	chosen     []chosen
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
	d.found, d.chosen = make([]int32, d.cells), make([]chosen, len(c.Tasks))
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

// chosen is what becomes boxes of a task, best first.
type chosen struct {
	candidates []candidate
	cells      []int64
}

// box is a candidate's box.
type box struct {
	class     int // within the task
	detection perception.Detection
}

// Append appends the detections of all tasks to dst, by falling score within
// each. It panics if the maps do not fit the configuration.
func (d *Decoder) Append(dst []perception.Detection, maps []Maps) []perception.Detection {
	d.count(len(maps))
	for t := range maps {
		d.check(t, &maps[t], d.cells)
		d.choose(t, maps[t].Heatmap)
	}
	return d.append(dst, maps, func(_ int, c candidate) int { return c.index() % d.cells })
}

// Choose returns, for each task, the cells that boxes are made of, as far as its heatmap
// tells; two classes may choose the same cell. [Decoder.AppendChosen] makes the boxes. The
// cells are valid until the Decoder's next call. It panics if a heatmap is missing or not of the
// configuration's size.
func (d *Decoder) Choose(heatmaps [][]float32) (cells [][]int64) {
	d.count(len(heatmaps))
	for t, logits := range heatmaps {
		d.checkHeatmap(t, logits)
		d.choose(t, logits)
		cells = append(cells, d.chosen[t].cells)
	}
	return cells
}

// AppendChosen is Append with maps that have, of the cells that Choose has just returned, all but the
// heatmap, in that order; what lies behind them is not read.
func (d *Decoder) AppendChosen(dst []perception.Detection, maps []Maps) []perception.Detection {
	d.count(len(maps))
	for t := range maps {
		d.check(t, &maps[t], max(len(maps[t].Height), len(d.chosen[t].cells)))
	}
	return d.append(dst, maps, func(i int, _ candidate) int { return i })
}

// append builds the boxes of the chosen cells; at tells where in the maps a task's candidate i is.
func (d *Decoder) append(dst []perception.Detection, maps []Maps, at func(i int, c candidate) int) []perception.Detection {
	for t := range maps {
		task := &d.config.Tasks[t]
		d.build(&maps[t], task, d.chosen[t].candidates, at)
		for _, i := range task.NMS.keep(&d.suppressor, d.boxes) {
			dst = append(dst, d.boxes[i].detection)
		}
	}
	return dst
}

func (d *Decoder) count(tasks int) {
	if tasks != len(d.config.Tasks) {
		panic(fmt.Sprintf("decode: maps of %d tasks, want %d", tasks, len(d.config.Tasks)))
	}
}

// check panics unless a task's maps are of n cells.
func (d *Decoder) check(t int, m *Maps, n int) {
	d.checkHeatmap(t, m.Heatmap)
	got := [5]int{len(m.Reg), len(m.Height), len(m.Dim), len(m.Rot), len(m.Vel)}
	if want := [5]int{2 * n, n, 3 * n, 2 * n, 2 * n}; got != want {
		panic(fmt.Sprintf("decode: maps of %v values, want %v", got, want))
	}
}

func (d *Decoder) checkHeatmap(t int, logits []float32) {
	if want := len(d.config.Tasks[t].Classes) * d.cells; len(logits) != want {
		panic(fmt.Sprintf("decode: a heatmap of %d values, want %d", len(logits), want))
	}
}

// choose sets a task's candidates to the best of each class, then of the task, in order.
func (d *Decoder) choose(t int, heatmap []float32) {
	all, n := d.chosen[t].candidates[:0], d.cells
	for class := range d.config.Tasks[t].Classes {
		logits, before := heatmap[class*n:][:n], len(all)
		for _, cell := range d.found[:d.kernel.Above(d.found, logits, d.floor)] {
			if s := sigmoid(logits[cell]); s > d.config.Threshold {
				all = append(all, newCandidate(s, class*n+int(cell)))
			}
		}
		all = append(all[:before], best(all[before:], d.config.Max)...)
	}
	all = best(all, d.config.Max)
	slices.Sort(all)
	cells := d.chosen[t].cells[:0]
	for _, c := range all {
		cells = append(cells, int64(c.index()%n))
	}
	d.chosen[t] = chosen{all, cells}
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
func (d *Decoder) build(m *Maps, task *Task, candidates []candidate, at func(i int, c candidate) int) {
	d.boxes = d.boxes[:0]
	for i, c := range candidates {
		b := box{class: c.index() / d.cells, detection: d.box(m, c.index()%d.cells, at(i, c))}
		b.detection.Class, b.detection.Score = task.Classes[b.class], c.score()
		if d.wanted(&b.detection) {
			d.boxes = append(d.boxes, b)
		}
	}
}

// box returns the box of a cell whose numbers are at index i of each plane.
func (d *Decoder) box(m *Maps, cell, i int) perception.Detection {
	n := len(m.Height)
	at := func(planes []float32, p int) float64 { return float64(planes[p*n+i]) }
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
