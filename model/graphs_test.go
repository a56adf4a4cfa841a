package model

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/internal/testbundle"
)

// sets are graphs that are added to the test bundle, whose head reads 4 slots of 8
// channels.
const sets = `graphs:
  cpu:
    files: {head.onnx: head.cpu.onnx}
    input: {type: uint8, scales: [0.02, 0.03, 0.04, 0.05], zero_point: 0}
    quantisation: {method: test}
  tensorrt:
    files: {image_encoder.onnx: image_encoder.tensorrt.onnx, head.onnx: head.cpu.onnx}
    input: {type: float32}
    precision: [int8, float16]
files:
`

// withSets returns a copy of the test bundle with further graphs, which are the plain ones
// with a byte behind them.
func withSets(t *testing.T) string {
	t.Helper()
	dir := testbundle.Write(t)
	sums := ""
	for name, plain := range map[string]Graph{"head.cpu.onnx": DetectHead, "image_encoder.tensorrt.onnx": ImageEncoder} {
		data, err := os.ReadFile(filepath.Join(dir, string(plain)))
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, name[0])
		write(t, filepath.Join(dir, name), data)
		sums += "  " + name + ": " + hexSum(data) + "\n"
	}
	rewrite(t, dir, "files:\n", sets+sums)
	return dir
}

// rewrite replaces text of the manifest.
func rewrite(t *testing.T, dir, old, new string) {
	t.Helper()
	path := filepath.Join(dir, manifestFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), old) != 1 {
		t.Fatalf("%q is in the manifest %d times", old, strings.Count(string(text), old))
	}
	write(t, path, []byte(strings.Replace(string(text), old, new, 1)))
}

