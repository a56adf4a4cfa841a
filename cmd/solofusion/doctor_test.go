package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/isa"
)

func TestDoctorNamesEveryPart(t *testing.T) {
	t.Setenv(isa.Variable, "")
	var table bytes.Buffer
	if err := diagnose(&table); err != nil {
		t.Errorf("%v\n%s", err, &table)
	}
	for _, part := range []string{"Go ", "OpenCV ", "ONNX Runtime ", "providers ", "processor ", "kernels ", "model "} {
		if !strings.Contains(table.String(), "\n"+part) && !strings.HasPrefix(table.String(), part) {
			t.Errorf("no row %q:\n%s", part, &table)
		}
	}
}

func TestDoctorSaysWhatMends(t *testing.T) {
	t.Setenv(isa.Variable, "quick")
	t.Setenv("SOLOFUSION_ONNXRUNTIME", "/nowhere/libonnxruntime.so")
	var table bytes.Buffer
	err := diagnose(&table)
	if err == nil || !strings.Contains(err.Error(), "ONNX Runtime, kernels") {
		t.Errorf("error %v", err)
	}
	for _, mend := range []string{"→ make deps", "→ unset SOLOFUSION_KERNELS"} {
		if !strings.Contains(table.String(), mend) {
			t.Errorf("no %q:\n%s", mend, &table)
		}
	}
}
