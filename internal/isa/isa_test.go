package isa

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		asked string
		want  Set
		err   string
	}{
		{"", Generic, ""},
		{"auto", Generic, ""},
		{"generic", Generic, ""},
		{"Generic", "", `isa: SOLOFUSION_KERNELS is "Generic", want one of auto, generic`},
		{"avx9", "", `"avx9", want one of`},
	} {
		got, err := Choose(tt.asked, nil)
		if got != tt.want {
			t.Errorf("Choose(%q) = %q, want %q", tt.asked, got, tt.want)
		}
		if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("Choose(%q): error %v, want %q", tt.asked, err, tt.err)
		}
	}
}

func TestMissing(t *testing.T) {
	f := Features{"avx2", "fma"}
	if got := f.missing([]string{"fma", "avx512f", "avx2"}); !slices.Equal(got, []string{"avx512f"}) {
		t.Errorf("missing %v", got)
	}
}

func TestDetect(t *testing.T) {
	f := Detect()
	if !slices.IsSorted(f) {
		t.Errorf("not sorted: %v", f)
	}
	baseline := map[string]string{"arm64": "asimd", "amd64": "sse41"}[runtime.GOARCH]
	if baseline != "" && !slices.Contains(f, baseline) {
		t.Errorf("%s lacks %s: %v", runtime.GOARCH, baseline, f)
	}
	if Features(nil).String() != "none" || (Features{"a", "b"}).String() != "a b" {
		t.Error("String")
	}
}
