package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/tensor"
)

// ownHead gives a provider the plain head as its own, with that input.
func ownHead(b *model.Bundle, provider string, in model.Input) {
	zero := 0
	in.ZeroPoint = &zero
	b.Manifest.Graphs = map[string]model.GraphSet{provider: {
		Files: map[model.Graph]string{model.DetectHead: string(model.DetectHead)},
		Input: &in, Quantisation: &model.Quantisation{Method: "by " + provider},
	}}
}

// recordingLog takes the default log's lines for a test.
func recordingLog(t *testing.T) *strings.Builder {
	var log strings.Builder
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(previous) })
	return &log
}

// detect returns a detector's results of a drive, without times, and its stacks.
func detect(t *testing.T, b *model.Bundle, o Options) (detections []any, stacks []*tensor.F32, d *Detector) {
	t.Helper()
	o.Observer = &stackObserver{&stacks}
	p := openBundle(t, b, o)
	for _, set := range drive(t, 4) {
		detections = append(detections, step(t, p, set).Detections)
	}
	return detections, stacks, p.Detector
}

// stackObserver keeps the head's inputs.
type stackObserver struct{ stacks *[]*tensor.F32 }

func (stackObserver) Begin(string) {}

func (o stackObserver) End(stage string, outputs func() []Output) {
	if stage != History {
		return
	}
	for _, out := range outputs() {
		if out.Name == Stack {
			*o.stacks = append(*o.stacks, out.Values())
		}
	}
}

func TestAProviderRunsItsOwnGraphs(t *testing.T) {
	plain, _, d := detect(t, bundle(t), Options{})
	if d.Provider() != "cpu" || d.Graphs().Name() != "plain" {
		t.Errorf("provider %s, graphs %s", d.Provider(), d.Graphs().Name())
	}
	b := bundle(t)
	ownHead(b, "cpu", model.Input{Type: "uint8", Scales: []float32{0.02, 0.02, 0.02, 0.02}})
	own, _, d := detect(t, b, Options{})
	if d.Graphs().Name() != "cpu" || d.Graphs().Quantisation != "by cpu" {
		t.Errorf("graphs %s, quantisation %s", d.Graphs().Name(), d.Graphs().Quantisation)
	}
	if diff := cmp.Diff(plain, own); diff != "" {
		t.Errorf("scales of slots that are the one scale: %s", diff)
	}
	set := drive(t, 1)[0]
	if r := step(t, openBundle(t, b, Options{}), set); r.Quantisation != "by cpu" {
		t.Errorf("the result has quantisation %q", r.Quantisation)
	}
}

// TestScalesOfSlotsReachTheStack: the stack that an observer sees has the same values, to
// half a step of each.
func TestScalesOfSlotsReachTheStack(t *testing.T) {
	_, plain, _ := detect(t, bundle(t), Options{})
	const channels, slots = 8, 4
	for _, n := range []int{slots, slots * channels} {
		b, scales := bundle(t), make([]float32, n)
		for i := range scales {
			scales[i] = 0.02 + 0.005*float32(i%5)
		}
		ownHead(b, "cpu", model.Input{Type: "uint8", Scales: scales})
		_, own, _ := detect(t, b, Options{})
		for k := range plain {
			for i, v := range plain[k].Data {
				s := scales[i%(slots*channels)*n/(slots*channels)]
				if v < 5 && math.Abs(float64(own[k].Data[i]-v)) > float64(s+0.02)/2+1e-6 {
					t.Fatalf("%d scales, set %d, value %d: %v, want %v within a step of %v", n, k, i, own[k].Data[i], v, s)
				}
			}
		}
	}
}

// The pinned library has no GPU providers, which is the case to fall back in: as a whole,
// to the graphs of the provider that works.
func TestFallBackTakesTheNextProvidersGraphs(t *testing.T) {
	log := recordingLog(t)
	b := bundle(t)
	ownHead(b, "tensorrt", model.Input{Type: "float32"}) // the CPU's head would refuse it
	p := openBundle(t, b, Options{Providers: []string{"tensorrt", "cuda", "cpu"}})
	if p.Provider() != "cpu" || p.Graphs().Name() != "plain" || p.Graphs().Quantisation != b.Quantisation() {
		t.Errorf("provider %s, graphs %s, quantisation %s", p.Provider(), p.Graphs().Name(), p.Graphs().Quantisation)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines of the log, want one for each fall-back:\n%s", len(lines), log)
	}
	for i, want := range []string{"from=tensorrt to=cuda graphs=plain reason=", "from=cuda to=cpu graphs=plain reason="} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("%q lacks %q", lines[i], want)
		}
	}
	_, err := New(b, Options{Providers: []string{"cuda"}})
	if err == nil || !strings.Contains(err.Error(), "onnx: no provider works: cuda: ") {
		t.Errorf("error %v", err)
	}
}

