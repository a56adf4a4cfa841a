package pipeline

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/tensor"
)

func bundle(t testing.TB) *model.Bundle {
	t.Helper()
	b, err := model.Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	b.Manifest.Image.Source = model.Pixels{Width: imageWidth, Height: imageHeight}
	return b
}

// pipeline is a detector with one rig's memory.
type pipeline struct {
	*Detector
	memory *Memory
}

func (p *pipeline) Step(set *perception.FrameSet) (*perception.Result, error) {
	return p.Detector.Step(p.memory, set)
}

func newPipeline(b *model.Bundle, o Options) (*pipeline, error) {
	d, err := New(b, o)
	if err != nil {
		return nil, err
	}
	return &pipeline{d, d.NewMemory()}, nil
}

func open(t testing.TB, o Options) *pipeline {
	t.Helper()
	return openBundle(t, bundle(t), o)
}

func openBundle(t testing.TB, b *model.Bundle, o Options) *pipeline {
	t.Helper()
	p, err := newPipeline(b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

const imageWidth, imageHeight = 160, 120

// testRig has six cameras around the vehicle, not in the bundle's order.
func testRig() *perception.Rig {
	names := []string{"CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_RIGHT", "CAM_BACK", "CAM_BACK_LEFT", "CAM_FRONT_LEFT"}
	r := &perception.Rig{Name: "test", EgoFromLidar: &geom.Transform{
		Rotation: geom.QuatFromYaw(-math.Pi / 2), Translation: geom.Vec3{0.9, 0, 1.8},
	}}
	forward := geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5} // z ahead, x right, y down
	for i, name := range names {
		r.Cameras = append(r.Cameras, perception.Camera{
			Name: name, Width: imageWidth, Height: imageHeight,
			Intrinsics: geom.Mat3{120, 0, imageWidth / 2, 0, 120, imageHeight / 2, 0, 0, 1},
			EgoFromCamera: geom.Transform{
				Rotation:    geom.QuatFromYaw(-float64(i) * math.Pi / 3).Mul(forward),
				Translation: geom.Vec3{1, 0, 1.5},
			},
		})
	}
	return r
}

// picture returns an encoded image of blocks of colour.
func picture(t testing.TB, seed uint32, width, height int) []byte {
	t.Helper()
	m := gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3)
	defer m.Close()
	for y := range height {
		for x := range width {
			h := (uint32(x/9)*2654435761 ^ uint32(y/7)*40503 ^ seed*97) * 2246822519
			m.SetUCharAt(y, 3*x, uint8(h>>8))
			m.SetUCharAt(y, 3*x+1, uint8(h>>16))
			m.SetUCharAt(y, 3*x+2, uint8(h>>24))
		}
	}
	buffer, err := gocv.IMEncode(gocv.JPEGFileExt, m)
	if err != nil {
		t.Fatal(err)
	}
	defer buffer.Close()
	return bytes.Clone(buffer.GetBytes())
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// drive returns n sets, half a second and 4 m apart.
func drive(t testing.TB, n int) []*perception.FrameSet {
	t.Helper()
	rig := testRig()
	sets := make([]*perception.FrameSet, n)
	for k := range sets {
		at := func(seconds float64) geom.Pose {
			s := seconds + 0.5*float64(k)
			return geom.NewPose(geom.QuatFromYaw(0.1*s), geom.Vec3{500 + 8*s, 700 + s, 0})
		}
		set := &perception.FrameSet{
			Rig: rig, Time: start.Add(time.Duration(k) * 500 * time.Millisecond), GlobalFromEgo: at(0),
		}
		for i := range rig.Cameras {
			before := 0.01 * float64(i)
			set.Frames = append(set.Frames, &perception.Frame{
				Camera: rig.Cameras[i].Name, Image: picture(t, uint32(10*k+i), imageWidth, imageHeight),
				Captured:      set.Time.Add(-time.Duration(before * float64(time.Second))),
				GlobalFromEgo: at(-before),
			})
		}
		sets[k] = set
	}
	return sets
}

func step(t testing.TB, p *pipeline, set *perception.FrameSet) *perception.Result {
	t.Helper()
	r, err := p.Step(set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// without returns a copy of a set with a camera's frame replaced.
func without(set *perception.FrameSet, camera string, frame *perception.Frame) *perception.FrameSet {
	changed := *set
	changed.Frames = slices.Clone(set.Frames)
	changed.Frames[set.Rig.Index(camera)] = frame
	return &changed
}

var untimed = cmpopts.IgnoreFields(perception.Result{}, "StageDurations")

func TestStep(t *testing.T) {
	defer goleak.VerifyNone(t)
	p, err := newPipeline(bundle(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for k, set := range drive(t, 5) {
		r := step(t, p, set)
		if len(r.Detections) == 0 {
			t.Errorf("set %d has no detections", k)
		}
		if len(r.Captured) != 6 || len(r.Missing) != 0 || len(r.Rejected) != 0 {
			t.Errorf("set %d: captured %v, missing %v, rejected %v", k, r.Captured, r.Missing, r.Rejected)
		}
		depth := min(k, 3)
		if r.HistoryDepth != depth || r.HistoryAge != time.Duration(depth)*500*time.Millisecond {
			t.Errorf("set %d: history of %d sets, %v", k, r.HistoryDepth, r.HistoryAge)
		}
		if (r.Reset == "first set") != (k == 0) {
			t.Errorf("set %d: reset %q", k, r.Reset)
		}
		if !strings.HasPrefix(r.Model, "tiny-random@") || r.Quantisation == "none" || len(r.StageDurations) != 8 {
			t.Errorf("set %d: model %q, quantisation %q, stages %v", k, r.Model, r.Quantisation, r.StageDurations)
		}
		if r.Time != set.Time || r.GlobalFromEgo != set.GlobalFromEgo {
			t.Errorf("set %d: result of %v", k, r.Time)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestModelWithoutStereoAndHistory looks at every set as at a first one.
func TestModelWithoutStereoAndHistory(t *testing.T) {
	b, err := model.Open(testbundle.WritePlain(t))
	if err != nil {
		t.Fatal(err)
	}
	seen := &dump{values: map[string]*tensor.F32{}}
	p := openBundle(t, b, Options{Observer: seen, KeepFeatures: true})
	ignored := cmpopts.IgnoreFields(perception.Result{}, "StageDurations", "Reset")
	for k, set := range drive(t, 3) {
		r := step(t, p, set)
		if len(r.Detections) == 0 || r.HistoryDepth != 0 || r.HistoryAge != 0 {
			t.Errorf("set %d: %d detections, history of %d sets, %v", k, len(r.Detections), r.HistoryDepth, r.HistoryAge)
		}
		alone := step(t, openBundle(t, b, Options{}), set)
		if diff := cmp.Diff(alone, r, ignored); diff != "" {
			t.Errorf("set %d depends on earlier ones: %s", k, diff)
		}
	}
	for _, name := range []string{"stereo_features", "stereo_samples", "stereo_logits", "history"} {
		if seen.values[name] != nil {
			t.Errorf("the observer is shown %s", name)
		}
	}
	for _, name := range []string{"mono_logits", "depth", "bev", "fused"} {
		if seen.values[name] == nil {
			t.Errorf("the observer is not shown %s", name)
		}
	}
}

func TestResultsDoNotDependOnThreads(t *testing.T) {
	sets := drive(t, 4)
	for _, mode := range []string{"recursive", "direct"} {
		var want []*perception.Result
		for _, threads := range []int{1, 2, 3} {
			p := open(t, Options{Threads: threads, History: mode})
			var got []*perception.Result
			for _, set := range sets {
				got = append(got, step(t, p, set))
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got, untimed); diff != "" {
				t.Errorf("%s, %d threads: %s", mode, threads, diff)
			}
		}
	}
}

// dump keeps every output of the last set.
type dump struct {
	stages []string
	values map[string]*tensor.F32
}

func (d *dump) Begin(stage string) { d.stages = append(d.stages, stage) }

func (d *dump) End(stage string, outputs func() []Output) {
	if d.stages[len(d.stages)-1] != stage {
		panic("stages overlap")
	}
	for _, o := range outputs() {
		v := o.Values()
		d.values[o.Name] = tensor.From(slices.Clone(v.Data), v.Shape...)
	}
}

func TestObserverSeesEveryOutput(t *testing.T) {
	d := &dump{values: map[string]*tensor.F32{}}
	p := open(t, Options{Observer: d, KeepFeatures: true})
	for _, set := range drive(t, 2) {
		step(t, p, set)
	}
	for name, shape := range map[string][]int{
		"images": {6, 3, 64, 64}, "context": {6, 8, 8, 8}, "mono_logits": {6, 8, 8, 16},
		"stereo_features": {6, 16, 16, 32}, "stereo_samples": {6, 8, 8, 7}, "stereo_logits": {6, 8, 8, 16},
		"depth": {6, 8, 8, 16}, "stack": {1, 32, 32, 32}, "bev_raw": {1, 32, 32, 8}, "bev": {1, 32, 32, 8}, "history": {3, 32, 32, 8},
		"fused": {1, 8, 32, 32}, "head_0_reg": {1, 2, 32, 32}, "head_5_heatmap": {1, 2, 32, 32},
	} {
		if d.values[name] == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if diff := cmp.Diff(shape, d.values[name].Shape); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !slices.ContainsFunc(d.values[name].Data, func(x float32) bool { return x != 0 }) {
			t.Errorf("%s is all zero", name)
		}
	}
	if len(d.values) != 12+6*6 || len(d.stages) != 2*8 {
		t.Errorf("%d outputs of %d stages", len(d.values), len(d.stages))
	}
	sum := float32(0)
	for _, x := range d.values["depth"].Data[:16] {
		sum += x
	}
	if math.Abs(float64(sum)-1) > 1e-5 {
		t.Errorf("a pixel's depth sums to %v", sum)
	}
}

// A lost camera leaves what the encoder makes of the others alone, to the bit.
func TestMissingCameraLeavesOthersAlone(t *testing.T) {
	set := drive(t, 1)[0]
	const lost, rank = "CAM_FRONT", 1 // its row among the bundle's cameras
	seen := map[bool]*dump{}
	for _, whole := range []bool{true, false} {
		seen[whole] = &dump{values: map[string]*tensor.F32{}}
		p := open(t, Options{Observer: seen[whole]})
		if whole {
			step(t, p, set)
			continue
		}
		r := step(t, p, without(set, lost, nil))
		if !slices.Equal(r.Missing, []string{lost}) || len(r.Rejected) != 0 || len(r.Captured) != 5 {
			t.Errorf("missing %v, rejected %v, captured %v", r.Missing, r.Rejected, r.Captured)
		}
	}
	for _, name := range []string{"images", "context", "mono_logits", "stereo_features"} {
		want, got := seen[true].values[name], seen[false].values[name]
		n := len(want.Data) / 6
		others := slices.Concat(want.Data[:rank*n], want.Data[(rank+1)*n:])
		if !slices.Equal(got.Data, others) {
			t.Errorf("%s of the other cameras changed", name)
		}
	}
}

func TestUnusableImagesAreRejected(t *testing.T) {
	sets := drive(t, 3)
	good := sets[1].Frames[0]
	bad := func(image []byte) *perception.FrameSet {
		f := *good
		f.Image = image
		return without(sets[1], good.Camera, &f)
	}
	lost := open(t, Options{})
	step(t, lost, sets[0])
	want := step(t, lost, without(sets[1], good.Camera, nil))
	after := step(t, lost, sets[2])
	for name, test := range map[string]struct {
		image []byte
		want  string
	}{
		"truncated":    {good.Image[:len(good.Image)-100], "truncated"},
		"empty":        {nil, "empty"},
		"text":         {[]byte("no image"), "want JPEG or PNG"},
		"another size": {picture(t, 1, 80, 60), "80 x 60"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, Options{})
			step(t, p, sets[0])
			got := step(t, p, bad(test.image))
			if reason := got.Rejected[good.Camera]; !strings.Contains(reason, test.want) {
				t.Errorf("rejected for %q, want %q", reason, test.want)
			}
			if diff := cmp.Diff(want, got, untimed, cmpopts.IgnoreFields(perception.Result{}, "Rejected")); diff != "" {
				t.Errorf("not as if the image had been missing: %s", diff)
			}
			if diff := cmp.Diff(after, step(t, p, sets[2]), untimed); diff != "" {
				t.Errorf("the next set: %s", diff)
			}
		})
	}
}

func TestSetWithoutImagesMovesHistoryOn(t *testing.T) {
	sets := drive(t, 3)
	for _, kernels := range isa.Sets() {
		if _, err := isa.Choose(string(kernels), isa.Detect()); err != nil {
			continue // another machine's
		}
		p := open(t, Options{Kernels: kernels})
		step(t, p, sets[0])
		blind := *sets[1]
		blind.Frames = make([]*perception.Frame, 6)
		r := step(t, p, &blind)
		if len(r.Missing) != 6 || r.HistoryDepth != 1 || r.Reset != "" {
			t.Errorf("%s: missing %v, depth %d, reset %q", kernels, r.Missing, r.HistoryDepth, r.Reset)
		}
		if r := step(t, p, sets[2]); r.HistoryDepth != 2 || len(r.Captured) != 6 {
			t.Errorf("%s: then depth %d, captured %v", kernels, r.HistoryDepth, r.Captured)
		}
	}
}

func TestBadSetsChangeNothing(t *testing.T) {
	sets := drive(t, 3)
	clean := open(t, Options{})
	step(t, clean, sets[0])
	want := step(t, clean, sets[1])
	nan := geom.IdentityPose()
	nan.T[1] = math.NaN()
	for name, test := range map[string]struct {
		damage func(s *perception.FrameSet)
		want   string
	}{
		"ego pose":     {func(s *perception.FrameSet) { s.GlobalFromEgo = nan }, "ego pose is not finite"},
		"capture pose": {func(s *perception.FrameSet) { f := *s.Frames[2]; f.GlobalFromEgo = nan; s.Frames[2] = &f }, "CAM_BACK_RIGHT"},
		"no rig":       {func(s *perception.FrameSet) { s.Rig = nil }, "no rig"},
		"frames":       {func(s *perception.FrameSet) { s.Frames = s.Frames[:2] }, "2 frames for a rig of 6"},
		"calibration": {func(s *perception.FrameSet) {
			r := testRig()
			r.Cameras[1].Intrinsics[0] = math.Inf(1)
			s.Rig = r
		}, "CAM_FRONT_RIGHT"},
		"huge images": {func(s *perception.FrameSet) {
			r := testRig()
			r.Cameras[1].Width, r.Cameras[1].Height = 1<<20, 1<<20
			s.Rig = r
		}, "CAM_FRONT_RIGHT"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, Options{})
			step(t, p, sets[0])
			damaged := *sets[1]
			damaged.Frames = slices.Clone(damaged.Frames)
			test.damage(&damaged)
			_, err := p.Step(&damaged)
			var bad *SetError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), test.want) || !bad.Time.Equal(damaged.Time) {
				t.Fatalf("error %v, want a SetError with %q", err, test.want)
			}
			if diff := cmp.Diff(want, step(t, p, sets[1]), untimed); diff != "" {
				t.Errorf("the next set: %s", diff)
			}
		})
	}
}

// move puts the set's poses ahead in the global frame, in metres.
func move(s *perception.FrameSet, metres float64) {
	by := geom.NewPose(geom.QuatFromYaw(0), geom.Vec3{metres})
	s.GlobalFromEgo = by.Mul(s.GlobalFromEgo)
	for _, f := range s.Frames {
		f.GlobalFromEgo = by.Mul(f.GlobalFromEgo)
	}
}

func TestResets(t *testing.T) {
	higher := testRig()
	higher.EgoFromBase = &geom.Transform{Rotation: geom.Quat{W: 1}, Translation: geom.Vec3{0, 0, -0.5}}
	for name, test := range map[string]struct {
		change func(p *pipeline, s *perception.FrameSet)
		want   string
	}{
		"nothing":      {func(*pipeline, *perception.FrameSet) {}, ""},
		"the set":      {func(_ *pipeline, s *perception.FrameSet) { s.NewSequence = "scene 2" }, "scene 2"},
		"the caller":   {func(p *pipeline, _ *perception.FrameSet) { p.memory.Reset("asked"); p.memory.Reset("again") }, "asked"},
		"a gap":        {func(_ *pipeline, s *perception.FrameSet) { s.Time = s.Time.Add(time.Minute) }, "a gap of 1m0.5s exceeds 5s"},
		"time":         {func(_ *pipeline, s *perception.FrameSet) { s.Time = s.Time.Add(-time.Second) }, "time went back by 500ms"},
		"equal rig":    {func(_ *pipeline, s *perception.FrameSet) { s.Rig = testRig() }, ""},
		"another base": {func(_ *pipeline, s *perception.FrameSet) { s.Rig = higher }, "the base changed"},
		"another map":  {func(_ *pipeline, s *perception.FrameSet) { move(s, 900) }, "the vehicle's pose jumped by 904.0 m in 0.50 s"},
		"a recording":  {func(_ *pipeline, s *perception.FrameSet) { move(s, 900); s.KeyFrame = "second" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sets := drive(t, 2)
			p := open(t, Options{})
			step(t, p, sets[0])
			test.change(p, sets[1])
			got := step(t, p, sets[1])
			if got.Reset != test.want || (got.HistoryDepth == 0) != (test.want != "") {
				t.Fatalf("reset %q with history of %d, want %q", got.Reset, got.HistoryDepth, test.want)
			}
			if test.want == "" {
				return
			}
			fresh := step(t, open(t, Options{}), sets[1])
			ignore := cmpopts.IgnoreFields(perception.Result{}, "StageDurations", "Reset")
			if diff := cmp.Diff(fresh, got, ignore); diff != "" {
				t.Errorf("not as from a new pipeline: %s", diff)
			}
		})
	}
}

func TestPureStagesDoNotAllocate(t *testing.T) {
	p := open(t, Options{})
	sets := drive(t, 2)
	step(t, p, sets[0])
	step(t, p, sets[1])
	g := p.Look(p.memory, sets[1])
	w, m, f, v, x := p.back, p.memory, g.frame, &g.front.views, &g.front.features
	m.take(f)
	d := w.match(f, &m.past, v, x)
	for name, stage := range map[string]func(){
		Stereo:  func() { w.match(f, &m.past, v, x) },
		Lift:    func() { w.splat(f, &m.points, v, d, x) },
		History: func() { w.remember(f, m, v, &w.plane) },
	} {
		if n := testing.AllocsPerRun(10, stage); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