func TestEachProviderHasItsGraphs(t *testing.T) {
	b, err := Open(withSets(t))
	if err != nil {
		t.Fatal(err)
	}
	last := func(s *Set, g Graph) byte { return s.Graph(g)[len(s.Graph(g))-1] }
	plain, cpu, tensorrt := b.Plain(), b.For("cpu"), b.For("tensorrt")
	if last(cpu, DetectHead) != 'h' || last(tensorrt, DetectHead) != 'h' || last(tensorrt, ImageEncoder) != 'i' {
		t.Error("a set lacks its own graphs")
	}
	if &cpu.Graph(ImageEncoder)[0] != &plain.Graph(ImageEncoder)[0] || cpu.File(BEVEmbed) != "bev_embed.onnx" {
		t.Error("a set without a graph does not take the plain one")
	}
	zero := 0
	if diff := cmp.Diff(Input{Type: "uint8", Scales: []float32{0.02, 0.03, 0.04, 0.05}, ZeroPoint: &zero}, cpu.Input); diff != "" {
		t.Error(diff)
	}
	if tensorrt.Input.Type != "float32" || tensorrt.Quantisation != "none" || cpu.Quantisation != "test" {
		t.Errorf("tensorrt has input %v, quantisation %q; cpu %q", tensorrt.Input, tensorrt.Quantisation, cpu.Quantisation)
	}
	if diff := cmp.Diff([]string{"int8", "float16"}, tensorrt.Precision); diff != "" {
		t.Error(diff)
	}
	cuda := b.For("cuda")
	if cuda.Name() != "plain" || cuda.Input.Scale != 0.02 || cuda.Quantisation != b.Quantisation() {
		t.Errorf("cuda has %s with %v", cuda.Name(), cuda.Input)
	}
	var names []string
	for _, s := range b.Sets() {
		names = append(names, s.Name())
	}
	if diff := cmp.Diff([]string{"plain", "cpu", "tensorrt"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestGraphsOfProvidersAreChecked(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{"  tensorrt:", "  tpu:", "graphs.tpu is no provider, want cpu, cuda, tensorrt"},
		{"head.onnx: head.cpu.onnx}\n    input: {type: float32}", "head.onnx: head.cpu.onnx}", "graphs.tensorrt.input is absent, want one if files have a head.onnx"},
		{", head.onnx: head.cpu.onnx}", "}", "graphs.tensorrt.input is given"},
		{"{head.onnx: head.cpu.onnx}", "{tail.onnx: head.cpu.onnx}", "graphs.cpu.files.tail.onnx is no graph"},
		{"{head.onnx: head.cpu.onnx}", "{head.onnx: ../head.onnx}", `graphs.cpu.files.head.onnx is "../head.onnx", want a file's name such as head.cpu.onnx`},
		{"{head.onnx: head.cpu.onnx}", "{head.onnx: /head.onnx}", `graphs.cpu.files.head.onnx is "/head.onnx"`},
		{"{head.onnx: head.cpu.onnx}", "{head.onnx: model.yaml}", `graphs.cpu.files.head.onnx is "model.yaml"`},
		{"{head.onnx: head.cpu.onnx}", "{head.onnx: .onnx}", `graphs.cpu.files.head.onnx is ".onnx"`},
		{"{head.onnx: head.cpu.onnx}", "{head.onnx: image_encoder.onnx}", `is "image_encoder.onnx", want a file`},
		{"{head.onnx: head.cpu.onnx}", "{head.onnx: other.onnx}", `files.other.onnx is "", want 64 hexadecimal digits`},
		{"    precision: [int8, float16]", "    precision: [int4]", "graphs.tensorrt.precision is [int4], want some of float16, int8"},
		{"    precision: [int8, float16]", "    precision: [int8, int8]", "graphs.tensorrt.precision is [int8 int8]"},
		{"    quantisation: {method: test}", "    precision: [float16]", "graphs.cpu.precision is [float16], want none"},
		{"0.05], zero_point", "0], zero_point", "graphs.cpu.input.scales[3] is 0, want a positive number"},
		{"0.05], zero_point", ".inf], zero_point", "graphs.cpu.input.scales[3] is +Inf"},
		{"0.05], zero_point", ".nan], zero_point", "graphs.cpu.input.scales[3] is NaN"},
		{", 0.05], zero_point", "], zero_point", "graphs.cpu.input.scales is 3 numbers, want 4, one for each slot, or 32"},
		{"0.05], zero_point: 0", "0.05], scale: 1, zero_point: 0", "graphs.cpu.input.scale is 1, want none beside scales"},
		{"0.05], zero_point: 0", "0.05]", "graphs.cpu.input.zero_point is missing"},
		{"{type: float32}", "{type: int8}", `graphs.tensorrt.input.type is "int8", want uint8 or float32`},
		{"{type: float32}", "{}", "graphs.tensorrt.input.type is missing"},
		{"{type: float32}", "{type: float32, scales: [1]}", "float32 with scale, scales or zero_point"},
		{"files: {image_encoder.onnx: image_encoder.tensorrt.onnx, head.onnx: head.cpu.onnx}\n    input: {type: float32}\n    precision: [int8, float16]", "quantisation: {}", "graphs.tensorrt is empty"},
	} {
		dir := withSets(t)
		rewrite(t, dir, tt.old, tt.new)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s for %s: error %v, want %q in it", tt.new, tt.old, err, tt.want)
		}
	}
}

func TestFilesOfProvidersAreHashed(t *testing.T) {
	dir := withSets(t)
	write(t, filepath.Join(dir, "image_encoder.tensorrt.onnx"), []byte("x"))
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "image_encoder.tensorrt.onnx has SHA-256") {
		t.Errorf("error %v, want one of the changed graph", err)
	}
}

// A bundle may say that TensorRT can run its plain graphs in float16.
func TestPlainGraphsInFloat16(t *testing.T) {
	dir := testbundle.Write(t)
	rewrite(t, dir, "files:\n", "graphs: {tensorrt: {precision: [float16]}}\nfiles:\n")
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := b.For("tensorrt")
	if s.File(DetectHead) != "head.onnx" || s.Input.Scale != 0.02 || len(s.Precision) != 1 || s.Quantisation != b.Quantisation() {
		t.Errorf("the set is %+v", s)
	}
}