// A fault of the bundle's graphs is told of, and no other provider's are tried.
func TestAFaultyGraphIsNoReasonToFallBack(t *testing.T) {
	log := recordingLog(t)
	b := bundle(t)
	ownHead(b, "cpu", model.Input{Type: "float32"})
	_, err := New(b, Options{Providers: []string{"cpu", "cuda"}})
	if err == nil || !strings.Contains(err.Error(), `head.onnx: input "stack" is uint8`) || log.Len() > 0 {
		t.Errorf("error %v, log %q", err, log)
	}
}

func TestPlacementOfGraphs(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/var/cache")
	b := bundle(t)
	b.Manifest.Graphs = map[string]model.GraphSet{"tensorrt": {Precision: []string{"int8", "float16"}}}
	o := Options{Device: 2, Threads: 3}
	const cache = "/var/cache/solofusion/tensorrt"
	for _, tt := range []struct {
		provider string
		graph    model.Graph
		want     onnx.Placement
	}{
		{"cpu", model.ImageEncoder, onnx.Placement{Provider: "cpu", Threads: 3, Device: 2}},
		{"cuda", model.DetectHead, onnx.Placement{Provider: "cuda", Threads: 3, Device: 2}},
		{"tensorrt", model.DetectHead, onnx.Placement{Provider: "tensorrt", Threads: 3, Device: 2, Whole: true, Float16: true, Int8: true, Cache: cache}},
		{"tensorrt", model.ImageEncoder, onnx.Placement{
			Provider: "tensorrt", Threads: 3, Device: 2, Whole: true, Float16: true, Int8: true, Cache: cache,
			Rows: &onnx.Rows{Least: 1, Usual: 6, Most: 16},
		}},
		{"tensorrt", model.Boxes, onnx.Placement{Provider: "cuda", Threads: 3, Device: 2}},
	} {
		got, err := graphPlacement(b, b.For(tt.provider), tt.graph, o.placement(tt.provider, nil))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s on %s: %v\n%s", tt.graph, tt.provider, err, diff)
		}
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	_, err := graphPlacement(b, b.For("tensorrt"), model.DetectHead, o.placement("tensorrt", nil))
	var failed *onnx.ProviderError
	if !errors.As(err, &failed) {
		t.Errorf("without a cache folder: error %v, want one of the provider", err)
	}
}

