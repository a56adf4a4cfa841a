package model

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/perception"
)

// faults collects what is wrong, each with its key.
type faults []error

// require adds a fault unless ok; want is what would be right.
func (f *faults) require(ok bool, key string, got any, want string) {
	if !ok {
		*f = append(*f, fmt.Errorf("%s is %v, want %s", key, got, want))
	}
}

// check returns what is out of range or at odds with another key.
func (m *Manifest) check() []error {
	var f faults
	f.require(m.Format == 1, "format", m.Format, "1")
	f.require(m.Name != "", "name", "empty", "a name")
	f.require(len(m.Cameras) > 0 && distinct(m.Cameras), "cameras", m.Cameras, "at least one, each once")
	m.checkImage(&f)
	m.Seen.check(&f)
	m.Frame.check(&f)
	m.checkGrid(&f)
	m.checkFeatures(&f)
	m.Head.check(&f)
	m.Head.Input.check(&f, "head.input", m.History.Frames+1, m.Features.Context)
	for i, r := range m.Rewrites {
		r.check(&f, fmt.Sprintf("rewrites[%d]", i))
	}
	m.checkGraphs(&f)
	names := m.files()
	for _, name := range names {
		sum, err := hex.DecodeString(m.Files[name])
		f.require(err == nil && len(sum) == 32, "files."+name, fmt.Sprintf("%q", m.Files[name]), "64 hexadecimal digits")
	}
	f.require(len(m.Files) == len(names), "files", fmt.Sprintf("%d names", len(m.Files)), strings.Join(names, ", "))
	return f
}

func (r *Rewrite) check(f *faults, key string) {
	f.require(slices.Contains(graphs, r.Graph), key+".graph", fmt.Sprintf("%q", r.Graph), "a graph of the bundle")
	f.require(r.Name != "", key+".name", "empty", "a name")
	f.require(r.Count > 0, key+".count", r.Count, "a positive number")
}

func (m *Manifest) checkImage(f *faults) {
	i := &m.Image
	f.require(inRange(i.Width, 1, 1<<14), "image.width", i.Width, "1 to 16384")
	f.require(inRange(i.Height, 1, 1<<14), "image.height", i.Height, "1 to 16384")
	f.require(inRange(i.Source.Width, 1, 1<<16), "image.source.width", i.Source.Width, "1 to 65536")
	f.require(inRange(i.Source.Height, 1, 1<<16), "image.source.height", i.Source.Height, "1 to 65536")
	f.require(between(i.ResizeExtra, 0, 1), "image.resize_extra", i.ResizeExtra, "0 to 1")
	f.require(between(i.CropH, 0, 0.99), "image.crop_h", i.CropH, "0 to 0.99")
	for c := range 3 {
		f.require(between(float64(i.Mean[c]), 0, 1), fmt.Sprintf("image.mean[%d]", c), i.Mean[c], "0 to 1")
		f.require(between(float64(i.Std[c]), 1e-3, 10), fmt.Sprintf("image.std[%d]", c), i.Std[c], "0.001 to 10")
	}
}

func (m *Manifest) checkGrid(f *faults) {
	for _, a := range []struct {
		key  string
		axis geom.Axis
	}{{"grid.x", m.Grid.X}, {"grid.y", m.Grid.Y}, {"grid.z", m.Grid.Z}} {
		ok := between(a.axis.Min(), -1e4, 1e4) && between(a.axis.Max(), -1e4, 1e4) &&
			between(a.axis.Step(), 1e-3, 1e4) && inRange(a.axis.Cells(), 1, 4096)
		f.require(ok, a.key, a.axis, "[lower, upper, cell size] with 1 to 4096 cells")
	}
	f.require(m.Grid.Z.Cells() == 1, "grid.z", m.Grid.Z, "a single cell")
	square := m.Grid.X.Step() == m.Grid.Y.Step()
	f.require(square, "grid", fmt.Sprintf("cells of %v x %v m", m.Grid.X.Step(), m.Grid.Y.Step()), "square cells")
	f.require(between(m.Depth.Start, 1e-3, 1e3), "depth.start", m.Depth.Start, "0.001 to 1000")
	f.require(between(m.Depth.Step, 1e-3, 1e3), "depth.step", m.Depth.Step, "0.001 to 1000")
	f.require(inRange(m.Depth.Count, 2, 1024), "depth.bins", m.Depth.Count, "2 to 1024")
}

