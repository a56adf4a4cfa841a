package model

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/tensor"
)

func safetensors(header string, body ...byte) []byte {
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(data, header...), body...)
}

func TestReadSafetensors(t *testing.T) {
	got, err := readSafetensors(safetensors(
		`{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"s":{"dtype":"F32","shape":[],"data_offsets":[8,12]},`+
			`"e":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}`,
		0, 0, 128, 63, 0, 0, 0, 192, 0, 0, 0, 63))
	if err != nil {
		t.Fatal(err)
	}
	if x := got["x"].Data; len(got) != 3 || x[0] != 1 || x[1] != -2 || got["s"].Data[0] != 0.5 {
		t.Errorf("got %v, x = %v", got, x)
	}
}

func TestReadSafetensorsRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":        {nil, "too few"},
		"short header":   {safetensors("{}")[:9], "exceeds"},
		"no JSON":        {safetensors("{"), "header"},
		"half precision": {safetensors(`{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, 0, 0), "F16"},
		"unknown key":    {safetensors(`{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4],"y":1}}`, 0, 0, 0, 0), "unknown"},
		"gap":            {safetensors(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 0, 0, 0, 0, 0, 0, 0, 0), "gap"},
		"beyond":         {safetensors(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0), "exceed"},
		"backwards":      {safetensors(`{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"y":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 1), "after the last"},
		"shape":          {safetensors(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 0, 0, 0, 0), "does not fit"},
		"huge shape":     {safetensors(`{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, 0, 0, 0, 0), "does not fit"},
		"negative shape": {safetensors(`{"x":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, 0, 0, 0, 0), "does not fit"},
		"not a number":   {safetensors(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 192, 127), "finite"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readSafetensors(test.data); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestWeightsNamesEveryFault(t *testing.T) {
	b, err := Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Manifest.weights(map[string]*tensor.F32{
		"time.age": tensor.New[float32](3), "other": tensor.New[float32](1),
	})
	if err == nil {
		t.Fatal("wrong weights are accepted")
	}
	for _, want := range []string{
		`"similarity.0.weight" is missing`, `"time.age" has shape [3], want [8]`, `"other" is unknown`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}

func FuzzReadSafetensors(f *testing.F) {
	real, err := os.ReadFile(filepath.Join(testbundle.Write(f), weightsFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(real)
	f.Add(safetensors(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 128, 63))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := readSafetensors(data)
		if err != nil {
			return
		}
		size := 0
		for _, x := range tensors {
			size += 4 * len(x.Data)
		}
		header := int(binary.LittleEndian.Uint64(data))
		if size != len(data)-8-header {
			t.Errorf("tensors of %d bytes from data of %d", size, len(data)-8-header)
		}
	})
}
