package bench

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// between are the stages between the networks, in the order of a report.
var between = []string{
	"preprocess", "preprocess/pixels", "stereo", "lift", "lift/place", "lift/splat",
	"history", "history/recursive/float32", "history/direct/uint8", "history/direct/float32", "decode",
}

func report(t *testing.T) *Report {
	t.Helper()
	pool := parallel.New(2)
	defer pool.Close()
	with := compute.Resources{Pool: pool}
	r, err := Between(tiny(), 6, WarmUp+3, NewMachine(with, 2, Quick()), with)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBetween(t *testing.T) {
	r := report(t)
	var names []string
	share := 0.0
	for _, s := range r.rows() {
		names = append(names, s.name)
		if s.FrameShare != nil {
			share += *s.FrameShare
		}
		if !(s.MS > 0) || (s.Share == nil) != (s.name == pipeline.Preprocess) {
			t.Errorf("%+v", s)
		}
		if s.Share != nil && !(*s.Share > 0 && *s.Bytes > 0 && *s.FLOPs > 0) {
			t.Errorf("%s needs %d bytes and %d operations, and reaches %v of a limit", s.name, *s.Bytes, *s.FLOPs, *s.Share)
		}
		if s.Kernels != isa.Generic {
			t.Errorf("%s ran kernels %q", s.name, s.Kernels)
		}
	}
	if !slices.Equal(names, between) {
		t.Errorf("stages %q, want %q", names, between)
	}
	if share < 0.2 || share > 5 { // medians of stages against the median of the frames
		t.Errorf("the stages' shares of the frame sum to %v", share)
	}
}

func TestWriteJSON(t *testing.T) {
	var text bytes.Buffer
	if err := report(t).WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var object map[string]map[string]any
	if err := json.Unmarshal(text.Bytes(), &object); err != nil {
		t.Fatal(err)
	}
	for _, name := range between {
		if _, ok := object[name]["ms"].(float64); !ok {
			t.Errorf("%s has no time: %v", name, object[name])
		}
	}
	for _, key := range []string{"ms", "frame_share", "bytes", "flops", "limit", "share", "allocs", "kernels"} {
		if _, ok := object["stereo"][key]; !ok {
			t.Errorf("stereo has no %s: %v", key, object["stereo"])
		}
	}
	limits, _ := object["machine"]["limits"].(map[string]any)
	if limits["copy_bytes_per_s"] == nil || limits["fma_flop_per_s"] == nil || object["machine"]["threads"] != 2.0 {
		t.Errorf("machine %v", object["machine"])
	}
	if object["run"]["model"] != "tiny with random tensors" || object["run"]["frames"] != 3.0 {
		t.Errorf("run %v", object["run"])
	}
}

func TestWriteTable(t *testing.T) {
	var text bytes.Buffer
	if err := report(t).WriteTable(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`(?m)^copying memory .* GB/s on one core, .* GB/s on all threads`,
		`(?m)^multiply-add .* GFLOP/s on one core, .* GFLOP/s on all threads`,
		`(?m)^ +stereo +[0-9.]+ +[0-9.]+% .* (copy|fma) +[0-9.]+% +[0-9]+ +generic$`,
		`(?m)^ +history/direct/uint8 +[0-9.]+ +- `,
		`(?m)^ +frame +[0-9.]+ +100.0% `,
	} {
		if !regexp.MustCompile(line).Match(text.Bytes()) {
			t.Errorf("no line %s in\n%s", line, &text)
		}
	}
	if strings.Contains(text.String(), "frames per second") {
		t.Error("a rate without the graphs")
	}
}

func TestWritePlot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "roof.png")
	if err := report(t).WritePlot(file); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if picture, err := png.Decode(f); err != nil || picture.Bounds().Dx() < 1000 {
		t.Errorf("picture %v, error %v", picture.Bounds(), err)
	}
}

func TestBound(t *testing.T) {
	l := &Limits{Copy: Rate{All: 10}, FMA: Rate{All: 100}}
	for _, tt := range []struct {
		c       cost
		limit   string
		seconds float64
	}{{cost{20, 100}, Copy, 2}, {cost{20, 400}, FMA, 4}} {
		if limit, s := tt.c.bound(l); limit != tt.limit || s != tt.seconds {
			t.Errorf("%+v is bound by %s for %v s, want %s, %v", tt.c, limit, s, tt.limit, tt.seconds)
		}
	}
}