func (m *Manifest) checkFeatures(f *faults) {
	x, s := &m.Features, &m.Stereo
	f.require(inRange(x.Context, 1, 4096), "features.context", x.Context, "1 to 4096")
	f.require(divides(x.Stride, m.Image.Width) && divides(x.Stride, m.Image.Height),
		"features.stride", x.Stride, "a divisor of the image's width and height")
	if m.HasStereo() {
		f.require(divides(x.StereoStride, x.Stride), "features.stereo_stride", x.StereoStride, "a divisor of features.stride")
		f.require(inRange(x.Stereo, 1, 4096), "features.stereo", x.Stereo, "1 to 4096")
		f.require(divides(s.Groups, x.Stereo), "stereo.groups", s.Groups, "a divisor of features.stereo")
		f.require(inRange(s.Samples, 1, m.Depth.Count), "stereo.samples", s.Samples, "1 to depth.bins")
		f.require(between(s.SigmaBins, 1e-3, 100), "stereo.sigma_bins", s.SigmaBins, "0.001 to 100")
	} else {
		f.require(x.Stereo == 0, "features.stereo", x.Stereo, "nothing, or the key stereo")
		f.require(x.StereoStride == 0, "features.stereo_stride", x.StereoStride, "nothing, or the key stereo")
	}
	f.require(inRange(m.History.Frames, 0, 256), "history.frames", m.History.Frames, "0 to 256")
	f.require(between(m.History.Period, 1e-3, 60), "history.period", m.History.Period, "0.001 to 60")
	mode, time := m.History.Mode, m.History.Time
	_, noMode := history.ParseMode(mode)
	_, noTime := history.ParseClock(time)
	f.require(mode == "" || noMode == nil, "history.mode", mode, "recursive or direct")
	f.require(time == "" || noTime == nil, "history.time", time, "counted or measured")
}

func (h *Head) check(f *faults) {
	f.require(between(h.ScoreThreshold, 0, 1), "head.score_threshold", h.ScoreThreshold, "0 to 1")
	f.require(inRange(h.MaxPerClass, 1, 1<<16), "head.max_per_class", h.MaxPerClass, "1 to 65536")
	for i, limit := range h.CenterLimit {
		f.require(between(limit, 1e-3, 1e6), fmt.Sprintf("head.center_limit[%d]", i), limit, "a positive number")
	}
	f.require(len(h.Tasks) > 0, "head.tasks", "empty", "at least one")
	var all []string
	for i := range h.Tasks {
		h.Tasks[i].check(f, fmt.Sprintf("head.tasks[%d]", i))
		all = append(all, h.Tasks[i].Classes...)
	}
	f.require(distinct(all), "head.tasks", all, "each class once")
}

func (t *Task) check(f *faults, key string) {
	f.require(len(t.Classes) > 0, key+".classes", "empty", "at least one class")
	for _, c := range t.Classes {
		_, ok := perception.ParseClass(c)
		f.require(ok, key+".classes", c, "names of nuScenes detection classes")
	}
	n := &t.NMS
	f.require(inRange(n.Post, 1, 1<<16), key+".nms.post", n.Post, "1 to 65536")
	switch n.Kind {
	case "circle":
		given(f, key+".nms.radius2", n.Radius2, 0, 1e6, "0 to 1e6 square metres")
		f.require(n.IoU == nil && n.Pre == 0 && len(n.Factors) == 0, key+".nms", "circle with iou, pre or factors", "none of them")
	case "rotated":
		given(f, key+".nms.iou", n.IoU, 0, 1, "0 to 1")
		f.require(n.Radius2 == nil, key+".nms", "rotated with radius2", "none")
		f.require(inRange(n.Pre, 1, 1<<16), key+".nms.pre", n.Pre, "1 to 65536")
		positive := !slices.ContainsFunc(n.Factors, func(x float64) bool { return !between(x, 1e-3, 1e3) })
		f.require(positive && len(n.Factors) == len(t.Classes), key+".nms.factors", n.Factors, "a positive number for each class")
	default:
		f.require(false, key+".nms.kind", fmt.Sprintf("%q", n.Kind), "circle or rotated")
	}
}

// given adds a fault if a number is absent or out of its range: a kind requires it
// that others do without.
func given[T int | float64](f *faults, key string, x *T, low, high float64, want string) {
	if x == nil {
		*f = append(*f, fmt.Errorf("%s is missing", key))
		return
	}
	f.require(between(float64(*x), low, high), key, *x, want)
}

func inRange(x, low, high int) bool { return low <= x && x <= high }

// between is false for NaN.
func between(x, low, high float64) bool { return low <= x && x <= high }

func divides(d, n int) bool { return d > 0 && n%d == 0 }

func distinct(names []string) bool {
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		seen[n] = true
	}
	return len(seen) == len(names) && !seen[""]
}
