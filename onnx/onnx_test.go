package onnx_test

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/tensor"
)

// The graphs were made by testdata/make.py with onnx 1.23.2.

//go:embed testdata/affine.onnx
var affine []byte

//go:embed testdata/quantised.onnx
var quantised []byte

//go:embed testdata/both.onnx
var both []byte

//go:embed testdata/convolution.onnx
var convolution []byte

var cpu = onnx.Placement{Provider: "cpu", Threads: 1}

func open(t testing.TB) *onnx.Runtime {
	t.Helper()
	rt, err := onnx.Open("")
	if errors.Is(err, onnx.ErrNoLibrary) {
		t.Fatal("ONNX Runtime is not installed: run make deps")
	}
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func load(t testing.TB, name string, graph []byte) *onnx.Session {
	t.Helper()
	s, err := open(t).Load(name, graph, cpu)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPorts(t *testing.T) {
	s := load(t, "affine", affine)
	want := []onnx.Port{{"x", "float32", []int64{-1, 3}}, {"bias", "float32", []int64{3}}}
	if diff := cmp.Diff(want, s.Inputs()); diff != "" {
		t.Error(diff)
	}
	want = []onnx.Port{{"y", "float32", []int64{-1, 3}}}
	if diff := cmp.Diff(want, s.Outputs()); diff != "" {
		t.Error(diff)
	}
	if s.Provider() != "cpu" || s.Name() != "affine" {
		t.Errorf("name %q on provider %q", s.Name(), s.Provider())
	}
}

func TestRunsOverCallersMemory(t *testing.T) {
	s := load(t, "affine", affine)
	bias := tensor.From([]float32{1, 10, 100}, 3)
	for _, n := range []int{1, 2, 6} { // the open axis
		x, y := tensor.New[float32](n, 3), tensor.New[float32](n, 3)
		b, err := s.Bind(onnx.Tensors{"x": x, "bias": bias}, onnx.Tensors{"y": y})
		if err != nil {
			t.Fatal(err)
		}
		for turn := range 3 {
			want := make([]float32, 3*n)
			for i := range x.Data {
				x.Data[i] = float32(100*turn + i)
				want[i] = 2*x.Data[i] + bias.Data[i%3]
			}
			if err := b.Run(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, y.Data); diff != "" {
				t.Errorf("batch %d, turn %d: %s", n, turn, diff)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Run(); err == nil {
			t.Error("a closed binding ran")
		}
	}
}

func TestQuantisedInput(t *testing.T) {
	s := load(t, "quantised", quantised)
	stack := tensor.From([]uint8{10, 11, 12, 13, 0, 0, 0, 255}, 2, 4)
	sum := tensor.New[float32](2, 1)
	if err := s.Run(onnx.Tensors{"stack": stack}, onnx.Tensors{"sum": sum}); err != nil {
		t.Fatal(err)
	}
	want := []float32{0.5 * (0 + 1 + 2 + 3), 0.5 * (-30 + 245)}
	if diff := cmp.Diff(want, sum.Data); diff != "" {
		t.Error(diff)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	s := load(t, "affine", affine)
	b, err := s.Bind(
		onnx.Tensors{"x": tensor.New[float32](6, 3), "bias": tensor.New[float32](3)},
		onnx.Tensors{"y": tensor.New[float32](6, 3)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if n := testing.AllocsPerRun(20, func() { err = errors.Join(err, b.Run()) }); n != 0 || err != nil {
		t.Errorf("%v allocations a run, error %v", n, err)
	}
}

func TestBindRefuses(t *testing.T) {
	s := load(t, "affine", affine)
	x, bias, y := tensor.New[float32](2, 3), tensor.New[float32](3), tensor.New[float32](2, 3)
	for _, tt := range []struct {
		name            string
		inputs, outputs onnx.Tensors
		want            string
	}{
		{"missing input", onnx.Tensors{"x": x}, onnx.Tensors{"y": y}, "affine: input bias is missing"},
		{"missing output", onnx.Tensors{"x": x, "bias": bias}, nil, "affine: output y is missing"},
		{"unknown output", onnx.Tensors{"x": x, "bias": bias}, onnx.Tensors{"z": y}, "unknown output z, want y"},
		{"unknown input", onnx.Tensors{"x": x, "bias": bias, "z": x}, onnx.Tensors{"y": y}, "unknown input z, want x, bias"},
		{"shape", onnx.Tensors{"x": tensor.New[float32](2, 4), "bias": bias}, onnx.Tensors{"y": y}, "input x is float32 [2 4], want float32 [-1 3]"},
		{"rank", onnx.Tensors{"x": x, "bias": x}, onnx.Tensors{"y": y}, "input bias is float32 [2 3], want float32 [3]"},
		{"empty batch", onnx.Tensors{"x": tensor.New[float32](0, 3), "bias": bias}, onnx.Tensors{"y": y}, "input x is float32 [0 3]"},
		{"type", onnx.Tensors{"x": tensor.New[uint8](2, 3), "bias": bias}, onnx.Tensors{"y": y}, "input x is uint8 [2 3], want float32"},
		{"no tensor", onnx.Tensors{"x": "text", "bias": bias}, onnx.Tensors{"y": y}, "input x is string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Bind(tt.inputs, tt.outputs)
			wantError(t, err, tt.want)
		})
	}
}

// Outputs without a tensor are left where they are.
func TestOutputsThatNobodyReads(t *testing.T) {
	s := load(t, "both", both)
	x, sum, product := tensor.From([]float32{2, 3}, 2), tensor.New[float32](2), tensor.New[float32](2)
	for _, outputs := range []onnx.Tensors{{"product": product}, {"sum": sum}, {"sum": sum, "product": product}} {
		clear(sum.Data)
		clear(product.Data)
		if err := s.Run(onnx.Tensors{"x": x}, outputs); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][]float32{"sum": {4, 6}, "product": {4, 9}} {
			if got, bound := outputs[name].(*tensor.F32); bound && !slices.Equal(got.Data, want) {
				t.Errorf("%s is %v, want %v", name, got.Data, want)
			}
		}
	}
}

// An output of another batch size than the input passes the check of shapes,
// since both axes are open; the run must still refuse it.
func TestRunRefusesDisagreeingBatches(t *testing.T) {
	s := load(t, "affine", affine)
	err := s.Run(
		onnx.Tensors{"x": tensor.New[float32](2, 3), "bias": tensor.New[float32](3)},
		onnx.Tensors{"y": tensor.New[float32](4, 3)})
	wantError(t, err, "onnx: running affine")
}

func TestLoadRefuses(t *testing.T) {
	rt := open(t)
	for _, tt := range []struct {
		name  string
		graph []byte
		at    onnx.Placement
		want  string
	}{
		{"corrupt", []byte("not a graph"), cpu, "onnx: loading g: "},
		{"truncated", affine[:100], cpu, "onnx: loading g: "},
		{"empty", nil, cpu, "onnx: loading g: "},
		{"unknown provider", affine, onnx.Placement{Provider: "tpu"}, `unknown provider "tpu", want some of tensorrt, cuda, cpu`},
		{"provider twice", affine, onnx.Placement{Provider: "cpu", Behind: []string{"cpu"}}, "named twice"},
		{"no provider", affine, onnx.Placement{}, `unknown provider ""`},
		{"float16 on the CPU", affine, onnx.Placement{Provider: "cpu", Float16: true}, "provider cpu computes in what the graph has"},
		{"rows", affine, onnx.Placement{Provider: "cpu", Rows: &onnx.Rows{Least: 1, Usual: 7, Most: 6}}, "want 1 ≤ least ≤ usual ≤ most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := rt.Load("g", tt.graph, tt.at)
			wantError(t, err, tt.want)
			var failed *onnx.ProviderError
			if errors.As(err, &failed) {
				t.Errorf("%v is the provider's fault", err)
			}
		})
	}
}

// The pinned library has no GPU providers, which is an error of the provider, in a line.
func TestProvidersThatDoNotWork(t *testing.T) {
	rt := open(t)
	for _, provider := range []string{"tensorrt", "cuda"} {
		reason := rt.Available(provider, 0)
		if reason == nil {
			t.Logf("%s works here", provider)
			continue
		}
		_, err := rt.Load("affine", affine, onnx.Placement{Provider: provider})
		var failed *onnx.ProviderError
		if !errors.As(err, &failed) || failed.Provider != provider || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one of %s", err, provider)
		}
		wantError(t, err, reason.Error())
	}
}

func TestOpen(t *testing.T) {
	rt := open(t)
	if !strings.HasPrefix(rt.Version(), "1.") {
		t.Errorf("version %q", rt.Version())
	}
	if again, err := onnx.Open(rt.Library()); err != nil || again.Library() != rt.Library() {
		t.Errorf("opening again: %v", err)
	}
	_, err := onnx.Open("/nowhere/libonnxruntime.so")
	wantError(t, err, "already uses")
	if err := rt.Available("cpu", 0); err != nil {
		t.Error(err)
	}
}

func TestThreadsGiveTheSameBytes(t *testing.T) {
	rt := open(t)
	ramp := func(shape ...int) *tensor.F32 {
		r := tensor.New[float32](shape...)
		for i := range r.Data {
			r.Data[i] = float32(i%977)/977 - 0.4
		}
		return r
	}
	inputs := onnx.Tensors{"x": ramp(3, 16, 40, 56), "weight": ramp(32, 16, 3, 3)}
	var first []float32
	for _, threads := range []int{1, 2, 3, 4} {
		s, err := rt.Load("convolution", convolution, onnx.Placement{Provider: "cpu", Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		mean := tensor.New[float32](3, 32, 1, 1)
		if err := s.Run(inputs, onnx.Tensors{"mean": mean}); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = mean.Data
		} else if !slices.Equal(first, mean.Data) {
			t.Errorf("%d threads give other bytes", threads)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
}