func TestCosts(t *testing.T) {
	m := published()
	const plane = 128 * 128 * 80
	short := published()
	short.History.Frames = 0
	for _, tt := range []struct {
		name      string
		got, want cost
	}{
		{"splat", splatCost(m, 6, points{kept: 1000, runs: 100}), cost{4 * (6*16*44*(112+80) + plane), 1000 + 2*100*80}},
		{"direct, uint8", historyCost(m, history.Direct, history.Float32, true), cost{plane * (4*18 + 17), plane * (160 + 16*7 + 17*5)}},
		{"recursive, float32", historyCost(m, history.Recursive, history.Float32, false), cost{plane * (4*33 + 4*17), plane * (160 + 16*7 + 17*2)}},
		{"without history", historyCost(short, history.Direct, history.Float32, true), cost{plane * 5, plane * 3}},
		{"decode", decodeCost(m), cost{4 * 10 * 128 * 128, 10 * 128 * 128}},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, tt.got, tt.want)
		}
	}
}

func TestPoints(t *testing.T) {
	r := newRing(published(), 6)
	p := r.points(3)
	if all := int64(6 * 16 * 44 * 112); p.kept < all/2 || p.kept > all || p.runs < p.kept/4 || p.runs > p.kept {
		t.Errorf("%+v of %d points", p, all)
	}
	if q := r.points(4); q == p {
		t.Errorf("another set has the same %+v", q)
	}
	g := r.m.Grid
	for _, tt := range []struct {
		p    geom.Vec3
		cell int
	}{
		{geom.Vec3{-51.2, -51.2, 0}, 0}, {geom.Vec3{-51.9, -51.9, -29}, 0}, {geom.Vec3{51.1, 51.1, 9}, 128*128 - 1},
		{geom.Vec3{51.3, 0, 0}, -1}, {geom.Vec3{0, 0, 10.1}, -1}, {geom.Vec3{0, -52.1, 0}, -1},
	} {
		if cell := cellOf(g, tt.p); cell != tt.cell {
			t.Errorf("%v is in cell %d, want %d", tt.p, cell, tt.cell)
		}
	}
}

func TestSeen(t *testing.T) {
	m := tiny()
	all := int64(6 * m.Fine().Pixels() * m.Stereo.Samples)
	seen := newRing(m, 6).seen(1, nil)
	if seen < all/2 || seen > 2*all {
		t.Errorf("%d of %d points are seen", seen, all)
	}
	if alone := newRing(m, 1).seen(1, nil); alone > all/6 || alone < all/12 {
		t.Errorf("a camera saw %d of the %d points ahead from farther behind", alone, all/6)
	}
}

func TestRing(t *testing.T) {
	r := newRing(published(), 6)
	moved := r.globalFromModel(1).RelativeTo(r.globalFromModel(0)).T.Norm()
	if moved < 4.9 || moved > 5.1 {
		t.Errorf("the vehicle moves by %v m between sets", moved)
	}
	for i, c := range r.own(5) {
		if d := c.Pose.T.Norm(); d > 2.5 {
			t.Errorf("camera %d is %v m from the model's frame", i, d)
		}
		if c == r.own(6)[i] {
			t.Errorf("camera %d is at the same place in two sets", i)
		}
	}
}

func TestSweep(t *testing.T) {
	pool := parallel.New(2)
	defer pool.Close()
	with := compute.Resources{Pool: pool}
	s, err := NewSweep(tiny(), WarmUp+1, NewMachine(with, 2, Quick()), with)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []Growth{s.Frames, s.Cameras} {
		for _, c := range g.Stages {
			if len(c.MS) != len(g.N) {
				t.Errorf("%s has %d times of %d", c.Stage, len(c.MS), len(g.N))
			}
		}
	}
	var text bytes.Buffer
	if err := s.WriteTable(&text); err != nil || !strings.Contains(text.String(), "ms a camera") {
		t.Errorf("error %v, table\n%s", err, &text)
	}
}

func TestSlope(t *testing.T) {
	if got := slope([]int{1, 2, 4}, []float64{3, 5, 9}); got < 1.999 || got > 2.001 {
		t.Errorf("slope %v, want 2", got)
	}
	if got := slope([]int{1}, []float64{3}); got != 0 {
		t.Errorf("slope %v of one point", got)
	}
}

func TestManifestOf(t *testing.T) {
	for size, want := range map[string]string{SizeR50: "r50", SizeDefault: "small", SizeTiny: "tiny"} {
		if m, err := ManifestOf(size); err != nil || m.Name != want {
			t.Errorf("%s: error %v", size, err)
		}
	}
	if _, err := ManifestOf("large"); err == nil {
		t.Error("no error for a size that does not exist")
	}
}