// sessions loads the graphs of a bundle on the CPU.
func sessions(t *testing.T, b *model.Bundle) *networks {
	t.Helper()
	o := Defaults()
	n, err := load(b, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// TestGPUsMustAgreeWithTheCPU stands in for a GPU: a session with other weights is one
// that computes wrongly.
func TestGPUsMustAgreeWithTheCPU(t *testing.T) {
	n, other := sessions(t, bundle(t)), sessions(t, otherBundle(t))
	for _, g := range model.Graphs() {
		if err := agree(n.sessions[g], n.sessions[g], 0); err != nil {
			t.Errorf("%s and itself: %v", g, err)
		}
	}
	err := agree(other.sessions[model.DetectHead], n.sessions[model.DetectHead], toleranceEight)
	if err == nil || !strings.Contains(err.Error(), `output "fused" is `) || !strings.Contains(err.Error(), "off what the CPU computes, want at most 0.1") {
		t.Errorf("error %v", err)
	}
	n.provider = "cuda"
	n.sessions[model.DetectHead], other.sessions[model.DetectHead] = other.sessions[model.DetectHead], n.sessions[model.DetectHead]
	runtime, err := onnx.Open("")
	if err != nil {
		t.Fatal(err)
	}
	var failed *onnx.ProviderError
	if err := n.compare(runtime); !errors.As(err, &failed) || failed.Provider != "cuda" || !strings.Contains(err.Error(), `head.onnx: output "fused"`) {
		t.Errorf("error %v, want one of cuda that names head.onnx", err)
	}
}

// otherBundle returns the test bundle with other weights of the head.
func otherBundle(t *testing.T) *model.Bundle {
	t.Helper()
	dir := testbundle.Write(t)
	rescale(t, dir, "head.onnx", "fuse.weight", 1.5)
	b, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rescale multiplies a graph's constant, and sets the graph's hash in the manifest.
func rescale(t *testing.T, dir, graph, constant string, by float64) {
	t.Helper()
	file, manifest := filepath.Join(dir, graph), filepath.Join(dir, "model.yaml")
	data, err := os.ReadFile(file)
	text, err2 := os.ReadFile(manifest)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	before := digest(data)
	const rawData = 9<<3 | 2
	i := bytes.Index(data, append([]byte(constant), rawData)) + len(constant) + 1
	size, n := binary.Uvarint(data[i:])
	for raw := data[i+n:][:size]; len(raw) > 0; raw = raw[4:] {
		v := math.Float32frombits(binary.LittleEndian.Uint32(raw))
		binary.LittleEndian.PutUint32(raw, math.Float32bits(v*float32(by)))
	}
	line := "  " + graph + ": "
	text = bytes.Replace(text, []byte(line+before), []byte(line+digest(data)), 1)
	if err := errors.Join(os.WriteFile(file, data, 0o600), os.WriteFile(manifest, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func digest(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func TestDistance(t *testing.T) {
	nan := float32(math.NaN())
	for _, tt := range []struct {
		got, want []float32
		distance  float64
	}{
		{[]float32{3, 4}, []float32{3, 4}, 0}, {[]float32{0, 0}, []float32{0, 0}, 0}, {[]float32{3, 9}, []float32{3, 4}, 1},
		{[]float32{1}, []float32{0}, math.Inf(1)}, {[]float32{nan}, []float32{1}, math.NaN()},
	} {
		if d := distance(tt.got, tt.want); d != tt.distance && !(math.IsNaN(d) && math.IsNaN(tt.distance)) {
			t.Errorf("of %v and %v: %v, want %v", tt.got, tt.want, d, tt.distance)
		}
	}
}

// withSet writes the test bundle with a provider's own head: that file, or a copy of the
// plain one.
func withSet(t *testing.T, provider, file string) string {
	t.Helper()
	dir := testbundle.Write(t)
	if file == "" {
		file = filepath.Join(dir, "head.onnx")
	}
	manifest := filepath.Join(dir, "model.yaml")
	text, err := os.ReadFile(manifest)
	head, err2 := os.ReadFile(file)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	own := fmt.Sprintf("graphs:\n  %s:\n    files: {head.onnx: head.%[1]s.onnx}\n    input: {type: uint8, scale: 0.02, zero_point: 0}\nfiles:\n  head.%[1]s.onnx: %[2]s\n",
		provider, digest(head))
	err = os.WriteFile(manifest, []byte(strings.Replace(string(text), "files:\n", own, 1)), 0o600)
	err2 = os.WriteFile(filepath.Join(dir, "head."+provider+".onnx"), head, 0o600)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A bundle may have graphs for each provider that there is, and all are verified, those for
// GPUs too.
func TestVerifyRunsAllSets(t *testing.T) {
	for _, provider := range onnx.Providers {
		b, err := model.Open(withSet(t, provider, ""))
		if err != nil {
			t.Fatal(err)
		}
		if notes, err := Verify(b); err != nil || len(notes) > 0 {
			t.Errorf("%s: %v, %v", provider, notes, err)
		}
		dir := withSet(t, provider, "")
		rescale(t, dir, "head."+provider+".onnx", "fuse.weight", math.Inf(1))
		if b, err = model.Open(dir); err != nil {
			t.Fatal(err)
		}
		_, err = Verify(b)
		if want := "model: head." + provider + `.onnx: constant "fuse.weight"`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// What the CPU has no code for is no fault of graphs for a GPU, and not hidden; of those
// for the CPU it is one.
func TestVerifyNamesWhatItCannotRun(t *testing.T) {
	const bfloat16 = "../../onnx/testdata/bfloat16.onnx"
	b, err := model.Open(withSet(t, "cuda", bfloat16))
	if err != nil {
		t.Fatal(err)
	}
	notes, err := Verify(b)
	const want = "the graphs for cuda were not run: onnx: loading head.cuda.onnx: "
	if err != nil || len(notes) != 1 || !strings.HasPrefix(notes[0], want) || !strings.Contains(notes[0], "Conv") {
		t.Errorf("notes %q, error %v; want one that begins with %q", notes, err, want)
	}
	if b, err = model.Open(withSet(t, "cpu", bfloat16)); err != nil {
		t.Fatal(err)
	}
	if notes, err := Verify(b); err == nil || len(notes) != 0 {
		t.Errorf("notes %q, error %v; want an error", notes, err)
	}
}
