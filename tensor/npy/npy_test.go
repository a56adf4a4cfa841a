package npy

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/tensor"
)

// TestWrite reads arrays of many shapes back with a reader of its own.
func TestWrite(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, shape := range [][]int{{0}, {1}, {7}, {2, 3}, {6, 3, 4, 5}, {1, 0, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}} {
		want := tensor.New[float32](shape...)
		for i := range want.Data {
			want.Data[i] = float32(rng.NormFloat64())
		}
		if len(want.Data) > 1 {
			want.Data[1] = float32(math.NaN())
		}
		var file bytes.Buffer
		if err := Write(&file, want); err != nil {
			t.Fatal(err)
		}
		if start := file.Len() - 4*len(want.Data); start%block != 0 {
			t.Errorf("%v: the data begins at byte %d, want a multiple of %d", shape, start, block)
		}
		got, err := golden.ReadNpy[float32](&file)
		if err != nil {
			t.Fatalf("%v: %v", shape, err)
		}
		got.MustShape("array", shape...)
		golden.Within(t, "array", got.Data, want.Data, golden.Bound{})
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	for _, n := range []int{9, 2} { // the second replaces the first
		if err := WriteFile(path, tensor.New[float32](n)); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := golden.ReadNpy[float32](f)
		f.Close()
		if err != nil || len(got.Data) != n {
			t.Errorf("read %v, %v", got, err)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere", "a.npy")
	if err := WriteFile(nowhere, tensor.New[float32](1)); err == nil || !strings.Contains(err.Error(), nowhere) {
		t.Errorf("error %v, want one that names %s", err, nowhere)
	}
}
