package pipeline_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// overwrite sets all numbers of a graph's constant, and the graph's hash in the
// manifest.
func overwrite(t *testing.T, dir, graph, constant string, value float64) {
	t.Helper()
	file, manifest := filepath.Join(dir, graph), filepath.Join(dir, "model.yaml")
	data, err := os.ReadFile(file)
	text, err2 := os.ReadFile(manifest)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	const rawData = 9<<3 | 2
	before := sum(data)
	i := bytes.Index(data, append([]byte(constant), rawData))
	if i < 0 {
		t.Fatalf("%s has no constant %s", graph, constant)
	}
	i += len(constant) + 1
	size, n := binary.Uvarint(data[i:])
	raw := data[i+n:][:size]
	for ; len(raw) > 0; raw = raw[4:] {
		binary.LittleEndian.PutUint32(raw, math.Float32bits(float32(value)))
	}
	text = bytes.Replace(text, []byte(before), []byte(sum(data)), 1)
	if err := errors.Join(os.WriteFile(file, data, 0o600), os.WriteFile(manifest, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func TestVerify(t *testing.T) {
	for _, write := range []func(testing.TB) string{testbundle.Write, testbundle.WritePlain} {
		b, err := model.Open(write(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pipeline.Verify(b); err != nil {
			t.Error(err)
		}
	}
}

func TestVerifyRunsTheGraphs(t *testing.T) {
	for _, tt := range []struct {
		name, graph, constant string
		value                 float64
		want                  string
	}{
		{"a constant", "head.onnx", "fuse.weight", math.NaN(), `model: head.onnx: constant "fuse.weight" has a value that is not finite`},
		{"behind an activation", "image_encoder.onnx", "conv1.weight", math.NaN(), `constant "conv1.weight"`},
		{"an overflow", "image_encoder.onnx", "depth.weight", 3e38, `model: image_encoder.onnx: output "mono_logits" has `},
		{"the last graph", "head.onnx", "head_3_dim.weight", 3e38, `model: head.onnx: output "head_3_dim" has `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := testbundle.Write(t)
			overwrite(t, dir, tt.graph, tt.constant, tt.value)
			b, err := model.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pipeline.Verify(b); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}
